// A reporter for node's test runner that writes its totals as one line of JSON: pass, fail, cancelled, skipped, todo; and the
// names of what failed, and of what was left out, with the reason.
export default async function* countingReporter(events) {
  const totals = {};
  const failures = [];
  const leftOut = [];
  for await (const { type, data } of events) {
    // The runner's summary, at the end: `pass 12`, `fail 0`… (A test's own diagnostics would be overwritten by it.)
    const [, name, count] = (type === 'test:diagnostic' && /^(\w+) ([\d.]+)$/.exec(data.message)) || [];
    if (name) totals[name] = Number(count);
    if (data.details?.type === 'suite') continue;
    if (type === 'test:fail') failures.push(data.name);
    // Told twice, by its end and by its result.
    if (type === 'test:pass' && data.skip !== undefined) leftOut.push({ name: data.name, why: String(data.skip) });
  }
  yield JSON.stringify({ ...totals, failures, leftOut });
}

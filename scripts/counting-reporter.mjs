// A reporter for node's test runner that writes its totals as one line of JSON: pass, fail, cancelled, skipped, todo.
export default async function* countingReporter(events) {
  const totals = {};
  for await (const { type, data } of events) {
    // The runner's summary, at the end: `pass 12`, `fail 0`… (A test's own diagnostics would be overwritten by it.)
    const [, name, count] = (type === 'test:diagnostic' && /^(\w+) ([\d.]+)$/.exec(data.message)) || [];
    if (name) totals[name] = Number(count);
  }
  yield JSON.stringify(totals);
}

// A reporter for node's test runner that writes its totals as one line of JSON: pass, fail, cancelled, skipped, todo; the names of
// what failed, and of what was left out, with the reason; and the slowest tests.
import path from 'node:path';

const SLOWEST = 15;

export default async function* countingReporter(events) {
  const totals = {};
  const failures = [];
  const leftOut = [];
  const times = [];
  const nestings = new Map();
  for await (const { type, data } of events) {
    // The runner's summary, at the end: `pass 12`, `fail 0`… (A test's own diagnostics would be overwritten by it.)
    const [, name, count] = (type === 'test:diagnostic' && /^(\w+) ([\d.]+)$/.exec(data.message)) || [];
    if (name) totals[name] = Number(count);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // The tests in it come right before it, and say more about where the time went.
    const isWhole = (nestings.get(data.file) ?? 0) <= data.nesting;
    nestings.set(data.file, data.nesting);
    const file = path.relative(process.cwd(), data.file ?? '');
    if (isWhole) times.push({ ms: Math.round(data.details.duration_ms), file, name: data.name });
    if (data.details.type === 'suite') continue;
    if (type === 'test:fail') failures.push(data.name);
    // Told twice, by its end and by its result.
    if (type === 'test:pass' && data.skip !== undefined) leftOut.push({ name: data.name, why: String(data.skip) });
  }
  const slowest = times
    .filter(({ ms }) => ms >= 100)
    .sort((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST);
  yield JSON.stringify({ ...totals, failures, leftOut, slowest });
}

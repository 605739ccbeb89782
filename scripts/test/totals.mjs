// How many tests passed, failed, and were skipped; and where the time went.
import { appendFileSync } from 'node:fs';

export function noTotals() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** Adds what the counting reporter has written. */
export function add(totals, { pass = 0, fail = 0, cancelled = 0, skipped = 0 }) {
  totals.passed += pass;
  totals.failed += fail + cancelled;
  totals.skipped += skipped;
}

/** Prints the last line of a command; `.ci/run` adds up what several commands append to SWAPCTL_TEST_TOTALS. */
export function printTotals({ passed, failed, skipped }) {
  const file = process.env.SWAPCTL_TEST_TOTALS;
  if (file) appendFileSync(file, `${passed} ${failed} ${skipped}\n`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
}

const SLOWEST = 15;

export function printSlowest(tests) {
  if (tests.length < 2) return;
  console.log('\nthe slowest tests:');
  const slowest = tests.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST);
  for (const { ms, file, name } of slowest) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${file}: ${name}`);
}

/** Says how long a lane took, and whether that is more than it should. */
export function printTime(lane, ms, budgetMs) {
  const over = ms > budgetMs ? `, more than its budget of ${minutes(budgetMs)}` : '';
  console.log(`\n${lane}: ${minutes(ms)}${over}`);
}

function minutes(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

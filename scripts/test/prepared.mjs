// Tests on a machine that is prepared for them, and from which everything is removed afterwards.
import { build } from '../build.mjs';
import { engine } from '../engine.mjs';
import { removeLeftovers } from '../leftovers.mjs';
import { needsOf } from '../prepare/needs.mjs';
import { prepare } from '../prepare.mjs';
import { Failure, outliveInterrupts, say } from '../shell.mjs';
import { laneOf } from './lanes.mjs';
import { runTests } from './run.mjs';
import { noTotals, printTime, printTotals } from './totals.mjs';

/**
 * Resolves with the exit status. `patterns` choose tests by name, `atOnce` is how many files run at a time on an engine; `budget`
 * is for all of it, if these are whole lanes.
 */
export async function testPrepared(files, { patterns, atOnce, budget }) {
  const began = Date.now();
  const interrupted = outliveInterrupts();
  const totals = noTotals();
  const of = (lane) => files.filter((file) => laneOf(file) === lane);
  const onEngine = of('engine').length + of('full').length > 0;

  await prepare(needsOf(files), { onEngine });
  await attemptBuild(totals);
  await runTests('fast', of('fast'), { patterns, whole: budget !== undefined }, totals);
  if (onEngine && !interrupted()) {
    await withEngine(async () => {
      for (const lane of ['engine', 'full']) await runTests(lane, of(lane), { patterns, atOnce, interrupted }, totals);
    });
  }

  if (budget) printTime(budget.name, Date.now() - began, budget.ms);
  printTotals(totals);
  if (interrupted()) return 130;
  return totals.failed > 0 ? 1 : 0;
}

/** Tests that don't need the program say more about a broken build than its absence would; it counts as a failure. */
async function attemptBuild(totals) {
  try {
    await build();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    totals.failed += 1;
  }
}

async function withEngine(work) {
  const running = await engine();
  try {
    await work();
  } finally {
    await removeLeftovers();
    await running.stop();
  }
}

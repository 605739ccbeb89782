// A later replica of a service fails, after others were rolled.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { assertAnswered, assertSafe, assertTrue } from '../../matrix/checks.ts';
import { SETUPS, type Setup } from '../../matrix/setups.ts';
import { command, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import type { Failure, Process } from '../../memory/process.ts';

const SCALED = SETUPS['scaled, stop-first'];

interface Moment {
  readonly what: string;
  readonly nth: number;
  readonly how: Failure;
}

/** The calls of a kind, counted from 1, that an undisturbed roll makes after the nth call of another kind. */
async function callsAfter(mark: string, nthMark: number, what: string): Promise<number[]> {
  const stage = await stageOf(SCALED);
  const process = stage.open();
  await command(stage, process);
  const kinds = process.calls.map((call) => call.what);
  const marks = kinds.flatMap((kind, at) => (kind === mark ? [at] : []));
  const from = marks[nthMark - 1] ?? assert.fail(`there is no ${mark} ${nthMark}`);
  const before = kinds.slice(0, from).filter((kind) => kind === what).length;
  const after = kinds.slice(from).filter((kind) => kind === what).length;
  return Array.from({ length: after }, (_, at) => before + at + 1);
}

async function failedAt({ what, nth, how }: Moment): Promise<{ stage: Stage; report: ServiceReport }> {
  const stage = await stageOf(SCALED);
  const process = stage.open();
  process.fail(what, nth, how);
  const report = await command(stage, process);
  return report === 'died' ? assert.fail('it died') : { stage, report };
}

const outcomes = ({ replicas }: ServiceReport): string[] | undefined => replicas?.map(({ outcome }) => outcome);

test('if it needs attention and is down, those that were rolled serve on, and recover brings all to the new version', async () => {
  // The second replica is stopped.
  const [nth = 0] = await callsAfter('engine.stop', 2, 'engine.list');
  const { stage, report } = await failedAt({ what: 'engine.list', nth, how: 500 });
  assert.equal(report.error?.code, 'attention', JSON.stringify(report));
  assert.deepEqual(outcomes(report), ['rolled', 'failed']);
  assertAnswered(stage, undefined);
  await recovered(stage, stage.open());
  assert.equal(assertSafe(stage, { memories: false, soon: true }), stage.to);
});

test('nobody says that nothing was touched once a replica was rolled, whenever the engine goes away', async (t) => {
  const looks = await callsAfter('engine.remove', 1, 'engine.facts');
  for (const nth of looks) {
    const { stage, report } = await failedAt({ what: 'engine.facts', nth, how: 'timeout' });
    assertTrue(stage, report);
  }
  t.diagnostic(`${looks.length} looks`);
});

/** Interrupts before the second replica's new container is created; `more` fails afterwards. */
async function interruptedAtSecond(
  setup: Setup,
  more: (process: Process) => void = () => {},
): Promise<{ stage: Stage; report: ServiceReport }> {
  return interruptedAt('engine.create', SECOND, setup, more);
}

async function interruptedAt(
  call: string,
  nth: number,
  setup: Setup,
  more: (process: Process) => void = () => {},
): Promise<{ stage: Stage; report: ServiceReport }> {
  const stage = await stageOf(setup);
  const interrupt = new AbortController();
  const process = stage.open();
  process.before(call, nth, () => interrupt.abort());
  more(process);
  const report = await command(stage, process, interrupt.signal);
  return report === 'died' ? assert.fail('it died') : { stage, report };
}

// After the lock and the first replica's.
const SECOND = 3;

test('if a replica can not go back to the old image, the report asks for attention, and recover brings all to one', async () => {
  const { stage, report } = await interruptedAtSecond(SETUPS.scaled, (process) =>
    process.fail('engine.create', SECOND + 1, 404),
  );
  assert.deepEqual(outcomes(report), ['failed', 'failed'], JSON.stringify(report));
  assert.equal(report.error?.code, 'attention', JSON.stringify(report));
  assert.match(report.replicas?.[0]?.error?.message ?? '', /^shop-web-1 could not go back to the old image: /);
  assertTrue(stage, report);
  await recovered(stage, stage.open());
  assertSafe(stage, { memories: false, soon: true });
});

test('a rollback that a later replica keeps from its end is taken back, too', async () => {
  const { stage, report } = await interruptedAtSecond({ ...SETUPS.scaled, command: 'rollback' });
  assert.equal(report.outcome, 'failed', JSON.stringify(report));
  assertTrue(stage, report);
  assert.equal(assertSafe(stage, { memories: true, soon: true }), stage.from);
});

const COPIED: Setup = { ...SETUPS.copied, replicas: 2 };

test('a replica goes back with the copy of its volume, of which none is to be kept', async () => {
  const { stage, report } = await interruptedAt('engine.stop', 2, COPIED);
  assert.deepEqual(outcomes(report), ['rolled-back', 'failed'], JSON.stringify(report));
  assertTrue(stage, report);
  assert.equal(assertSafe(stage, { memories: false, soon: true }), stage.from);
  assert.deepEqual(copiesIn(stage), []);
});

test('copies of which none is to be kept go once all replicas are rolled', async () => {
  const stage = await stageOf(COPIED);
  const report = await command(stage, stage.open());
  assert.ok(report !== 'died' && report.outcome === 'rolled', JSON.stringify(report));
  assert.deepEqual(copiesIn(stage), []);
});

const copiesIn = ({ machine }: Stage): string[] =>
  [...machine.volumes.keys()].filter((name) => name.includes('.swapctl-backup-'));

// A roll without a protection, when nft fails in the middle.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { freshMemory, type SlotRun } from '../../../src/app/rollout/slot-run.ts';
import { redirectAddress } from '../../../src/app/traffic/address-redirect.ts';
import { shut } from '../../../src/app/traffic/gate.ts';
import { addressRedirectsOf, portRedirectOf } from '../../../src/app/traffic/rules-seen.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import { RuleError } from '../../../src/core/traffic/kernel-layer.ts';
import { container } from '../../core/builders.ts';

const REFUSED = new RuleError({ kind: 'refused', words: 'beyond me' });
const WEB = { ...container({ id: 'new', name: 'web' }), pid: 7, status: 'running' as const };

/** A run whose kernel fails in all calls; `now` is the engine's view of the container. */
function failing(error: Error, [now]: readonly unknown[] = [WEB]): { run: SlotRun; told: Progress[] } {
  const told: Progress[] = [];
  const fail = async () => Promise.reject(error);
  const shown = [WEB, now];
  const run = {
    memory: freshMemory(),
    movesTraffic: true,
    names: { slotName: 'web' },
    desired: { choice: { strategy: 'handover' } },
    ports: {
      kernel: { shut: fail, open: fail, redirectAddress: fail, addressRedirects: fail, portRedirect: fail },
      engine: { container: async () => (shown.length > 1 ? shown.shift() : now), bridges: async () => [] },
      clock: { now: () => 0, sleep: async () => {} },
      report: (one: Progress) => told.push(one),
    },
  } as unknown as SlotRun;
  return { run, told };
}

test('a gate that nft refuses is a note, also in the report, and once', async () => {
  const { run, told } = failing(REFUSED);
  await shut(run, 'new');
  await shut(run, 'new');
  const text = 'web can be reached before it is healthy: nft refuses the rules (beyond me)';
  assert.deepEqual(told, [{ kind: 'note', text }]);
  assert.deepEqual([...run.memory.notes], [text]);
});

test('a gate for a container that has ended is nothing to note', async () => {
  for (const now of [undefined, { ...WEB, status: 'exited' }, { ...WEB, pid: 8 }]) {
    const { run, told } = failing(REFUSED, [now]);
    await shut(run, 'new');
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['debug'],
    );
    assert.equal(run.memory.notes.size, 0);
  }
});

suite('a gate that may be in force, since nft was killed as it set it', () => {
  const killed = new RuleError({ kind: 'killed', signal: 'SIGKILL' });

  test('is opened, and if that fails, too, both are notes', async () => {
    const { run, told } = failing(killed);
    await shut(run, 'new');
    assert.deepEqual(told, [
      { kind: 'note', text: 'web may reject new connections for 30 s: nft died by SIGKILL' },
      { kind: 'note', text: 'web can be reached before it is healthy: nft died by SIGKILL' },
    ]);
  });

  test('stays, if it was in force before: a later step opens it', async () => {
    const { run } = failing(killed);
    run.memory.shut.set('new', 15_000);
    await shut(run, 'new');
    assert.deepEqual([...run.memory.notes], ['web can be reached before it is healthy: nft died by SIGKILL']);
  });
});

const STEP = { kind: 'forward', container: 'old', name: 'web.swapctl-old', to: 'new', toName: 'web' } as const;

test('an address redirect that nft refuses is a note, and not tried again', async () => {
  const { run, told } = failing(REFUSED);
  await redirectAddress(run, STEP, { ...WEB, id: 'old' }, WEB);
  const text = 'no address redirect from web.swapctl-old to web: nft refuses the rules (beyond me)';
  assert.deepEqual(told, [{ kind: 'note', text }]);
  assert.deepEqual(run.memory.forwards, [{ from: 'old', to: 'new', state: 'impossible' }]);
});

test('an address redirect between containers without addresses is nothing to note', async () => {
  const { run, told } = failing(new SwapError('step-failed', 'no addresses of their own'));
  await redirectAddress(run, STEP, { ...WEB, id: 'old' }, WEB);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['debug'],
  );
});

test('address redirects that can not be read are a note, and taken for over', async () => {
  const { run } = failing(REFUSED);
  run.memory.forwards.push({ from: 'old', to: 'new', state: 'over' });
  const { memory } = run;
  assert.deepEqual(await addressRedirectsOf(run, [WEB, { ...WEB, id: 'old' }], undefined), memory.forwards);
  assert.deepEqual([...memory.notes], ["web: its address redirects can't be read: nft refuses the rules (beyond me)"]);
});

test('whether ports are redirected to a stand-in is never guessed', async () => {
  const standIn = { ...WEB, name: 'web.swapctl-stand-in' };
  const { run } = failing(new RuleError({ kind: 'killed', signal: 'SIGSEGV' }));
  await assert.rejects(portRedirectOf(run, standIn), (error) => {
    assert.ok(error instanceof SwapError);
    assert.equal(error.code, 'attention');
    assert.match(error.message, /may be redirected to web\.swapctl-stand-in.*nft died by SIGSEGV/);
    assert.match(error.hint ?? '', /then run swapctl recover$/);
    return true;
  });
  await assert.rejects(portRedirectOf(run, undefined), RuleError);
  run.memory.created.add('new');
  await assert.rejects(portRedirectOf(run, undefined), { code: 'attention' });
});

// Rolls that close idle connections before a container stops, on an engine in memory.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { DrainedConnections } from '../../../src/core/report/report.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { stageOf } from '../../matrix/stage.ts';
import { type Connection, connect } from '../../memory/clients.ts';
import { mustBox } from '../../memory/machine.ts';

/** Rolls a service to which two clients keep connections, one of them waiting for an answer for ever. */
async function rolled(
  setting: 'true' | 'false',
): Promise<{ connections: DrainedConnections | undefined; open: boolean[] }> {
  const stage = await stageOf(SETUPS['start-first']);
  const { machine, place, slots, service } = stage;
  const old = mustBox(machine, slots[0] ?? '');
  const address = old.networks.net?.IPAddress ?? assert.fail('no address');
  const to = { kind: 'address', address } as const;
  const kept = [1, 2].map(() => connect(machine, place.rules, to) ?? assert.fail('refused')) as [
    Connection,
    Connection,
  ];
  kept[1].ask();
  const process = stage.open();
  let open: boolean[] = [];
  process.before('engine.stop', 1, () => {
    open = kept.map((one) => one.isOpen());
  });
  const overrides = { 'drain.close': setting, 'drain.timeout': '2s', settle: '500ms', linger: '0s' };
  const [report] = await machine.clock.run(
    process.app.roll([service], { pull: 'never', signal: new AbortController().signal, overrides }),
  );
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  return { connections: report.connections, open };
}

suite('a roll of a service with kept connections', () => {
  test('closes the idle one before the stop if that is wanted, and no other', async () => {
    const { connections, open } = await rolled('true');
    assert.deepEqual(connections, { idle: 0, busy: 1, cut: 1, closed: 1 });
    assert.deepEqual(open, [false, true]);
  });

  test('leaves both to the stop otherwise', async () => {
    const { connections, open } = await rolled('false');
    assert.deepEqual(connections, { idle: 1, busy: 1, cut: 1 });
    assert.deepEqual(open, [true, true]);
  });
});

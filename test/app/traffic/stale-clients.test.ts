// Clients that keep the address of a removed container, in rolls on an engine in memory.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { SETUPS, type Setup } from '../../matrix/setups.ts';
import { type Stage, stageOf } from '../../matrix/stage.ts';
import { connect } from '../../memory/clients.ts';
import { create } from '../../memory/containers.ts';
import { build } from '../../memory/images.ts';
import { start } from '../../memory/lifecycle.ts';
import { mustBox } from '../../memory/machine.ts';

const NETWORK = 'net';
const EVERY_MS = 300;

interface Rolled {
  readonly report: ServiceReport;
  readonly old: string;
  /** The time from the old container's stop to the last answered connection to its address. */
  readonly answeredForMs: number;
}

/** Rolls a service while a container keeps connecting to the old one's address, for this time after its stop. */
async function rolled(
  setup: Setup,
  stopsAfterMs = Infinity,
  linger = '6s',
  during = (_: Stage, _interrupt: () => void) => {},
): Promise<Rolled> {
  const stage = await stageOf(setup);
  const { machine, place, slots, service } = stage;
  const { clock } = machine;
  const address = addressOf(stage, slots[0] ?? '');
  build(machine, 'proxy:1', {});
  start(
    machine,
    create(machine, { name: 'proxy', config: { Image: 'proxy:1' }, host: {}, networks: { [NETWORK]: {} } }),
  );
  const old = machine.names.get(slots[0] ?? '');
  const interrupt = new AbortController();
  let [stopped, answered, over] = [Infinity, 0, false];
  const client = async (): Promise<void> => {
    while (!over && clock.now() - stopped < stopsAfterMs) {
      if (old?.status !== 'running' && stopped === Infinity) {
        stopped = clock.now();
        during(stage, () => interrupt.abort());
      }
      const made = connect(machine, place.rules, { kind: 'address', address }, addressOf(stage, 'proxy'));
      if (made && stopped !== Infinity) answered = clock.now();
      made?.close();
      await clock.sleep(EVERY_MS);
    }
  };
  const overrides = { linger, settle: '500ms', 'drain.timeout': '500ms' };
  const request = { pull: 'never' as const, signal: interrupt.signal, overrides };
  const rolling = stage.open().app.roll([service], request);
  void client();
  const [report] = await clock.run(rolling);
  over = true;
  return { report: report ?? assert.fail('no report'), old: address, answeredForMs: answered - stopped };
}

function addressOf({ machine }: Stage, name: string): string {
  return mustBox(machine, name).networks[NETWORK]?.IPAddress ?? assert.fail(name);
}

suite('a client of the address of a container that is gone', () => {
  test('is answered until the linger time is over, and is in the report', async () => {
    const { report, old, answeredForMs } = await rolled(SETUPS['start-first']);
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(report.staleClients, [{ client: 'proxy', network: NETWORK, address: old }]);
    assert.deepEqual(
      report.attention?.map(({ code, message }) => [code, message]),
      [
        [
          'attention',
          `proxy still connects to ${old} in the network ${NETWORK}, an address that no container of web has any more`,
        ],
      ],
    );
    assert.ok(answeredForMs > 5000 && answeredForMs < 7000, `${answeredForMs} ms`);
  });

  test('is none to worry about if it learns of the end', async () => {
    const { report, answeredForMs } = await rolled(SETUPS['start-first'], 1500);
    assert.deepEqual([report.outcome, report.staleClients, report.attention], ['rolled', undefined, undefined]);
    assert.ok(answeredForMs < 1500, `${answeredForMs} ms`);
  });

  test('is answered by the container that the engine gives the address to', async () => {
    const { report, answeredForMs } = await rolled(SETUPS['start-first'], Infinity, '60s', ({ machine }) => {
      const host = { NetworkMode: NETWORK };
      const config = { Image: 'proxy:1' };
      start(machine, create(machine, { name: 'stranger', config, host, networks: { [NETWORK]: {} } }));
    });
    assert.deepEqual([report.outcome, report.staleClients], ['rolled', undefined]);
    assert.ok(answeredForMs < 1000, `${answeredForMs} ms`);
  });

  test('is waited for no longer than until the user interrupts', async () => {
    const { report, answeredForMs } = await rolled(SETUPS['start-first'], Infinity, '60s', (_, interrupt) =>
      interrupt(),
    );
    assert.deepEqual([report.outcome, report.staleClients], ['rolled', undefined]);
    assert.ok(answeredForMs < 1000, `${answeredForMs} ms`);
  });

  test('is served by the successor of a handover, if that got the address', async () => {
    const { report, answeredForMs } = await rolled(SETUPS.handover);
    assert.deepEqual([report.outcome, report.staleClients], ['rolled', undefined]);
    assert.ok(answeredForMs > 6000, `${answeredForMs} ms`);
  });
});

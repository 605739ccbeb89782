// A container publishes a port that another one in its network serves, as with VPN containers.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { SETUPS, type Setup } from '../../matrix/setups.ts';
import { PORT, type Stage, stageOf } from '../../matrix/stage.ts';
import { SOUND } from '../../memory/apps.ts';
import { create } from '../../memory/containers.ts';
import { build } from '../../memory/images.ts';
import { start } from '../../memory/lifecycle.ts';
import type { Box } from '../../memory/machine.ts';

const READY_MS = 700;

/** A service, and a container in its network whose image exposes these ports, ready after a while. */
async function withTorrent(setup: Setup, ...ports: string[]): Promise<Stage> {
  const stage = await stageOf({ ...setup, health: 'check' });
  const { machine } = stage;
  const ExposedPorts = Object.fromEntries(ports.map((port) => [port, {}]));
  const Healthcheck = { Test: ['CMD', 'healthcheck'], Interval: 1e9, Retries: 9 };
  build(machine, 'torrent:1', { app: { ...SOUND, readyMs: READY_MS }, config: { ExposedPorts, Healthcheck } });
  const config = { Image: 'torrent:1', Labels: { 'swapctl.settle': '100ms' } };
  const host = { NetworkMode: `container:${boxOf(stage, 'web').id}` };
  start(machine, create(machine, { name: 'torrent', config, host, networks: {} }));
  await machine.clock.run(machine.clock.sleep(3000));
  return stage;
}

function boxOf({ machine }: Stage, name: string): Box {
  return machine.names.get(name) ?? assert.fail(`there is no ${name}`);
}

function requestOf(strategy: string) {
  return { signal: new AbortController().signal, overrides: { strategy }, pull: 'never' } as const;
}

/** A roll, and the time of its first stop. */
async function rolled(stage: Stage, strategy: string): Promise<{ report: ServiceReport; stoppedAt: number }> {
  const { machine } = stage;
  const process = stage.open();
  let stoppedAt = Infinity;
  process.before('engine.stop', 1, () => {
    stoppedAt = machine.clock.now();
  });
  const [report] = await machine.clock.run(process.app.roll(['web'], requestOf(strategy)));
  process.kill();
  return { report: report ?? assert.fail('no report'), stoppedAt };
}

/** The report's gap is that of the torrent, and hardly more. */
function assertGap(stage: Stage, { report, stoppedAt }: Awaited<ReturnType<typeof rolled>>): void {
  assert.equal(report.outcome, 'rolled', JSON.stringify(report));
  const down = boxOf(stage, 'torrent').startedAt + READY_MS - stoppedAt;
  const { gap = 0 } = report;
  assert.ok(gap >= down, `the torrent did not answer for ${down} ms, and the report says ${gap}`);
  assert.ok(gap <= down + 1500, `the torrent did not answer for only ${down} ms, and the report says ${gap}`);
}

suite('ports that another container serves', () => {
  test('are not handed over, and the report says for how long nobody answered', async () => {
    const stage = await withTorrent(SETUPS.handover, `${PORT}/tcp`);
    const process = stage.open();
    const [plan] = await stage.machine.clock.run(process.app.plan(['web'], requestOf('auto')));
    process.kill();
    assert.equal(plan?.slots[0]?.strategy, 'stop-first');
    assert.match(plan.slots[0].because, /which torrent in its network serves/);
    const end = await rolled(stage, 'auto');
    assert.equal(end.report.strategy, 'stop-first');
    assertGap(stage, end);
  });

  test('are not handed over by wish either: nothing is touched', async () => {
    const stage = await withTorrent(SETUPS.handover, `${PORT}/tcp`);
    const web = boxOf(stage, 'web');
    const { report } = await rolled(stage, 'handover');
    assert.equal(report.error?.code, 'refused');
    assert.match(report.error.message, /torrent in its network serves/);
    assert.equal(boxOf(stage, 'web'), web);
  });
});

suite('a container in the network of one that', () => {
  test('is rolled start-first has its time without an answer in the report', async () => {
    const stage = await withTorrent(SETUPS['start-first']);
    assertGap(stage, await rolled(stage, 'start-first'));
  });

  test('is handed over has its time without an answer in the report', async () => {
    const stage = await withTorrent(SETUPS.handover);
    const end = await rolled(stage, 'auto');
    assert.equal(end.report.strategy, 'handover');
    assertGap(stage, end);
  });
});

// A new image that no longer listens on a published port: the old container stays, unless a setting says otherwise.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SETUPS, type Setup } from '../../../matrix/setups.ts';
import { boxAt, command, PORT, recovered, rollAgain, type Stage, stageOf } from '../../../matrix/stage.ts';
import type { Process } from '../../../memory/process.ts';

const REQUEST = { signal: new AbortController().signal, pull: 'never' } as const;
const LOST = /unlike the old container, (it|the new one) does not serve the published port 8080\/tcp/;

/** Makes an image listen only on these ports. */
function listens({ machine }: Stage, image: string, ports: readonly number[]): void {
  const stored = machine.images.get(image) ?? assert.fail('it is there');
  machine.images.set(image, { ...stored, app: { ...stored.app, listens: ports } });
}

/** As in the matrix, but the newer image listens on nothing. */
async function deafStage(setup: Setup): Promise<Stage> {
  const stage = await stageOf(setup);
  publishWeb(stage);
  listens(stage, stage.to, []);
  return stage;
}

// At a port that the engine picks, so that two containers can have one at once.
function publishWeb(stage: Stage): void {
  const box = boxAt(stage, 'web') ?? assert.fail('it is there');
  box.published = [{ containerPort: `${PORT}/tcp`, hostIp: '0.0.0.0', hostPort: 32_768 }];
  box.shown = undefined;
}

async function rolled(stage: Stage, overrides: Record<string, string> = {}) {
  const process = stage.open();
  const [report] = await stage.machine.clock.run(process.app.roll([stage.service], { ...REQUEST, overrides }));
  return { report: report ?? assert.fail('no report'), process };
}

function stops({ calls }: Process): number {
  return calls.filter(({ what }) => what === 'engine.stop').length;
}

const WAYS = {
  'start-first': SETUPS['start-first'],
  handover: SETUPS.handover,
  rehearsed: SETUPS.rehearsed,
  'stop-first': { ...SETUPS.rehearsed, rehearsal: false },
} as const;

suite('an image that lost a published port', () => {
  for (const way of ['start-first', 'handover', 'rehearsed', 'stop-first'] as const)
    for (const health of ['http', 'check', 'none'] as const)
      test(`is refused ${way}, with the health check ${health}`, async () => {
        const stage = await deafStage({ ...WAYS[way], health, remembered: false });
        const before = boxAt(stage, 'web');
        const { report, process } = await rolled(stage);
        assert.equal(report.error?.code, 'not-healthy', JSON.stringify(report));
        assert.match(report.error.message, LOST);
        assert.match(report.error.message, /swapctl\.health\.ports=warn/);
        const after = boxAt(stage, 'web');
        assert.deepEqual([after?.id, after?.status], [before?.id, 'running']);
        if (way === 'rehearsed') assert.equal(stops(process), 0, 'the old container was not stopped');
        const again = await rollAgain(stage, stage.open());
        assert.equal(again === 'died' ? again : again.error?.code, 'known-bad');
      });

  test('is refused if it listens, but docker run -P no longer publishes the port', async () => {
    const stage = await stageOf(SETUPS['start-first']);
    publishWeb(stage);
    const box = boxAt(stage, 'web') ?? assert.fail('it is there');
    box.host = { ...box.host, PublishAllPorts: true };
    const stored = stage.machine.images.get(stage.to) ?? assert.fail('it is there');
    const app = { ...stored.app, listens: [PORT] };
    stage.machine.images.set(stage.to, { ...stored, app, config: { ...stored.config, ExposedPorts: {} } });
    const { report } = await rolled(stage);
    assert.equal(report.error?.code, 'not-healthy', JSON.stringify(report));
    assert.match(report.error.message, /8080\/tcp \(its image no longer exposes it\)/);
  });

  test('is rolled to with swapctl.health.ports=warn, which the report says', async () => {
    const { report } = await rolled(await deafStage(SETUPS.handover), { 'health.ports': 'warn' });
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.match(report.notes?.[0] ?? '', LOST);
  });

  test('is rolled to in silence with swapctl.health.ports=off', async () => {
    const { report } = await rolled(await deafStage(SETUPS.handover), { 'health.ports': 'off' });
    assert.deepEqual([report.outcome, report.notes], ['rolled', undefined]);
  });

  test('is gone back to all the same, and the report says it', async () => {
    const stage = await deafStage({ ...SETUPS.rollback, published: true, strategy: 'stop-first' });
    const report = await command(stage, stage.open());
    assert.ok(report !== 'died' && report.outcome === 'rolled-back', JSON.stringify(report));
    assert.match(report.notes?.[0] ?? '', LOST);
  });

  test('is undone by the recovery of a roll that died while it waited for the port', async () => {
    const stage = await deafStage({ ...SETUPS['start-first'], health: 'none' });
    const before = boxAt(stage, 'web');
    const dying = stage.open();
    const { clock } = stage.machine;
    clock.alarm(clock.now() + 2000, dying.kill);
    assert.equal(await command(stage, dying), 'died');
    assert.equal(stage.machine.boxes.size > 1, true, 'a candidate is there');
    await recovered(stage, stage.open());
    assert.deepEqual([boxAt(stage, 'web')?.id, boxAt(stage, 'web')?.status], [before?.id, 'running']);
  });
});

suite('an image is rolled to without a word', () => {
  test('that listens a while after it is healthy', async () => {
    const stage = await deafStage({ ...SETUPS.handover, health: 'check' });
    const { clock, boxes } = stage.machine;
    clock.watch(() => {
      for (const box of boxes.values())
        if (box.image.id === stage.to && clock.now() - box.startedAt > 3000) box.app = { ...box.app, listens: [PORT] };
    });
    const { report } = await rolled(stage);
    assert.deepEqual([report.outcome, report.notes, report.gap], ['rolled', undefined, undefined]);
  });

  test('that has no health check, and takes long to listen', async () => {
    const stage = await deafStage({ ...SETUPS.handover, health: 'none' });
    const { clock, boxes } = stage.machine;
    clock.watch(() => {
      for (const box of boxes.values())
        if (box.image.id === stage.to && clock.now() - box.startedAt > 40_000)
          box.app = { ...box.app, listens: [PORT] };
    });
    const { report } = await rolled(stage);
    assert.deepEqual([report.outcome, report.notes], ['rolled', undefined]);
  });

  test('that listens as little as the old one', async () => {
    const stage = await stageOf(SETUPS.handover);
    for (const image of [stage.from, stage.to]) listens(stage, image, []);
    const box = boxAt(stage, 'web') ?? assert.fail('it is there');
    box.app = { ...box.app, listens: [] };
    const { report } = await rolled(stage);
    assert.deepEqual([report.outcome, report.notes], ['rolled', undefined]);
  });
});

suite('the plan says that ports are not compared', () => {
  async function notesOf(stage: Stage, { app }: Process): Promise<string> {
    const [plan] = await stage.machine.clock.run(app.plan([stage.service], { ...REQUEST, overrides: {} }));
    return plan?.slots[0]?.notes?.join('; ') ?? '';
  }

  test('if the sockets of containers are out of reach', async () => {
    const stage = await stageOf(SETUPS.handover);
    const process = stage.open();
    Object.assign(process.ports, { traffic: { ...process.ports.traffic, listening: async () => undefined } });
    assert.match(await notesOf(stage, process), /the listening sockets of containers can't be read from here$/);
  });

  test('if another container lives in its network', async () => {
    const stage = await stageOf({ ...SETUPS['dependents, stop-first'], published: true });
    assert.match(await notesOf(stage, stage.open()), /mate, which lives in its network, may be who listens on them$/);
  });

  test('but not if they are', async () => {
    const stage = await stageOf(SETUPS.handover);
    assert.equal(await notesOf(stage, stage.open()), '');
  });
});

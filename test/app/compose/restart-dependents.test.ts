// Compose's `depends_on: { web: { restart: true } }`: the restarts after a roll of web, on an engine in memory.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { command, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import { SOUND } from '../../memory/apps.ts';
import { inspected } from '../../memory/containers.ts';
import { add, COMPOSED, idOf, nameOf, planOf, RESTARTED, rolled } from '../composed.ts';

/** The number of starts of each service since; a replaced container counts as 'replaced'. */
function watched(stage: Stage, services: readonly string[]): () => Record<string, number | 'replaced'> {
  const before = services.map((service) => ({ service, id: idOf(stage, service), runs: runsOf(stage, service) }));
  return () =>
    Object.fromEntries(
      before.map(({ service, id, runs }) => [
        service,
        idOf(stage, service) === id ? runsOf(stage, service) - runs : 'replaced',
      ]),
    );
}

function runsOf({ machine }: Stage, service: string): number {
  return machine.names.get(nameOf(service))?.run ?? 0;
}

suite('after a roll that succeeded', () => {
  test('direct dependents with restart: true are restarted, and nothing else', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED });
    add(stage, 'mail', { dependsOn: 'web:service_started:false' });
    add(stage, 'front', { dependsOn: 'api:service_started:true' });
    const seen = watched(stage, ['api', 'mail', 'front']);
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(seen(), { api: 1, mail: 0, front: 0 });
    assert.deepEqual(
      report.restarted?.map(({ container, error }) => [container, error]),
      [['shop-api-1', undefined]],
    );
    assert.equal(report.attention, undefined);
  });

  test('what lives in its network was created again by the roll, and is not restarted as well', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'torrent', { dependsOn: RESTARTED, network: `container:${stage.before.get('shop-web-1')}` });
    add(stage, 'api', { dependsOn: RESTARTED });
    const seen = watched(stage, ['torrent', 'api']);
    const plan = await planOf(stage);
    const report = await rolled(stage);
    assert.equal(report.outcome, 'rolled', JSON.stringify(report));
    assert.deepEqual(seen(), { torrent: 'replaced', api: 1 });
    assert.equal(runsOf(stage, 'torrent'), 1, 'it was started once');
    assert.deepEqual(
      report.restarted?.map(({ container }) => container),
      ['shop-api-1'],
    );
    assert.deepEqual(plan.after, ['restart shop-api-1 (depends_on: web, restart: true)']);
  });

  test('they are restarted after the old container is gone, dependencies first, each once the one before is healthy', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'front', { dependsOn: `${RESTARTED},api:service_started:false` });
    add(stage, 'api', { dependsOn: RESTARTED, program: SOUND, checked: true });
    const old = stage.before.get('shop-web-1') ?? '';
    const process = stage.open();
    let apiAtSecond = '';
    process.before('engine.restart', 1, () => assert.equal(stage.machine.boxes.has(old), false));
    process.before('engine.restart', 2, () => {
      apiAtSecond = inspected(stage.machine, idOf(stage, 'api'))?.health?.status ?? '';
    });
    const report = await rolled(stage, process);
    assert.deepEqual(
      report.restarted?.map(({ container }) => container),
      ['shop-api-1', 'shop-front-1'],
    );
    assert.equal(apiAtSecond, 'healthy');
  });

  test('a restart does not remove a container with --rm, and reaches what lives in its network', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED, autoRemove: true });
    add(stage, 'side', { network: `container:${idOf(stage, 'api')}` });
    const seen = watched(stage, ['api', 'side']);
    const report = await rolled(stage);
    assert.deepEqual(seen(), { api: 1, side: 1 });
    assert.deepEqual(
      report.restarted?.map(({ container }) => container),
      ['shop-api-1', 'shop-side-1'],
    );
  });

  test('one that fails to come back needs attention, and the others are restarted', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED });
    add(stage, 'mail', { dependsOn: RESTARTED });
    const process = stage.open();
    process.fail('engine.restart', 1, 500);
    const report = await rolled(stage, process);
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(
      report.restarted?.map(({ error }) => error === undefined),
      [false, true],
    );
    assert.match(report.attention?.[0]?.message ?? '', /^shop-api-1 could not be restarted/);
    assert.equal(report.attention?.[0]?.hint, 'see docker logs shop-api-1, then docker restart shop-api-1');
  });

  test('one that ends at once after its restart needs attention', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED, program: { ...SOUND, readyMs: Infinity }, checked: true });
    const report = await rolled(stage);
    assert.match(report.attention?.[0]?.message ?? '', /^shop-api-1 was restarted, but is unhealthy/);
  });

  test('one that another process rolls meanwhile is left to that one', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED });
    const other = stage.open();
    const { takeLock } = await import('../../../src/app/lock/held-lock.ts');
    const heldLock = await stage.machine.clock.run(takeLock(other.ports, 'shop/api', ['api:1']));
    const seen = watched(stage, ['api']);
    const report = await rolled(stage);
    assert.deepEqual(seen(), { api: 0 });
    assert.match(report.attention?.[0]?.message ?? '', /^shop-api-1 could not be restarted: another roll of shop\/api/);
    await stage.machine.clock.run(heldLock.release());
  });
});

test('an engine that fails then changes nothing about the roll', async () => {
  const stage = await stageOf(COMPOSED);
  add(stage, 'api', { dependsOn: RESTARTED });
  const undisturbed = stage.open();
  const again = await stageOf(COMPOSED);
  add(again, 'api', { dependsOn: RESTARTED });
  await rolled(stage, undisturbed);
  const lists = undisturbed.calls.slice(
    0,
    undisturbed.calls.findIndex(({ what }) => what === 'engine.restart'),
  );
  const process = again.open();
  process.fail('engine.list', lists.filter(({ what }) => what === 'engine.list').length, 500);
  const report = await rolled(again, process);
  assert.equal(report.outcome, 'rolled');
  assert.match(
    report.attention?.[0]?.message ?? '',
    /^what depends on shop\/web with restart: true could not be restarted/,
  );
});

test('after a roll that failed, or changed nothing, nothing is restarted', async () => {
  const bad = await stageOf({ ...COMPOSED, bad: 'ends' });
  add(bad, 'api', { dependsOn: RESTARTED });
  const seen = watched(bad, ['api']);
  const report = await rolled(bad);
  assert.equal(report.outcome, 'failed');
  assert.deepEqual([seen(), report.restarted], [{ api: 0 }, undefined]);
  const again = await stageOf(COMPOSED);
  await rolled(again);
  add(again, 'api', { dependsOn: RESTARTED });
  const unchanged = watched(again, ['api']);
  assert.equal((await rolled(again)).outcome, 'unchanged');
  assert.deepEqual(unchanged(), { api: 0 });
});

test('a rollback restarts them as well', async () => {
  const stage = await stageOf({ ...COMPOSED, command: 'rollback' });
  add(stage, 'api', { dependsOn: RESTARTED });
  const seen = watched(stage, ['api']);
  assert.equal((await rolled(stage)).outcome, 'rolled-back');
  assert.deepEqual(seen(), { api: 1 });
});

test('a plan names the restarts, and does none', async () => {
  const stage = await stageOf(COMPOSED);
  add(stage, 'api', { dependsOn: RESTARTED });
  const seen = watched(stage, ['api']);
  const plan = await planOf(stage);
  assert.deepEqual(plan.after, ['restart shop-api-1 (depends_on: web, restart: true)']);
  assert.deepEqual(seen(), { api: 0 });
});

suite('if swapctl dies', () => {
  test('before the restart, recover does it, once', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED });
    const seen = watched(stage, ['api']);
    const process = stage.open();
    process.crashAt('engine.restart', 1, 'before');
    assert.equal(await command(stage, process), 'died');
    assert.deepEqual(seen(), { api: 0 });
    await recovered(stage, stage.open());
    assert.deepEqual(seen(), { api: 1 });
    await recovered(stage, stage.open());
    assert.deepEqual(seen(), { api: 1 });
  });

  test('in the middle of the roll, recover finishes it and restarts them', async () => {
    const stage = await stageOf(COMPOSED);
    add(stage, 'api', { dependsOn: RESTARTED });
    const seen = watched(stage, ['api']);
    const process = stage.open();
    process.crashAt('engine.stop', 1, 'before');
    assert.equal(await command(stage, process), 'died');
    await recovered(stage, stage.open());
    assert.deepEqual(seen(), { api: 1 });
  });
});

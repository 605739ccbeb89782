import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainService } from '../../../src/app/inspect/explain.ts';
import type { ContainerSummary } from '../../../src/core/model/container.ts';
import { fail } from '../../../src/core/model/error.ts';
import type { Volume } from '../../../src/core/model/volume.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { failureName } from '../../../src/core/service/names.ts';
import { groupServices } from '../../../src/core/service/service.ts';
import { type Config, NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { composed, container, image } from '../../core/builders.ts';

const NOW = Date.parse('2026-01-05T12:00Z');

/** Ports of an engine with these containers, enough to explain settings. */
function ports(all: readonly ContainerSummary[], config: Config, volumes: readonly Volume[]): Ports {
  const inspect = (id: string) => {
    const { name = '', labels = {} } = all.find((one) => one.id === id) ?? {};
    return container({ id, name, config: { Image: 'app:1', Labels: { ...labels } } });
  };
  const engine = {
    container: async (id: string) => inspect(id),
    image: async () => image({ config: { Labels: { 'swapctl.keep': '9' } } }),
    facts: async () => ({ clockOffsetMs: 60_000 }),
    volumes: async () => volumes,
  };
  return {
    engine,
    clock: { now: () => NOW },
    schedules: {
      next: async (expression: string, after: number) =>
        expression === '61 * * * *' ? fail('config', 'no cron', { hint: 'mend it' }) : after + 3_600_000,
    },
    config: () => config,
  } as unknown as Ports;
}

function shop(labels: Record<string, string>): ContainerSummary[] {
  const web = composed('shop', 'web', 1);
  return [{ ...web, labels: { ...web.labels, ...labels } }, composed('shop', 'db', 1), composed('shop', 'cache', 1)];
}

async function explain(
  all: readonly ContainerSummary[],
  config: Config = NO_CONFIG,
  overrides = {},
  volumes: readonly Volume[] = [],
) {
  const service = groupServices(all).find(({ key }) => key === 'shop/web') ?? assert.fail('there is no web');
  return explainService(ports(all, config, volumes), service, all, { overrides });
}

test('each setting has its source, and those of an image count for nothing', async () => {
  const config = {
    ...NO_CONFIG,
    defaults: {
      settle: { value: '9s', where: 'swapctl.yml:2' },
      schedule: { value: '0 4 * * *', where: 'swapctl.yml:3' },
    },
    services: { web: { settle: { value: '8s', where: 'swapctl.yml:6' } } },
  };
  const all = shop({ 'swapctl.keep': '9', 'swapctl.drain.timeout': '1s' });
  const { settings, nextCheck } = await explain(all, config, { strategy: 'stop-first' });
  const said = settings.filter(({ source }) => source !== 'default');
  assert.deepEqual(said, [
    { setting: 'strategy', value: 'stop-first', source: 'flag', where: '--strategy' },
    { setting: 'settle', value: '8s', source: 'file', where: 'swapctl.yml:6' },
    { setting: 'drain.timeout', value: '1s', source: 'label', where: 'swapctl.drain.timeout' },
    { setting: 'schedule', value: '0 4 * * *', source: 'file', where: 'swapctl.yml:3' },
  ]);
  assert.equal(nextCheck, '2026-01-05T13:01:00.000Z', 'by the clock of the engine');
});

test('what it depends on is told by compose and by its settings', async () => {
  const all = shop({ 'swapctl.depends-on': 'cache', 'com.docker.compose.depends_on': 'db:service_healthy:true' });
  assert.deepEqual((await explain(all)).dependsOn, ['shop/cache', 'shop/db']);
});

test('the last roll and earlier failures decide when its time has come', async () => {
  const history = [
    { at: '2026-01-05T11:30:00.000Z', follows: 'app:1', id: 'b', event: 'rolled' as const },
    { at: '2026-01-05T11:50:00.000Z', follows: 'app:1', id: 'a', event: 'started' as const },
  ];
  const state = encodeState({ role: 'replica', service: 'shop/web', slot: 'shop-web-1', history });
  const rolled = await explain(shop({ ...state, 'swapctl.min-interval': '1h' }));
  assert.deepEqual(rolled.mayRoll, {
    now: false,
    until: '2026-01-05T12:30:00.000Z',
    because: 'min-interval leaves 1 h between two rolls',
  });
  assert.deepEqual((await explain(shop({}))).mayRoll, { now: true });
  const failed = ['2026-01-05T11:58:00.000Z', '2026-01-05T11:00:00.000Z'].map((at, n) => failure(at, n));
  assert.deepEqual((await explain(shop({}), NO_CONFIG, {}, failed)).mayRoll, {
    now: false,
    until: '2026-01-05T12:08:00.000Z',
    because: '2 rolls in a row failed, and backoff waits 10 min 0 s',
  });
});

function failure(at: string, n: number): Volume {
  const note = { code: 'not-healthy', reason: 'it ended', health: [], log: [] } as const;
  const image = `sha256:${n}${'0'.repeat(63)}`;
  const labels = encodeState({
    role: 'failed',
    service: 'shop/web',
    slot: 'shop-web-1',
    roll: `r${n}`,
    at,
    image,
    failure: note,
  });
  return { name: failureName('shop-web-1', `r${n}`), labels };
}

test('a cron expression that is none is told with its service', async () => {
  await assert.rejects(explain(shop({ 'swapctl.schedule': '61 * * * *' })), {
    code: 'config',
    message: 'schedule of shop/web: no cron',
    hint: 'mend it',
  });
});

// One service that is rolled back and forth while something goes wrong, and what must be true of it afterwards.
import assert from 'node:assert/strict';
import http from 'node:http';
import { exitStatus } from '../../src/core/error.ts';
import type { ServiceReport } from '../../src/core/report.ts';
import type { RecoveredItem } from '../../src/core/status.ts';
import type { Way } from '../../src/core/way.ts';
import { coverTable, nft } from '../lab/host-state.ts';
import { APP_PORT } from '../lab/images.ts';
import { eventually, removeWithVolumes, type World } from '../lab/world.ts';
import { fixedPort } from './handover-world.ts';

export const WAYS: readonly Way[] = ['start-first', 'stop-first', 'handover'];

/** Answers at once, and ends at once: what is measured here is swapctl. */
const SERVER = `mkdir -p /www && echo "$VERSION" > /www/healthz && exec httpd -f -p ${APP_PORT} -h /www`;

export interface Bench {
  way: Way;
  name: string;
  world: World;
  /** Names of the images that it is rolled between. */
  images: Record<string, string>;
  /** The host port that it publishes, where it does. */
  port: number | undefined;
}

export interface Serving {
  id: string;
  version: string;
}

/** A service that answers, of two images between which it can be rolled. */
export async function slotBench(world: World, way: Way, suffix: string): Promise<Bench> {
  const images = { '1': world.name(`${suffix}:1`), '2': world.name(`${suffix}:2`) };
  await world.network(suffix);
  const port = way === 'start-first' ? undefined : await fixedPort();
  const bench = { way, name: world.name(suffix), world, images, port };
  await freshBench(bench);
  return bench;
}

/** Makes the service anew, with version 1, whatever has become of it. */
export async function freshBench({ world, name, way, port }: Bench): Promise<void> {
  const suffix = name.slice(world.prefix.length + 1);
  for (const one of await world.docker.listContainers({ all: true })) {
    if (one.Names[0]?.startsWith(`/${name}`)) await removeWithVolumes(world.docker, one.Id);
  }
  for (const version of ['1', '2']) await benchImage(world, suffix, version);
  const labels = { 'swapctl.strategy': way, 'swapctl.settle': '100ms', 'swapctl.drain.timeout': '200ms' };
  const create = { StopTimeout: 1, HostConfig: { RestartPolicy: { Name: 'always' }, NetworkMode: name } };
  const ports = port === undefined ? [] : [{ host: port }];
  await world.container(suffix, { image: `${name}:1`, labels, ports, create, network: name });
}

function benchImage(world: World, suffix: string, version: string): Promise<string> {
  return world.image(`${suffix}:${version}`, {
    from: 'base',
    env: { VERSION: version },
    cmd: ['sh', '-c', SERVER],
    stopSignal: 'SIGKILL',
    ports: [APP_PORT],
    // The engine's own first check comes late: here it is swapctl that asks.
    health: { intervalMs: 30_000, timeoutMs: 20_000 },
  });
}

/** The version that runs under the service's name; undefined where none does. */
export async function versionOf(bench: Bench): Promise<string | undefined> {
  const now = await inspected(bench);
  if (!now?.State.Running || now.State.Paused) return undefined;
  return now.Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

/**
 * Exactly one container is left, under its own name, as it was set up, and answers. `memories`: an inert one that remembers a
 * bad image may be there, too.
 */
export async function servingOf({ world, name, way }: Bench, memories = false): Promise<Serving> {
  const names = await namesOf(world, name);
  assert.deepEqual(memories ? names.filter((one) => !one.includes('.swapctl-failed-')) : names, [name]);
  const { Id, State, HostConfig, NetworkSettings } = await world.docker.getContainer(name).inspect();
  assert.ok(State.Running && !State.Paused, `${name} runs`);
  assert.equal(HostConfig.RestartPolicy?.Name, 'always');
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  const version = await eventually(`${name} answers at ${address}`, () => versionAt(address, APP_PORT));
  if (way === 'start-first') return { id: Id, version };
  const port = Number(NetworkSettings.Ports[`${APP_PORT}/tcp`]?.[0]?.HostPort);
  const published = await eventually(`${name} answers at port ${port}`, () => versionAt(world.address, port));
  assert.equal(published, version, 'at its port the same one answers');
  assert.ok(!nft(world.netns, 'list', 'tables').includes(coverTable(name)), 'no rules are left');
  return { id: Id, version };
}

/** Names of all containers of a slot. */
export async function namesOf(world: World, name: string): Promise<string[]> {
  const all = await world.docker.listContainers({ all: true });
  const names = all.map((one) => (one.Names[0] ?? '').slice(1));
  return names.filter((one) => one === name || one.startsWith(`${name}.`)).sort();
}

function versionAt(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get({ host, port, path: '/healthz', agent: false, timeout: 1000 }, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve(response.statusCode === 200 ? body.trim() : undefined);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

/** What the report says is what is there, right after the roll and before anybody recovers anything. */
export async function assertTrue(bench: Bench, before: Serving, to: string, report: ServiceReport): Promise<void> {
  const { outcome, error } = report;
  const told = JSON.stringify(report);
  if (outcome === 'rolled') {
    const now = await inspected(bench);
    assert.ok(now?.State.Running, `it was rolled: ${told}`);
    assert.notEqual(now.Id, before.id, told);
    assert.ok(now.Config.Env.includes(`VERSION=${to}`), told);
    return;
  }
  assert.ok(error, told);
  // Everything but "needs attention" promises that the old one serves as before, or that nothing was touched.
  if (exitStatus(error.code) === 3) return;
  const now = await inspected(bench);
  assert.equal(now?.Id, before.id, `the old one is there: ${told}`);
  assert.ok(now.State.Running && !now.State.Paused, `the old one serves: ${told}`);
}

async function inspected({ world, name }: Bench) {
  return world.docker
    .getContainer(name)
    .inspect()
    .catch(() => undefined);
}

/** What recover did to a slot is good. */
export function assertRecovered({ name }: Bench, items: readonly RecoveredItem[]): void {
  const own = items.filter(({ slot }) => slot === name);
  for (const { outcome, error } of own) assert.ok(outcome !== 'failed' && outcome !== 'busy', JSON.stringify(error));
}

export interface Watch {
  /** How often nobody of a slot ran, since the last time that this was asked. */
  gaps(name: string): Promise<number>;
  end(): void;
}

/** Watches who starts and dies, by the engine's own account. */
export async function watchSlots(world: World, image: string): Promise<Watch> {
  const filters = { event: ['start', 'die', 'tag'] };
  const events = (await world.docker.getEvents({ filters: JSON.stringify(filters) })) as NodeJS.ReadableStream & {
    destroy(): void;
  };
  const seen: { action: string; id: string; name: string }[] = [];
  let rest = '';
  events.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { Action, Actor } = JSON.parse(line);
      seen.push({ action: Action, id: Actor.ID, name: Actor.Attributes.name ?? '' });
    }
  });
  const running = new Map<string, Set<string>>();
  let marks = 0;
  const mark = async () => {
    const tag = `mark-${++marks}`;
    await world.docker.getImage(image).tag({ repo: world.prefix, tag });
    await eventually('the engine tells of its events', async () => seen.some(({ name }) => name.endsWith(tag)));
  };
  return {
    async gaps(name) {
      await mark();
      const own = seen.filter((one) => one.name === name || one.name.startsWith(`${name}.swapctl-`));
      for (const one of own) seen.splice(seen.indexOf(one), 1);
      const up = running.get(name) ?? new Set([(await world.docker.getContainer(name).inspect()).Id]);
      running.set(name, up);
      let gaps = 0;
      for (const { action, id, name: called } of own) {
        if (action === 'start' && !called.endsWith('rehearsal')) up.add(id);
        if (action === 'die' && up.delete(id) && up.size === 0) gaps++;
      }
      return gaps;
    },
    end: () => events.destroy(),
  };
}

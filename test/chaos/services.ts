// The rolled services: their images, and their containers of version 1.
import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import { encodeState } from '../../src/core/service/labels.ts';
import { copyName, failureName } from '../../src/core/service/names.ts';
import { fixedPort } from '../engine/traffic/handover-world.ts';
import { type ComposeProject, composeProject } from '../lab/compose.ts';
import { drivenProxy, type Kind } from '../lab/driven-proxies.ts';
import { APP_PORT, WGET_HEALTH } from '../lab/images.ts';
import { startDriven } from '../lab/proxy-scene.ts';
import type { World } from '../lab/world.ts';
import { imageOf, proxyOf, type Subject } from './subject.ts';

export type Built = Pick<Subject, 'service' | 'slots' | 'replicas' | 'port'> & { project?: ComposeProject };

/** swapctl's health check: from outside, or by a command inside, which needs the engine each time. */
export type Asked = 'by http' | 'inside';

/** The place of a service, and the data that all of its scenarios share. */
export interface Place {
  world: World;
  name: string;
  asked: Asked;
}

interface Setup {
  strategy: 'start-first' | 'stop-first' | 'handover';
  published?: boolean;
  host?: Docker.HostConfig;
  labels?: Record<string, string>;
  /** True: the engine checks its health. */
  checked?: boolean;
}

// Seldom enough that swapctl's own probe is first.
const CHECK = { Test: ['CMD-SHELL', WGET_HEALTH], Interval: 1e9, Timeout: 60e9, Retries: 60 };

export async function serve(place: Place, { strategy, published, host, labels, checked }: Setup): Promise<Built> {
  const { world, name } = place;
  const port = published ? await fixedPort() : undefined;
  await start(world, name, name, {
    labels: { ...labelsOf(place, strategy), ...labels },
    port,
    host: { NetworkMode: name, ...host },
    ...(checked && { check: CHECK }),
  });
  return { service: name, slots: [name], replicas: 1, port };
}

interface Start {
  labels: Record<string, string>;
  host: Docker.HostConfig;
  port?: number | undefined;
  env?: Record<string, string | number>;
  check?: Docker.HealthConfig;
}

export async function start(
  world: World,
  of: string,
  name: string,
  { labels, host, port, env, check }: Start,
): Promise<void> {
  const isMate = host.NetworkMode?.startsWith('container:');
  await world.container(suffixOf(world, name), {
    image: imageOf({ name: of }, 'live'),
    labels,
    ...(env && { env }),
    ...(port !== undefined && { ports: [{ host: port }] }),
    ...(!isMate && { network: of, aliases: ['app'] }),
    create: {
      StopTimeout: 1,
      ...(check && { Healthcheck: check }),
      HostConfig: { RestartPolicy: { Name: 'always' }, ...host },
    },
  });
}

function labelsOf({ asked }: Place, strategy: Setup['strategy']): Record<string, string> {
  // By HTTP if possible: a check inside the container is a process for each probe.
  const at = `${APP_PORT}/healthz`;
  const inside = { 'swapctl.health.cmd': `wget -q -O- http://127.0.0.1:${at}` };
  const health = asked === 'inside' ? inside : { 'swapctl.health.http': at };
  return { 'swapctl.strategy': strategy, ...health, ...TIMES };
}

export const TIMES = { 'swapctl.settle': '100ms', 'swapctl.drain.timeout': '200ms' };

export async function data({ world, name }: Place): Promise<string> {
  return `${await world.volume(suffixOf(world, name))}:/data`;
}

export async function copying(place: Place): Promise<Setup> {
  const labels = { 'swapctl.backup.volumes': 'true', 'swapctl.backup.keep': '0' };
  return { strategy: 'stop-first', host: { Binds: [await data(place)] }, labels };
}

/** A backup without a marker of completeness. */
export async function looseCopy({ world, name }: Place): Promise<void> {
  const at = new Date().toISOString();
  const state = encodeState({ role: 'backup', service: name, slot: name, roll: 'an-earlier-one', at });
  await world.docker.createVolume({
    Name: copyName(name, 'an-earlier-one', (text) => createHash('sha256').update(text).digest('hex')),
    Labels: { ...world.labels, ...state },
  });
}

export async function remembered({ world, name }: Place): Promise<void> {
  const image = `sha256:${'e'.repeat(64)}`;
  const failure = { code: 'not-healthy', reason: 'it was a bad one', health: [], log: [] } as const;
  const at = new Date().toISOString();
  const state = encodeState({ role: 'failed', service: name, slot: name, roll: 'an-earlier-one', at, image, failure });
  await world.docker.createVolume({ Name: failureName(name, 'an-earlier-one'), Labels: { ...world.labels, ...state } });
}

export async function composed(place: Place, replicas: number): Promise<Built> {
  const { world, name } = place;
  const labels = JSON.stringify({ ...world.labels, ...labelsOf(place, 'start-first') });
  const yaml = `
services:
  web:
    image: ${imageOf({ name }, 'live')}
    restart: always
    stop_grace_period: 1s
    labels: ${labels}
    deploy: { replicas: ${replicas} }
    configs: [{ source: motd, target: /etc/motd }]
configs: { motd: { content: hello } }`;
  const project = composeProject(world, yaml, { name });
  await project.run('up', '--detach');
  const slots = Array.from({ length: replicas }, (_, at) => `${name}-web-${at + 1}`);
  return { service: `${name}/web`, slots, replicas, port: undefined, project };
}

/** A service behind a proxy that is told, first with a share of the requests. */
export async function told(place: Place, kind: Kind = 'haproxy'): Promise<Built> {
  const { world, name } = place;
  const { driver, routeByHost } = drivenProxy(kind);
  const labels = {
    'swapctl.proxy': `${driver}:${proxyOf(name)}`,
    'swapctl.proxy.route': routeByHost ? 'app' : 'web',
    'swapctl.proxy.port': String(APP_PORT),
    'swapctl.canary': '20% for 300ms',
  };
  const built = await serve(place, { strategy: 'start-first', labels });
  await startDriven(world, kind, { name: suffixOf(world, proxyOf(name)), network: name, host: 'app' });
  return built;
}

export function image(
  { world, name }: Pick<Place, 'world' | 'name'>,
  version: string,
  cmd?: string[],
): Promise<string> {
  return world.image(`${suffixOf(world, name)}:${version}`, {
    from: 'httpd',
    version,
    health: false,
    ...(cmd && { cmd }),
  });
}

export async function point({ world, name }: Pick<Place, 'world' | 'name'>, from: string, tag: string): Promise<void> {
  await world.docker.getImage(imageOf({ name }, from)).tag({ repo: name, tag });
}

export function suffixOf(world: World, name: string): string {
  return name.slice(world.prefix.length + 1);
}

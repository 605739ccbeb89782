// A compose project with a service and a proxy before it, as people run them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fixedPort } from '../../test/engine/traffic/handover-world.ts';
import { type ComposeProject, composeProject } from '../../test/lab/compose.ts';
import { APP_PORT, type AppImageOptions } from '../../test/lab/images.ts';
import { untilHealthy, type World } from '../../test/lab/world.ts';
import { untilVersion } from '../version.ts';
import type { AppKind, Health } from './cells.ts';
import type { Subject } from './measure.ts';
import { PROXY_PORT, type ProxySetup } from './proxies.ts';

export interface Stage extends Subject {
  readonly project: ComposeProject;
  /** As swapctl knows the service. */
  readonly service: string;
  /** The tag that the service follows becomes this version. */
  publish(version: string, health?: Health): Promise<void>;
}

export interface Setting {
  readonly proxy: ProxySetup;
  readonly app: AppKind;
  readonly replicas: number;
  readonly health: Health;
  /** Of the version that serves first. */
  readonly healthBefore: Health;
  readonly published: boolean;
  /** Of the service in the compose file, beside those by which the proxy finds it. */
  readonly labels?: Record<string, string>;
  /** In place of the image's. */
  readonly healthcheck?: object;
}

export const READY_AFTER_MS = 2000;

/** Version 1 answers through the proxy. */
export async function setStage(world: World, image: string, setting: Setting): Promise<Stage> {
  const project = composeProject(world, '');
  const publish = async (version: string, health = setting.health) =>
    void (await world.image('web:live', appOf(version, setting.app, health)));
  await publish('1', setting.healthBefore);
  project.write(JSON.stringify({ services: await servicesOf(world, project, image, setting) }));
  await project.run('up', '--detach', '--wait', 'web');
  const ids = async () => (await project.run('ps', '--quiet', '--no-trunc', 'web')).split('\n').filter(Boolean);
  if (setting.healthBefore !== 'none') for (const id of await ids()) await untilHealthy(world.docker.getContainer(id));
  await project.run('up', '--detach', 'proxy');
  const url = `http://${await addressOf(world, project, 'proxy')}:${PROXY_PORT}/`;
  await untilVersion(url, '1');
  return { world, project, service: `${project.name}/web`, url, publish, ids };
}

// It answers 503 until it is ready.
export function appOf(version: string, app: AppKind, health: Health): AppImageOptions {
  const slow = { intervalMs: 30_000 };
  const checks = { '30s': slow, first: slow, '1s': { intervalMs: 1000 }, none: false } as const;
  const env = { DRAIN: app === 'drains' ? 1 : 0, READY_AFTER_MS };
  return { version, env, health: checks[health] };
}

async function servicesOf(world: World, project: ComposeProject, image: string, setting: Setting): Promise<object> {
  const { proxy, replicas } = setting;
  const found = proxy.service?.('web');
  const web = {
    image: world.name('web:live'),
    labels: { ...world.labels, ...found?.labels, ...setting.labels },
    environment: found?.environment ?? {},
    deploy: { replicas },
    ...(setting.published && { ports: [`${await fixedPort()}:${APP_PORT}`] }),
    ...(setting.healthcheck && { healthcheck: setting.healthcheck }),
  };
  return { web, proxy: proxyOf(world, project, image, proxy) };
}

function proxyOf(world: World, project: ComposeProject, image: string, proxy: ProxySetup): object {
  const network = `${project.name}_default`;
  const socket = new URL(world.dockerHost).pathname;
  const mounts = [
    ...(proxy.socket ? [`${socket}:/var/run/docker.sock:ro`] : []),
    ...(proxy.config ? [`${copied(project, proxy.config[0])}:${proxy.config[1]}:ro`] : []),
  ];
  return {
    image,
    command: proxy.command(`swapctl.test.world=${world.prefix}`, network),
    labels: { ...world.labels, ...proxy.labels },
    environment: proxy.environment?.(network) ?? {},
    volumes: mounts,
  };
}

/** Beside the compose file, as people have it. */
function copied(project: ComposeProject, file: string): string {
  const folder = path.join(project.folder, 'config');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, file), readFileSync(new URL(`config/${file}`, import.meta.url)));
  return path.join(folder, file);
}

/** The address of the only container of a service. */
export async function addressOf(world: World, project: ComposeProject, service: string): Promise<string> {
  const [id = ''] = (await project.run('ps', '--quiet', '--no-trunc', service)).split('\n');
  const { NetworkSettings } = await world.docker.getContainer(id).inspect();
  return NetworkSettings.Networks[`${project.name}_default`]?.IPAddress ?? '';
}

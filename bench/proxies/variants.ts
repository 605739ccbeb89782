// The tools that are compared side by side: the same app (ready 2 s after its start, drains, HEALTHCHECK every 1 s), from
// version 1 that serves to version 2 that serves, with nothing left of version 1.
import path from 'node:path';
import { fixedPort, gatewayOf } from '../../test/engine/traffic/handover-world.ts';
import { composeProject } from '../../test/lab/compose.ts';
import { dockerCli } from '../../test/lab/docker-cli.ts';
import { APP_PORT, WGET_HEALTH } from '../../test/lab/images.ts';
import { untilHealthy, type World } from '../../test/lab/world.ts';
import { untilVersion } from '../version.ts';
import { BINARIES } from './images.ts';
import type { Command, Subject } from './measure.ts';
import { PROXIES, PROXY_PORT } from './proxies.ts';
import { swapctlRoll } from './roll.ts';
import { run } from './run.ts';
import { addressOf, appOf, type Setting, type Stage, setStage } from './stage.ts';

export interface Variant {
  readonly name: string;
  /** The files of the folder of binaries that it needs. */
  readonly binaries: readonly string[];
  /** Version 1 answers; `roll` is what a person would type. */
  start(world: World, image: string, binaries: string): Promise<{ readonly subject: Subject; readonly roll: Command }>;
}

export const VARIANTS: readonly Variant[] = [
  { name: '`kamal-proxy deploy`', binaries: ['kamal-proxy'], start: kamalProxy },
  { name: '`swapctl roll` of a published port', binaries: [], start: publishedPort },
  { name: '`swapctl roll` behind Traefik', binaries: ['traefik'], start: swapctlBehindTraefik },
  {
    name: 'docker-rollout with its drain hook, behind Traefik',
    binaries: ['traefik', 'docker-rollout'],
    start: rollout,
  },
  { name: '`docker compose up --wait` behind Traefik', binaries: ['traefik'], start: composeUp },
];

/** A new container, `kamal-proxy deploy` to it, and the end of the old one: the order of Kamal. */
async function kamalProxy(world: World, image: string) {
  for (const version of ['1', '2']) await world.image(`web:${version}`, appOf(version, 'drains', '1s'));
  const web = (version: string) => ({ image: world.name(`web:${version}`), labels: world.labels });
  const proxy = {
    image,
    command: [`${BINARIES}/kamal-proxy`, 'run', '--http-port', `${PROXY_PORT}`, '--https-port', '8443'],
    labels: world.labels,
  };
  const project = composeProject(world, JSON.stringify({ services: { 'web-1': web('1'), 'web-2': web('2'), proxy } }));
  const deploy = async (target: string) => {
    const args = ['web', '--target', `${target}:${APP_PORT}`, '--health-check-path', '/healthz'];
    await project.run('exec', '-T', 'proxy', `${BINARIES}/kamal-proxy`, 'deploy', ...args);
  };
  await project.run('up', '--detach', '--wait', 'web-1', 'proxy');
  await deploy('web-1');
  const url = `http://${await addressOf(world, project, 'proxy')}:${PROXY_PORT}/`;
  await untilVersion(url, '1');
  const ids = async () =>
    (await project.run('ps', '--quiet', '--no-trunc', 'web-1', 'web-2')).split('\n').filter(Boolean);
  const roll: Command = async () => {
    await project.run('up', '--detach', 'web-2');
    await deploy('web-2');
    await project.run('stop', 'web-1');
    await project.run('rm', '--force', 'web-1');
  };
  return { subject: { world, url, ids }, roll };
}

async function publishedPort(world: World) {
  const publish = (version: string) => world.image('web:live', appOf(version, 'drains', '1s'));
  await publish('1');
  const network = await world.network('net');
  const port = await fixedPort();
  const web = await world.container('web', { image: world.name('web:live'), ports: [{ host: port }], network });
  await untilHealthy(web);
  // Not loopback, where the engine's own program stands between.
  const url = `http://${await gatewayOf(world, network)}:${port}/`;
  await untilVersion(url, '1');
  await publish('2');
  const ids = async () => [(await world.docker.getContainer(world.name('web')).inspect()).Id];
  return { subject: { world, url, ids }, roll: swapctlRoll(world, world.name('web'), 'handover') };
}

async function swapctlBehindTraefik(world: World, image: string) {
  const stage = await behindTraefik(world, image);
  return { subject: stage, roll: swapctlRoll(world, stage.service, 'start-first') };
}

/** As its documentation shows it for Traefik: the hook makes the old container unhealthy, and waits. */
async function rollout(world: World, image: string, binaries: string) {
  const test = ['CMD-SHELL', `test ! -f /tmp/drain && ${WGET_HEALTH.replaceAll('$', '$$$$')}`];
  const stage = await behindTraefik(world, image, {
    healthcheck: { test, interval: '1s', retries: 1, start_period: '10s' },
    hook: 'touch /tmp/drain && sleep 10',
  });
  const env = { ...world.env, ...dockerCli(world) };
  const { name, file } = stage.project;
  const args = [path.join(binaries, 'docker-rollout'), 'rollout', '--file', file, '--project-name', name, 'web'];
  return { subject: stage, roll: (told: (line: string) => void) => run('sh', args, env, told) };
}

async function composeUp(world: World, image: string) {
  const stage = await behindTraefik(world, image);
  return { subject: stage, roll: async () => void (await stage.project.run('up', '--detach', '--wait', 'web')) };
}

async function behindTraefik(
  world: World,
  image: string,
  { healthcheck, hook }: { healthcheck?: object; hook?: string } = {},
): Promise<Stage> {
  const proxy = PROXIES.find(({ name }) => name === 'traefik');
  if (!proxy) throw new Error('there is no traefik among the proxies');
  const shape = { app: 'drains', replicas: 1, health: '1s', healthBefore: '1s', published: false } as const;
  const setting: Setting = {
    proxy,
    ...shape,
    ...(healthcheck && { healthcheck }),
    ...(hook && { labels: { 'docker-rollout.pre-stop-hook': hook } }),
  };
  const stage = await setStage(world, image, setting);
  await stage.publish('2');
  return stage;
}

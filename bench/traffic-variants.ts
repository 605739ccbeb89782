// The tools that are compared, each from version 1 serving on a host port to version 2 serving there and nothing of the old.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fixedPort } from '../test/engine/traffic/handover-world.ts';
import { swapctl } from '../test/lab/cli.ts';
import { type ComposeProject, composeLabels, composeProject } from '../test/lab/compose.ts';
import { APP_PORT } from '../test/lab/images.ts';
import { untilHealthy, type World } from '../test/lab/world.ts';
import { NGINX_FOLDER, NGINX_PORT, nginxConfig } from './nginx.ts';

export interface Stage {
  readonly world: World;
  /** The images of the two versions. */
  readonly before: string;
  readonly after: string;
  readonly network: string;
}

export interface Started {
  /** The host port that clients use. */
  readonly port: number;
  /** What somebody would type, to its end. */
  roll(): Promise<void>;
  remove(): Promise<void>;
}

/** A new image in the compose file, and `docker compose up -d`. */
export async function composeUp({ world, before, after }: Stage): Promise<Started> {
  const port = await fixedPort();
  const yaml = (image: string) =>
    `services: { web: { image: '${image}', ports: ['${port}:${APP_PORT}'], labels: ${composeLabels(world)} } }`;
  const project = composeProject(world, yaml(before), { name: world.name(`up-${port}`) });
  await project.run('up', '--detach', '--wait');
  return {
    port,
    async roll() {
      project.write(yaml(after));
      await project.run('up', '--detach');
    },
    remove: () => down(project),
  };
}

/** Stop, remove, create, start: the order of Watchtower and of most update scripts. */
export async function stopThenStart({ world, before, after, network }: Stage): Promise<Started> {
  const port = await fixedPort();
  const create = (image: string) => world.container('web', { image, ports: [{ host: port }], network });
  const old = await create(before);
  await untilHealthy(old);
  return {
    port,
    async roll() {
      await old.stop();
      await old.remove();
      await create(after);
    },
    remove: () => world.docker.getContainer(world.name('web')).remove({ force: true }),
  };
}

/** The whole of `swapctl roll`, the start of its process included. */
export function swapctlHandover(...options: string[]): (stage: Stage) => Promise<Started> {
  return async ({ world, before, after, network }) => {
    const port = await fixedPort();
    const web = await world.container('web', { image: before, ports: [{ host: port }], network });
    await untilHealthy(web);
    const name = world.name('web');
    return {
      port,
      async roll() {
        const args = ['roll', name, '--image', after, '--json', ...options];
        const { code, stderr, json } = await swapctl(args, { env: world.env, netns: world.netns });
        if (code !== 0) throw new Error(`the roll failed: ${stderr}`);
        if (json().strategy !== 'handover') throw new Error(`not handed over: ${json().because}`);
      },
      remove: () => world.docker.getContainer(name).remove({ force: true }),
    };
  };
}

// What docker-rollout's documentation asks for, so that the proxy has turned away from the old one: longer than the
// interval of the health check, plus the time that requests take.
const DRAIN_SLEEP_MS = 3000;
// As in docker-rollout.
const LOOK_EVERY_MS = 1000;

/**
 * The order of operations of docker-rollout: scale to two, wait for the engine's verdict, sleep, stop and remove the old
 * one. The clients talk to nginx, which is told here and at once what nginx-proxy learns from the engine's events: to take
 * the new one when it is healthy, and to leave the old one when the sleep begins.
 */
export function rolloutBehind(nginx: string): (stage: Stage) => Promise<Started> {
  return async ({ world, before, after }) => {
    const port = await fixedPort();
    const labels = composeLabels(world);
    const project = composeProject(world, '', { name: world.name(`rollout-${port}`) });
    const conf = path.join(project.folder, 'conf');
    const proxy = `{ image: '${nginx}', command: [nginx, -c, ${NGINX_FOLDER}/nginx.conf], ports: ['${port}:${NGINX_PORT}'],
      volumes: ['${conf}:${NGINX_FOLDER}:ro'], labels: ${labels} }`;
    const write = (image: string) =>
      project.write(`services: { web: { image: '${image}', labels: ${labels} }, proxy: ${proxy} }`);
    const redirect = async (ids: readonly string[]) => configure(conf, await addressesOf(world, project, ids));
    mkdirSync(conf);
    write(before);
    await project.run('up', '--detach', '--wait', 'web');
    const old = await idsOf(project, 'web');
    await redirect(old);
    await project.run('up', '--detach', '--wait', 'proxy');
    return {
      port,
      async roll() {
        write(after);
        await project.run('up', '--detach', '--scale', 'web=2', '--no-recreate', 'web');
        const fresh = (await idsOf(project, 'web')).filter((id) => !old.includes(id));
        while (!(await allHealthy(world, fresh))) await sleep(LOOK_EVERY_MS);
        const reload = () => project.run('kill', '--signal', 'HUP', 'proxy');
        await redirect([...old, ...fresh]);
        await reload();
        await redirect(fresh);
        await reload();
        await sleep(DRAIN_SLEEP_MS);
        for (const id of old) await world.docker.getContainer(id).stop();
        for (const id of old) await world.docker.getContainer(id).remove();
      },
      remove: () => down(project),
    };
  };
}

function configure(folder: string, addresses: readonly string[]): void {
  writeFileSync(path.join(folder, 'nginx.conf'), nginxConfig(addresses.map((address) => `${address}:${APP_PORT}`)));
}

async function addressesOf(world: World, project: ComposeProject, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => world.docker.getContainer(id).inspect()));
  return found.map(({ NetworkSettings }) => NetworkSettings.Networks[`${project.name}_default`]?.IPAddress ?? '');
}

async function allHealthy(world: World, ids: readonly string[]): Promise<boolean> {
  const found = await Promise.all(ids.map((id) => world.docker.getContainer(id).inspect()));
  return found.length > 0 && found.every(({ State }) => State.Health?.Status === 'healthy');
}

async function idsOf(project: ComposeProject, service: string): Promise<string[]> {
  return (await project.run('ps', '--quiet', service)).split('\n').filter(Boolean);
}

async function down(project: ComposeProject): Promise<void> {
  await project.run('down', '--timeout', '1');
}

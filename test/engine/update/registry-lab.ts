// A registry of the test's own with an app in it, and containers that track its tags.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { endOf, isPodman } from '../../lab/engine.ts';
import { MANIFESTS, type Registry, type RegistryOptions, startRegistry } from '../../lab/registry.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const QUICK = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s' };
/** For an app image: ready at once, with a quick health check. */
export const QUICK_APP = { from: 'httpd', health: { intervalMs: 500 } } as const;

/** A world, a registry, and helpers for both. */
export interface Lab {
  readonly world: World;
  readonly registry: Registry;
  readonly env: NodeJS.ProcessEnv;
  /** The beginning of a swapctl.yml of the test. */
  readonly settings: string;
  /** Pushes version `version` of the app as a tag; resolves with its digest. */
  push(version: string, tag: string): Promise<string>;
  /** A healthy container of the tag's present image. */
  start(suffix: string, tag: string, labels?: Record<string, string>): Promise<string>;
  /** The requests to the registry meanwhile, without the status. */
  asked(work: () => Promise<unknown>): Promise<string[]>;
}

export async function lab(t: Parameters<typeof testWorld>[0], options: RegistryOptions = {}): Promise<Lab> {
  const world = testWorld(t);
  const registry = await startRegistry({ address: world.hostAddress, ...options });
  const { docker } = world;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-config-'));
  const { username, password } = registry.login ?? { username: '', password: '' };
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  writeFileSync(
    path.join(folder, 'config.json'),
    JSON.stringify(registry.login ? { auths: { [registry.host]: { auth } } } : {}),
  );
  const settings = await trusting(world, registry);
  const repository = `${registry.host}/team/app`;
  world.after(async () => {
    rmSync(folder, { recursive: true });
    await removeContainers(world);
    const images = await docker.listImages({ filters: JSON.stringify({ reference: [repository] }) });
    for (const { Id } of images)
      await docker
        .getImage(Id)
        .remove({ force: true })
        .catch(() => {});
    await registry.stop();
  });
  return {
    world,
    registry,
    env: { ...world.env, DOCKER_CONFIG: folder },
    settings,
    push: async (version, tag) =>
      (await registry.push(docker, await world.image(`app:${version}`, QUICK_APP), `team/app:${tag}`)).digest,
    start: async (suffix, tag, labels = {}) => {
      const image = `${repository}:${tag}`;
      const authconfig = registry.login && { ...registry.login, serveraddress: registry.host };
      await endOf(await docker.pull(image, authconfig ? { authconfig } : {}));
      await untilHealthy(await world.container(suffix, { image, labels: { ...QUICK, ...labels } }));
      return world.name(suffix);
    },
    asked: async (work) => {
      const before = registry.log().length;
      await work();
      return registry
        .log()
        .slice(before)
        .map((line) => line.replace(/ \d+$/, ''));
    },
  };
}

/**
 * Lets swapctl use a registry without TLS if the engine does not say that it may: Podman's API names no registry at any port. Resolves
 * with the beginning of a swapctl.yml of the test.
 */
export async function trusting(world: World, { host }: Registry): Promise<string> {
  if (!(await isPodman(world.docker))) return '';
  const settings = `registries:\n  "${host}": { insecure: true }\n`;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-config-'));
  world.env.SWAPCTL_CONFIG = path.join(folder, 'swapctl.yml');
  writeFileSync(world.env.SWAPCTL_CONFIG, settings);
  world.after(async () => rmSync(folder, { recursive: true }));
  return settings;
}

/** Points a tag at an existing image of the registry. */
export async function point(registry: Registry, tag: string, digest: string, repository = 'team/app'): Promise<void> {
  const manifests = `/v2/${repository}/manifests`;
  const { headers, body } = await registry.request('GET', `${manifests}/${digest}`, { headers: { accept: MANIFESTS } });
  const type = String(headers['content-type']);
  const put = await registry.request('PUT', `${manifests}/${tag}`, { headers: { 'content-type': type }, body });
  assert.equal(put.status, 201);
}

async function removeContainers(world: World): Promise<void> {
  for (const { Id, Names } of await world.docker.listContainers({ all: true }))
    if (Names[0]?.startsWith(`/${world.prefix}`)) await world.docker.getContainer(Id).remove({ force: true, v: true });
}

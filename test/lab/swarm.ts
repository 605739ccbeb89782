// A Swarm of one manager, on an engine of its own: that of other tests must not become a manager.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type EngineKind, type OtherEngine, startEngine } from './engines.ts';
import type { AppImageOptions } from './images.ts';
import { type Registry, type RegistryOptions, startRegistry } from './registry.ts';
import { eventually } from './waiting.ts';
import { type Scope, testWorld, type World } from './world.ts';

export interface Said {
  readonly code: number;
  readonly text: string;
}

export interface SwarmLab {
  readonly world: World;
  readonly registry: Registry;
  readonly env: NodeJS.ProcessEnv;
  /** Builds an image and pushes it as `<name>:<tag>` of the lab; resolves with its digest. */
  push(tag: string, options: AppImageOptions, into?: string): Promise<string>;
  /** Runs the docker program on the manager. A `limitS` ends it with exit status 124. */
  docker(args: readonly string[], limitS?: number, env?: NodeJS.ProcessEnv): Promise<Said>;
  /** Creates a service of image tag `tag`, with more options of `docker service create`, and waits until all its tasks run. */
  service(suffix: string, tag: string, options?: readonly string[]): Promise<string>;
  /** The images of the tasks of a service that run, without digests. */
  running(service: string): Promise<string[]>;
  /** The image of a tag as a service's spec has it. */
  reference(tag: string, digest?: string): string;
}

export type LabOptions = Pick<RegistryOptions, 'login'>;

const run = promisify(execFile);

/** A folder for DOCKER_CONFIG with a login at the registry, gone after the test. */
export function loggedIn(scope: Pick<World, 'after'>, registry: Registry, password: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-login-'));
  scope.after(async () => rmSync(folder, { recursive: true, force: true }));
  const auth = Buffer.from(`${registry.login?.username}:${password}`).toString('base64');
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  return folder;
}

/** An engine that is the manager of a Swarm of its own: one for a file, which stops it after all tests. */
export async function startManager(kind: EngineKind = 'trixie'): Promise<OtherEngine> {
  const engine = await startEngine(kind, { spare: 'swarm' });
  const stateOf = async (): Promise<string | undefined> => {
    const { Swarm } = (await engine.docker.info()) as { Swarm?: { LocalNodeState?: string } };
    return Swarm?.LocalNodeState;
  };
  // It keeps its Swarm while it is stopped, and takes a moment to join it again.
  await eventually('the engine knows its Swarm', async () => (await stateOf()) !== 'pending');
  if ((await stateOf()) !== 'active')
    await engine.docker.swarmInit({ AdvertiseAddr: '127.0.0.1', ListenAddr: '127.0.0.1:2377' });
  return engine;
}

/** A test's own services and registry; both are gone after it. */
export async function swarmLab(t: Scope, engine: OtherEngine, options: LabOptions = {}): Promise<SwarmLab> {
  const world = testWorld(t, engine);
  const registry = await startRegistry({ address: world.hostAddress, ...options });
  world.after(() => registry.stop());
  const env: NodeJS.ProcessEnv = { ...process.env, ...world.env };
  if (registry.login) env.DOCKER_CONFIG = loggedIn(world, registry, registry.login.password);
  const repository = `${registry.host}/app`;
  const docker: SwarmLab['docker'] = async (args, limitS = 60, own = env) => {
    try {
      const { stdout, stderr } = await run('timeout', [String(limitS), 'docker', ...args], { env: own });
      return { code: 0, text: stdout + stderr };
    } catch (raised) {
      const { code, stdout = '', stderr = '' } = raised as { code?: number; stdout?: string; stderr?: string };
      return { code: code ?? -1, text: stdout + stderr };
    }
  };
  const running: SwarmLab['running'] = async (service) => {
    const tasks = (await world.docker.listTasks({
      filters: JSON.stringify({ service: [service] }),
    } as never)) as unknown as Task[];
    const up = tasks.filter(({ DesiredState, Status }) => DesiredState === 'running' && Status.State === 'running');
    return up.map(({ Spec }) => Spec.ContainerSpec.Image.replace(/@.*/, '')).sort();
  };
  // Swarm removes them some time after the service, and images go only after their containers.
  const withoutContainers = async (service: string): Promise<number> => {
    const filters = JSON.stringify({ label: [`com.docker.swarm.service.name=${service}`] });
    const left = await world.docker.listContainers({ all: true, filters });
    for (const { Id } of left)
      await world.docker
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => {});
    return left.length;
  };
  return {
    world,
    registry,
    env,
    docker,
    running,
    reference: (tag, digest) => `${repository}:${tag}${digest ? `@${digest}` : ''}`,
    async push(tag, options, into = tag) {
      const image = await world.image(`app:${tag}`, options);
      const { digest } = await registry.push(world.docker, image, `app:${into}`);
      return digest;
    },
    async service(suffix, tag, options = []) {
      const name = world.name(suffix);
      world.after(async () => {
        await docker(['service', 'rm', name]);
        await eventually(`the containers of ${name} are gone`, async () => (await withoutContainers(name)) === 0);
      });
      const args = ['service', 'create', '--detach', '--quiet', '--name', name, ...options, `${repository}:${tag}`];
      const { code, text } = await docker(args);
      if (code !== 0) throw new Error(text);
      const wanted = Number(options[options.indexOf('--replicas') + 1]) || 1;
      await eventually(`${name} runs`, async () => (await running(name)).length === wanted);
      return name;
    },
  };
}

interface Task {
  readonly DesiredState: string;
  readonly Status: { readonly State: string };
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } };
}

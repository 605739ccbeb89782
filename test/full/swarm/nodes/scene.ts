// A service on several nodes of a Swarm, in an overlay network, with a client beside it.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { AppImageOptions } from '../../../lab/images.ts';
import { type LoadInside, startLoadInside } from '../../../lab/load-inside.ts';
import { type SwarmLab, swarmLab } from '../../../lab/swarm.ts';
import type { Node, SwarmOfNodes } from '../../../lab/swarm-nodes.ts';
import { eventually } from '../../../lab/waiting.ts';
import { testWorld } from '../../../lab/world.ts';

/** It finishes its requests when it is stopped. */
export const APP = { env: { DRAIN: 1 }, health: { intervalMs: 500 } } as const;
export const LIGHT = { from: 'httpd', health: { intervalMs: 500 } } as const;
export const QUICK = ['--update-order', 'start-first', '--update-monitor', '1s'];
export const FAST = ['--settle', '1s'];

export interface Scene extends SwarmLab {
  /** The manager that `docker` and `env` are of. */
  readonly manager: Node;
  readonly web: string;
  /** The same service again, for another client of Swarm. */
  readonly twin: string;
  readonly first: string;
  /** The environment of a swapctl process that asks another manager. */
  envOf(node: Node): NodeJS.ProcessEnv;
  /** The digests of the tasks that run, and that Swarm wants. */
  digests(service?: string): Promise<string[]>;
  nodesOf(service?: string): Promise<string[]>;
}

interface SceneOptions {
  readonly replicas?: number;
  readonly options?: readonly string[];
  readonly twins?: boolean;
  readonly login?: 'none' | 'htpasswd';
}

/** A service of as many tasks, through a manager. Its network is one that containers can be attached to. */
export async function scene(
  t: TestContext,
  manager: Node,
  app: AppImageOptions,
  { replicas = 4, options = [], twins = true, login = 'none' }: SceneOptions = {},
): Promise<Scene> {
  const lab = await swarmLab(t, manager.engine, { login });
  const network = lab.world.name('net');
  const made = await lab.docker(['network', 'create', '--driver', 'overlay', '--attachable', network]);
  assert.equal(made.code, 0, made.text);
  const first = await lab.push('1', app, 'stable');
  const wanted = ['--replicas', String(replicas), '--network', network, '--endpoint-mode', 'dnsrr'];
  const [web = '', twin = ''] = await Promise.all(
    (twins ? ['web', 'twin'] : ['web']).map((one) => lab.service(one, 'stable', [...wanted, ...QUICK, ...options])),
  );
  const tasks = async (service: string): Promise<readonly Task[]> => {
    const filters = JSON.stringify({ service: [service], 'desired-state': ['running'] });
    const all = (await lab.world.docker.listTasks({ filters } as never)) as unknown as Task[];
    return all.filter(({ Status }) => Status.State === 'running');
  };
  return {
    ...lab,
    manager,
    web,
    twin,
    first,
    envOf: ({ engine }) => ({ ...process.env, ...engine.env }),
    digests: async (service = web) =>
      (await tasks(service)).map(({ Spec }) => Spec.ContainerSpec.Image.split('@')[1] ?? ''),
    nodesOf: async (service = web) => (await tasks(service)).map(({ NodeID }) => NodeID),
  };
}

interface Task {
  readonly NodeID: string;
  readonly Status: { readonly State: string };
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } };
}

/** Clients on a node, which ask the tasks in turn by both of their names, 100 times a second each. */
export async function clientsOn(t: TestContext, node: Node, { web, world }: Scene): Promise<readonly LoadInside[]> {
  const own = testWorld(t, node.engine);
  const loads: LoadInside[] = [];
  for (const name of [web, `tasks.${web}`])
    loads.push(
      await startLoadInside(own, {
        network: world.name('net'),
        url: `http://${name}:8080/`,
        ratePerSecond: 100,
        keepAlive: 'mixed',
        byName: 'in turn',
      }),
    );
  return loads;
}

/** Ends the clients; none of their requests may have failed. */
export async function noneFailed(t: TestContext, loads: readonly LoadInside[]): Promise<void> {
  for (const load of loads) {
    const { failed, requests, failures, longestGapMs, byVersion } = await load.stop();
    t.diagnostic(
      `${failed} of ${requests} requests failed, longest gap ${longestGapMs} ms, ${JSON.stringify(byVersion)}`,
    );
    assert.equal(failed, 0, JSON.stringify(failures.slice(0, 5)));
  }
}

/** All tasks of the service run this image, and no lock is left. */
export async function ends(scene: Scene, digest: string, replicas = 4): Promise<void> {
  const wanted = Array(replicas).fill(digest).join();
  await eventually('all tasks run one image', async () => (await scene.digests()).join() === wanted);
  const { ID } = await scene.world.docker.getService(scene.web).inspect();
  const locks = await scene.world.docker.listConfigs({ filters: JSON.stringify({ name: [`swapctl.lock.${ID}`] }) });
  assert.deepEqual(locks, []);
}

export function workersOf({ nodes }: SwarmOfNodes): readonly Node[] {
  return nodes.filter(({ manager }) => !manager);
}

/** The last line of `docker service update` that is not about its progress. */
export function lastWords(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^\d+\/\d+:|^overall/.test(line)).at(-1) ?? 'nothing';
}

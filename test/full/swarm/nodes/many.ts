// 200 services in one Swarm: how many requests `status` and `check` send, beside those that nobody can do without.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../../lab/cli.ts';
import type { EngineUnderTest } from '../../../lab/engine.ts';
import { faultProxy } from '../../../lab/fault-proxy.ts';
import { MANIFESTS, type Registry } from '../../../lab/registry.ts';
import { swarmLab } from '../../../lab/swarm.ts';
import type { SwarmOfNodes } from '../../../lab/swarm-nodes.ts';
import { LIGHT } from './scene.ts';

const COUNT = 200;
// No node is like that: the tasks are there, and no container is.
const NOWHERE = 'node.labels.place==nowhere';

export function many(swarm: () => SwarmOfNodes): void {
  test('200 services cost status and check few requests more than one list and one digest for each tag', async (t) => {
    const [manager] = swarm().nodes;
    assert.ok(manager);
    const lab = await swarmLab(t, manager.engine);
    const { docker } = lab.world;
    const tags = Array.from({ length: COUNT }, (_, at) => `t${at}`);
    await lab.push('1', LIGHT, 'stable');
    const digest = await copied(lab.registry, tags);
    const names = tags.map((tag) => lab.world.name(tag));
    lab.world.after(async () => {
      for (const name of names) await docker.getService(name).remove();
    });
    for (const [at, tag] of tags.entries())
      await docker.createService({
        Name: names[at],
        TaskTemplate: {
          ContainerSpec: { Image: `${lab.reference(tag)}@sha256:${'0'.repeat(64)}` },
          Placement: { Constraints: [NOWHERE] },
        },
        Mode: { Replicated: { Replicas: 1 } },
      } as never);

    const proxy = await faultProxy(t, manager.engine);
    const env = { ...lab.env, DOCKER_HOST: proxy.engine.dockerHost };
    const measured = async (command: string) => {
      proxy.calls.length = 0;
      const before = lab.registry.log().length;
      const began = performance.now();
      const { code, json, stderr } = await swapctl([command, '--json'], { env });
      const seconds = (performance.now() - began) / 1000;
      assert.ok(code === 0 || code === 10, stderr);
      const lines = json().filter(({ service }: { service: string }) => names.includes(service));
      assert.equal(lines.length, COUNT);
      const requests = { engine: proxy.calls.length, registry: lab.registry.log().length - before };
      t.diagnostic(
        `${command}: ${requests.engine} requests to the manager, ${requests.registry} to the registry, ${seconds.toFixed(2)} s`,
      );
      return { ...requests, lines };
    };
    const floor = await floorOf(proxy.engine, lab.registry, tags);
    t.diagnostic(`floor: 2 lists ${floor.lists.toFixed(2)} s, ${COUNT} HEAD requests ${floor.heads.toFixed(2)} s`);
    const status = await measured('status');
    assert.equal(status.registry, 0);
    assert.ok(status.engine <= 16, proxy.calls.map(({ what }) => what).join());
    const check = await measured('check');
    assert.ok(check.engine <= 16, proxy.calls.map(({ what }) => what).join());
    assert.ok(check.registry <= COUNT + 20);
    assert.equal(check.lines[0].to.digest, digest);
  });
}

/** Gives one image a tag for each service. */
async function copied(registry: Registry, tags: readonly string[]): Promise<string> {
  const found = await registry.request('GET', '/v2/app/manifests/stable', { headers: { accept: MANIFESTS } });
  const headers = { 'content-type': String(found.headers['content-type']) };
  for (const tag of tags) await registry.request('PUT', `/v2/app/manifests/${tag}`, { headers, body: found.body });
  return String(found.headers['docker-content-digest']);
}

/** Seconds for the lists of services and tasks, and for a HEAD request for each tag, eight at a time. */
async function floorOf(engine: EngineUnderTest, registry: Registry, tags: readonly string[]) {
  const began = performance.now();
  await Promise.all([engine.docker.listServices(), engine.docker.listTasks()]);
  const listed = performance.now();
  const left = [...tags];
  const ask = async (): Promise<void> => {
    for (let tag = left.pop(); tag !== undefined; tag = left.pop()) await registry.digest(`app:${tag}`);
  };
  await Promise.all(Array.from({ length: 8 }, ask));
  return { lists: (listed - began) / 1000, heads: (performance.now() - listed) / 1000 };
}

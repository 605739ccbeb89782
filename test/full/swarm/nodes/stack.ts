// `docker stack deploy` before and after a roll: what it keeps, and what it undoes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { swapctl } from '../../../lab/cli.ts';
import { type SwarmLab, swarmLab } from '../../../lab/swarm.ts';
import type { SwarmOfNodes } from '../../../lab/swarm-nodes.ts';
import { eventually } from '../../../lab/waiting.ts';
import { FAST, LIGHT } from './scene.ts';

const REPLICAS = 2;

export function stack(swarm: () => SwarmOfNodes): void {
  test('docker stack deploy keeps a rolled image unless it is to resolve the tag again', async (t) => {
    const [manager] = swarm().nodes;
    assert.ok(manager);
    const lab = await swarmLab(t, manager.engine);
    const name = lab.world.name('shop');
    const web = `${name}_web`;
    const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-stack-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'stack.yml');
    writeFileSync(file, stackFile(lab.reference('stable')));
    const deploy = async (...options: readonly string[]): Promise<void> => {
      const { code, text } = await lab.docker(['stack', 'deploy', '--compose-file', file, ...options, name]);
      assert.equal(code, 0, text);
    };
    const label = `com.docker.stack.namespace=${name}`;
    const containers = () => lab.world.docker.listContainers({ all: true, filters: { label: [label] } });
    lab.world.after(async () => {
      await lab.docker(['stack', 'rm', name]);
      await eventually('the containers of the stack are gone', async () => (await containers()).length === 0);
    });
    const first = await lab.push('1', LIGHT, 'stable');
    await deploy();
    await untilRuns(lab, web, first);

    const second = await lab.push('2', LIGHT, 'stable');
    const rolled = await swapctl(['roll', web, '--json', ...FAST], { env: lab.env });
    assert.deepEqual([rolled.code, rolled.json().to.digest], [0, second], rolled.stderr);
    const { Labels } = await specOf(lab, web);
    assert.equal(Labels['com.docker.stack.image'], lab.reference('stable'));
    assert.equal((await lab.docker(['service', 'update', '--detach', '--label-add', 'by=hand', web])).code, 0);
    const tasks = await tasksOf(lab, web);

    const third = await lab.push('3', LIGHT, 'stable');
    for (const resolve of ['changed', 'never']) {
      await deploy('--resolve-image', resolve);
      assert.match((await specOf(lab, web)).TaskTemplate.ContainerSpec.Image, new RegExp(second));
      assert.deepEqual(await tasksOf(lab, web), tasks, `${resolve} restarts nothing`);
    }
    assert.equal((await specOf(lab, web)).Labels.by, undefined, 'labels that are not in the file go');
    assert.equal((await history(lab, web))[0]?.digest, second, 'the memory of swapctl stays');

    await deploy();
    await untilRuns(lab, web, third);
    const back = await swapctl(['rollback', web, '--json', ...FAST], { env: lab.env });
    assert.deepEqual([back.code, back.json().to.digest], [0, second], back.stderr + back.stdout);

    assert.equal((await lab.docker(['stack', 'rm', name])).code, 0);
    const left = () => lab.world.docker.listConfigs({ filters: JSON.stringify({ label: [label] }) });
    await eventually('its config objects are gone with the stack', async () => (await left()).length === 0);
  });
}

function stackFile(image: string): string {
  return JSON.stringify({
    version: '3.8',
    services: {
      web: {
        image,
        deploy: {
          replicas: REPLICAS,
          labels: { 'swapctl.enable': 'true' },
          update_config: { order: 'start-first', monitor: '1s' },
        },
      },
    },
  });
}

async function untilRuns(lab: SwarmLab, service: string, digest: string): Promise<void> {
  await eventually(`${service} runs ${digest}`, async () => {
    const { UpdateStatus } = await lab.world.docker
      .getService(service)
      .inspect()
      .catch(() => ({}));
    if (UpdateStatus?.State === 'updating') return false;
    const images = await tasksOf(lab, service);
    return images.length === REPLICAS && images.every((one) => one.endsWith(digest));
  });
}

/** The tasks that run, each with its id and image. */
async function tasksOf({ world }: SwarmLab, service: string): Promise<string[]> {
  const filters = JSON.stringify({ service: [service], 'desired-state': ['running'] });
  const tasks = (await world.docker.listTasks({ filters } as never)) as unknown as Task[];
  const running = tasks.filter(({ Status }) => Status.State === 'running');
  return running.map(({ ID, Spec }) => `${ID} ${Spec.ContainerSpec.Image}`).sort();
}

async function specOf({ world }: SwarmLab, service: string): Promise<Spec> {
  return (await world.docker.getService(service).inspect()).Spec as Spec;
}

async function history({ env }: SwarmLab, service: string): Promise<readonly { readonly digest?: string }[]> {
  return (await swapctl(['history', service, '--json'], { env })).json().entries;
}

interface Task {
  readonly ID: string;
  readonly Status: { readonly State: string };
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } };
}

interface Spec {
  readonly Labels: Readonly<Record<string, string>>;
  readonly TaskTemplate: { readonly ContainerSpec: { readonly Image: string } };
}

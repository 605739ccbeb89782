// Rolls under load on several nodes: the client resolves the name of the service for each request, and asks one task.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../../lab/cli.ts';
import type { SwarmOfNodes } from '../../../lab/swarm-nodes.ts';
import { APP, clientsOn, ends, FAST, noneFailed, scene, workersOf } from './scene.ts';

export function traffic(swarm: () => SwarmOfNodes): void {
  test('a roll of four tasks on several nodes fails none of 200 requests a second', async (t) => {
    const [, manager] = swarm().nodes;
    const [, worker] = workersOf(swarm());
    assert.ok(manager && worker);
    const lab = await scene(t, manager, APP, { twins: false });
    t.diagnostic(`on ${new Set(await lab.nodesOf()).size} nodes`);
    const loads = await clientsOn(t, worker, lab);
    await Promise.all(loads.map((load) => load.answeredBy('1')));
    const second = await lab.push('2', APP, 'stable');
    const { code, json, stderr } = await swapctl(['roll', lab.web, '--json', ...FAST], { env: lab.env });
    assert.deepEqual([code, json().outcome], [0, 'rolled'], stderr);
    await Promise.all(loads.map((load) => load.answeredBy('2')));
    await noneFailed(t, loads);
    await ends(lab, second);
  });
}

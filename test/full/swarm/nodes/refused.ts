// New tasks that their nodes cannot start: the image is not to blame, and the old one comes back.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../../lab/cli.ts';
import { loggedIn } from '../../../lab/swarm.ts';
import type { SwarmOfNodes } from '../../../lab/swarm-nodes.ts';
import { ends, FAST, LIGHT, lastWords, scene } from './scene.ts';

export function refused(swarm: () => SwarmOfNodes): void {
  test('a wrong login is not left behind: nodes can pull the old image after the roll', async (t) => {
    const [, manager] = swarm().nodes;
    assert.ok(manager);
    const options = ['--with-registry-auth', '--constraint', 'node.role==worker'];
    const lab = await scene(t, manager, LIGHT, { replicas: 1, options, login: 'htpasswd' });
    const second = await lab.push('2', LIGHT, 'stable');
    const wrong = { ...lab.env, DOCKER_CONFIG: loggedIn(lab.world, lab.registry, 'guessed') };
    const exact = lab.reference('stable', second);

    const asDocker = lab.docker(['service', 'update', '--image', exact, '--with-registry-auth', lab.twin], 120, wrong);
    const { code, json, stderr } = await swapctl(['roll', lab.web, '--image', exact, '--json', ...FAST], {
      env: wrong,
    });
    const { outcome, error } = json();
    t.diagnostic(`swapctl roll: exit ${code}, ${error?.code}: ${error?.message}`);
    assert.deepEqual([code, outcome, error.code], [1, 'failed', 'cannot-start'], stderr);
    assert.match(error.message, new RegExp(`${lab.web}\\.1@node-\\d+: .*No such image`));
    const said = await asDocker;
    t.diagnostic(`docker service update: exit ${said.code}, ${lastWords(said.text)}`);
    await ends(lab, lab.first, 1);
    const [checked] = (await swapctl(['check', lab.web, '--json'], { env: lab.env })).json();
    assert.equal(checked.outcome, 'available', 'the image is not rejected');

    const scaled = await lab.docker(['service', 'scale', '--detach', `${lab.web}=4`]);
    assert.equal(scaled.code, 0, scaled.text);
    await ends(lab, lab.first, 4);
    assert.equal(new Set(await lab.nodesOf()).size, 2);
  });

  test('a task that no node has room for is stuck, and swapctl goes back', async (t) => {
    const { nodes } = swarm();
    const [, manager] = nodes;
    assert.ok(manager);
    const options = ['--publish', 'mode=host,published=18080,target=8080', '--stop-grace-period', '1s'];
    const lab = await scene(t, manager, LIGHT, { replicas: nodes.length, options, twins: false });
    await lab.push('2', LIGHT, 'stable');
    const roll = ['roll', lab.web, '--json', '--health-timeout', '1s', ...FAST];
    const { code, json, stderr } = await swapctl(roll, { env: lab.env });
    const { outcome, error } = json();
    t.diagnostic(`swapctl roll: exit ${code}, ${error?.code}: ${error?.message}`);
    assert.deepEqual([code, outcome, error.code], [1, 'failed', 'stuck'], stderr);
    assert.match(error.message, /no suitable node \(host-mode port already in use on 5 nodes\)/);
    await ends(lab, lab.first, nodes.length);
    const said = await lab.docker(['service', 'update', '--image', lab.reference('stable'), lab.web], 20);
    t.diagnostic(`docker service update: exit ${said.code}, ${lastWords(said.text)}`);
    assert.equal(said.code, 124, said.text);
  });
}

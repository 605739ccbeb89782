// Rolls of Swarm services through one manager: users' commands, and the remains.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import type { OtherEngine } from '../../lab/engines.ts';
import { swarmLab } from '../../lab/swarm.ts';

const APP = { from: 'httpd', health: { intervalMs: 500 } } as const;
const QUICK = ['--update-order', 'start-first', '--update-monitor', '1s'];
const FAST = ['--settle', '1s'];

export function rolls(manager: () => OtherEngine): void {
  test('a service is checked, planned, rolled and rolled back', async (t) => {
    const lab = await swarmLab(t, manager());
    const { env, reference, running } = lab;
    const first = await lab.push('1', APP, 'stable');
    const web = await lab.service('web', 'stable', ['--replicas', '2', ...QUICK, '--label', 'team=shop']);
    const second = await lab.push('2', APP, 'stable');
    const before = await specOf(lab, web);

    const [checked] = (await swapctl(['check', web, '--json'], { env })).json();
    assert.deepEqual([checked.outcome, checked.from.digest, checked.to.digest], ['available', first, second]);
    const plan = (await swapctl(['plan', web, '--json'], { env })).json();
    assert.deepEqual([plan.slots[0].verdict, plan.slots[0].strategy, plan.digest], ['roll', 'start-first', second]);
    assert.deepEqual(await specOf(lab, web), before, 'a plan changes nothing');

    const rolled = await swapctl(['roll', web, ...FAST, '--json'], { env });
    assert.equal(rolled.code, 0, rolled.stderr);
    const report = rolled.json();
    assert.deepEqual([report.outcome, report.to.digest, report.replicas.length], ['rolled', second, 2]);
    const now = await specOf(lab, web);
    const image = now.TaskTemplate.ContainerSpec.Image;
    assert.equal(image, reference('stable', second));
    before.TaskTemplate.ContainerSpec.Image = image;
    assert.deepEqual(now, before, 'nothing but the image is changed');

    const again = await swapctl(['roll', web, ...FAST, '--json'], { env });
    assert.deepEqual([again.code, again.json().outcome], [0, 'unchanged']);

    const back = await swapctl(['rollback', web, ...FAST, '--json'], { env });
    assert.deepEqual([back.code, back.json().outcome, back.json().to.digest], [0, 'rolled-back', first], back.stderr);
    assert.equal((await swapctl(['roll', web], { env })).code, 1, 'the image that was left is rejected');
    const held = (await swapctl(['check', web, '--json'], { env })).json();
    assert.equal(held[0].outcome, 'held');

    const status = (await swapctl(['status', '--json'], { env })).json();
    const lines = status.filter(({ service }: { service: string }) => service === web);
    assert.deepEqual([lines.length, lines[0].phase, lines[0].digest], [2, 'serving', first]);
    const containers = status.filter(({ container }: { container: string }) => container.startsWith(`${web}.`));
    assert.equal(containers.length, (await running(web)).length, 'the containers of tasks are not listed twice');
    const history = (await swapctl(['history', web, '--json'], { env })).json();
    assert.deepEqual(
      history.entries.map(({ event }: { event: string }) => event),
      ['rolled-back', 'rolled', 'started'],
    );
  });

  test('an opted-in service is updated, in its window, by the labels of the service and not of its image', async (t) => {
    const lab = await swarmLab(t, manager());
    const { env } = lab;
    await lab.push('1', { ...APP, labels: { 'swapctl.enable': 'true' } }, 'stable');
    const web = await lab.service('web', 'stable', [
      ...QUICK,
      '--label',
      'swapctl.enable=true',
      '--label',
      'swapctl.settle=1s',
    ]);
    const shut = await lab.service('shut', 'stable', [
      ...QUICK,
      '--label',
      'swapctl.enable=true',
      '--label',
      'swapctl.min-age=30d',
    ]);
    await lab.service('other', 'stable', QUICK);
    const second = await lab.push('2', APP, 'stable');
    const { code, json, stderr } = await swapctl(['update', '--json'], { env });
    assert.equal(code, 0, stderr);
    const lines = new Map<string, { outcome: string; to: { digest: string } }>(
      json().services.map((line: { service: string }) => [line.service, line]),
    );
    assert.deepEqual([...lines.keys()], [shut, web]);
    assert.deepEqual([lines.get(web)?.outcome, lines.get(web)?.to.digest], ['updated', second]);
    assert.equal(lines.get(shut)?.outcome, 'waiting');
  });

  test('a name that a container has as well is ambiguous, and tasks belong to their service', async (t) => {
    const lab = await swarmLab(t, manager());
    const { env, world } = lab;
    await lab.push('1', APP, 'stable');
    const web = await lab.service('web', 'stable', QUICK);
    await world.container('web', { image: await world.image('plain:1', APP) });
    const both = await swapctl(['plan', web], { env });
    assert.equal(both.code, 2);
    assert.match(both.stderr, /names a container and a Swarm service/);
    const [, id = ''] = /, ([0-9a-z]{12}) \(Swarm service\)/.exec(both.stderr) ?? [];
    assert.equal((await swapctl(['history', id], { env })).code, 0);
    const [task] = await world.docker.listContainers({ filters: { label: [`com.docker.swarm.service.name=${web}`] } });
    const refused = await swapctl(['roll', task?.Names[0]?.slice(1) ?? ''], { env });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr + refused.stdout, new RegExp(`swapctl roll ${web}`));
  });
}

async function specOf({ world }: Pick<Awaited<ReturnType<typeof swarmLab>>, 'world'>, service: string) {
  const { Spec } = await world.docker.getService(service).inspect();
  // biome-ignore lint/suspicious/noExplicitAny: what dockerode does not type
  return Spec as any;
}

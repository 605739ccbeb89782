// A roll that ended between two replicas: in the end all of them run the same version.
import assert from 'node:assert/strict';
import test from 'node:test';
import { lockName } from '../../../src/core/service/names.ts';
import { swapctl } from '../../lab/cli.ts';
import { composeProject } from '../../lab/compose.ts';
import { sha256 } from '../../lab/sha256.ts';
import { testWorld, type World } from '../../lab/world.ts';

const STAY = 'trap "exit 0" TERM; sleep 1000000 & wait';
// Only one container can have it: a licence, a partition of a queue.
const ALONE = `mkdir /data/taken || exit 7; ${STAY}`;

test('where the rest of the replicas can not follow, recover takes all of them back', async (t) => {
  const world = testWorld(t);
  const { image, service, slots } = await twoReplicas(world);
  await world.image('app:live', { from: 'base', env: { VERSION: 2 }, cmd: ['sh', '-c', ALONE] });
  await killAt(world, service, `${slots[1]}: create`);
  assert.deepEqual(await versionsOf(world, slots), ['2', '1']);

  const recovering = await swapctl(['recover', service, '--json'], { env: world.env });
  assert.deepEqual(ofReplicas(recovering.json()), [[slots[0], 'undone']], recovering.stdout + recovering.stderr);
  assert.deepEqual(await versionsOf(world, slots), ['1', '1']);
  const { Image } = await world.docker.getContainer(slots[0] ?? '').inspect();
  assert.equal((await world.docker.getImage(image).inspect()).Id, Image, 'the tag means what runs');
  const { failures } = (await swapctl(['history', service, '--json'], { env: world.env })).json();
  assert.match(failures[0]?.reason, /status 7/, 'the image is remembered');
});

for (const [when, at, step, finished] of [
  ['in the middle of the first replica', 0, 'stop', [0, 1]],
  ['after the first replica', 1, 'create', [1]],
] as const) {
  test(`an engine that failed ${when} leaves no second version after recover`, async (t) => {
    const world = testWorld(t);
    const { image, service, slots } = await twoReplicas(world);
    await world.image('app:live', { from: 'base', env: { VERSION: 2 }, cmd: ['sh', '-c', STAY] });
    await killAt(world, service, `${slots[at]}: ${step}`);
    // A roll releases its lock at its end.
    await world.docker.getContainer(lockName(service, sha256)).remove({ force: true });

    const recovering = await swapctl(['recover', service, '--json'], { env: world.env });
    assert.deepEqual(
      ofReplicas(recovering.json()),
      finished.map((slot) => [slots[slot], 'finished']),
      recovering.stdout + recovering.stderr,
    );
    assert.deepEqual(await versionsOf(world, slots), ['2', '2']);
    const { Image } = await world.docker.getContainer(slots[1] ?? '').inspect();
    assert.equal((await world.docker.getImage(image).inspect()).Id, Image, 'the tag means what runs');
  });
}

// It also reports the rules of the dead roll that it removed.
function ofReplicas(items: readonly { slot: string; outcome: string }[]): [slot: string, outcome: string][] {
  return items.filter(({ slot }) => slot !== '-').map(({ slot, outcome }) => [slot, outcome]);
}

/** A compose service of two replicas with version 1. */
async function twoReplicas(world: World): Promise<{ image: string; service: string; slots: string[] }> {
  const image = await world.image('app:live', { from: 'base', env: { VERSION: 1 }, cmd: ['sh', '-c', STAY] });
  const labels = { ...world.labels, 'swapctl.strategy': 'start-first', 'swapctl.settle': '300ms' };
  const project = composeProject(
    world,
    `
services:
  web:
    image: ${image}
    labels: ${JSON.stringify(labels)}
    stop_grace_period: 1s
    deploy: { replicas: 2 }
    volumes: [data:/data]
volumes: { data: { labels: ${JSON.stringify(world.labels)} } }`,
  );
  await project.run('up', '--detach');
  return { image, service: `${project.name}/web`, slots: [1, 2].map((number) => `${project.name}-web-${number}`) };
}

/** A roll that dies at that line. */
async function killAt({ env }: World, service: string, words: string): Promise<void> {
  const atLine = async (line: string, kill: (signal: NodeJS.Signals) => void) => {
    if (line.includes(words)) kill('SIGKILL');
  };
  const { endedBy, stderr } = await swapctl(['roll', service, '--pull', 'never'], { env, atLine });
  assert.equal(endedBy, 'SIGKILL', stderr);
}

function versionsOf({ docker }: World, slots: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(
    slots.map(async (slot) => {
      const { State, Config } = await docker.getContainer(slot).inspect();
      assert.ok(State.Running, `${slot} runs`);
      return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
    }),
  );
}

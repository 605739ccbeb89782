// The requirements of the Swarm use cases: the same statements about the Swarm in memory and about a real manager.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import { isConflict, isNotFound } from '../../src/core/model/engine-error.ts';
import type { SwarmConfig, SwarmService } from '../../src/core/swarm/model.ts';
import { isServing } from '../../src/core/swarm/verdict.ts';
import type { Swarm } from '../../src/ports/swarm.ts';

export interface Stage {
  readonly swarm: Swarm;
  /** A service with two tasks that run, with start-first and a monitor period of a second. */
  readonly service: string;
  /** The image of the service, and two others: a good one, and one whose program writes a line and ends with 3. */
  readonly images: { readonly first: string; readonly good: string; readonly ends: string };
  /** A unique name for a config object, and a unique label in the form of a filter. */
  readonly config: string;
  readonly label: string;
  until(what: string, ask: () => Promise<boolean>): Promise<void>;
}

type Open = (t: TestContext) => Promise<Stage>;
type Rules = Record<string, (stage: Stage) => Promise<void>>;

export function swarmContract(what: string, open: Open): void {
  suite(`the Swarm port: ${what}`, () => {
    for (const [name, rule] of Object.entries({ ...SERVICES, ...CONFIGS }))
      test(name, async (t) => rule(await open(t)));
  });
}

const SERVICES: Rules = {
  'a service is found by id and by name, and one that is not there is undefined': async ({ swarm, service }) => {
    const found = await there(swarm, service);
    assert.equal((await swarm.service(found.id))?.name, service);
    assert.equal(await swarm.service('no-such-service'), undefined);
    assert.ok((await swarm.services()).some(({ id }) => id === found.id));
  },
  'a new image changes the version, is there at once, and begins without an update status': async (stage) => {
    const { swarm, service, images } = stage;
    const before = await there(swarm, service);
    await swarm.setImage(before, images.good, false);
    const after = await there(swarm, service);
    assert.ok(after.version > before.version);
    assert.deepEqual([after.image, after.previousImage], [images.good, images.first]);
    assert.notEqual(after.update?.state, 'completed');
    await updated(stage, 'completed');
    assert.ok((await swarm.tasks()).length >= (await swarm.tasks(after.id)).length);
    const tasks = (await swarm.tasks(after.id)).filter(isServing);
    assert.deepEqual(
      tasks.map(({ image }) => image),
      [images.good, images.good],
    );
    assert.deepEqual(tasks.map(({ slot }) => slot).sort(), [1, 2]);
  },
  'an update with an old version is a conflict, and changes nothing': async ({ swarm, service, images }) => {
    const before = await there(swarm, service);
    await swarm.setImage(before, images.good, false);
    await assert.rejects(swarm.setImage(before, images.first, false), isConflict);
    assert.equal((await there(swarm, service)).image, images.good);
  },
  'a task that ends tells its exit status, and leaves its log': async (stage) => {
    const { swarm, service, images } = stage;
    await swarm.setImage(await there(swarm, service), images.ends, false);
    await updated(stage, 'paused');
    const { id } = await there(swarm, service);
    const failed = (await swarm.tasks(id)).filter(({ image, state }) => image === images.ends && state === 'failed');
    const [first] = failed;
    assert.ok(first);
    assert.equal(first.exitCode, 3);
    assert.match(first.error, /non-zero exit \(3\)/);
    assert.deepEqual(await swarm.logs(first.id, 5), ['cannot read the settings']);
  },
  'the image before is put back out of a paused update': async (stage) => {
    const { swarm, service, images } = stage;
    await swarm.setImage(await there(swarm, service), images.ends, false);
    await updated(stage, 'paused');
    await swarm.setImage(await there(swarm, service), images.first, false);
    await updated(stage, 'completed');
    const tasks = (await swarm.tasks((await there(swarm, service)).id)).filter(isServing);
    assert.deepEqual(
      tasks.map(({ image }) => image),
      [images.first, images.first],
    );
  },
  'the same image again replaces tasks only if that is asked for': async (stage) => {
    const { swarm, service, images } = stage;
    const before = await there(swarm, service);
    const ids = (await swarm.tasks(before.id)).filter(isServing).map(({ id }) => id);
    await swarm.setImage(before, images.first, true);
    await updated(stage, 'completed');
    const now = (await swarm.tasks(before.id)).filter(isServing).map(({ id }) => id);
    assert.equal(now.length, 2);
    assert.ok(now.every((id) => !ids.includes(id)));
  },
  'the nodes are told': async ({ swarm }) => {
    const nodes = await swarm.nodes();
    assert.ok(nodes.length > 0 && nodes.every(({ ready, availability }) => ready && availability === 'active'));
  },
};

const CONFIGS: Rules = {
  'a config object keeps its data, and is found by its label': async ({ swarm, config, label }) => {
    const id = await swarm.createConfig({ name: config, labels: labelled(label), data: '{"a":"ä"}' });
    const [found] = await swarm.configs(label);
    assert.deepEqual([found?.id, found?.name, found?.data], [id, config, '{"a":"ä"}']);
    assert.deepEqual(found?.labels, labelled(label));
    await swarm.removeConfig(id);
    assert.deepEqual(await swarm.configs(label), []);
    await swarm.removeConfig(id);
  },
  'a name is given once': async ({ swarm, config, label }) => {
    const id = await swarm.createConfig({ name: config, labels: labelled(label), data: 'one' });
    await assert.rejects(swarm.createConfig({ name: config, labels: labelled(label), data: 'two' }), isConflict);
    await swarm.removeConfig(id);
  },
  'labels change, if nobody has changed them meanwhile': async ({ swarm, config, label }) => {
    const id = await swarm.createConfig({ name: config, labels: labelled(label), data: 'one' });
    const [before] = await swarm.configs(label);
    assert.ok(before);
    await swarm.labelConfig(before, { ...before.labels, beat: '1' });
    await assert.rejects(swarm.labelConfig(before, { ...before.labels, beat: '2' }), isConflict);
    const [after] = await swarm.configs(label);
    assert.deepEqual([after?.labels.beat, after?.data], ['1', 'one']);
    await swarm.removeConfig(id);
    await assert.rejects(swarm.labelConfig(after as SwarmConfig, {}), isNotFound);
  },
};

function labelled(label: string): Record<string, string> {
  const [key = '', value = ''] = label.split('=');
  return { [key]: value };
}

async function there(swarm: Swarm, name: string): Promise<SwarmService> {
  return (await swarm.service(name)) ?? assert.fail(`${name} is gone`);
}

async function updated({ swarm, service, until }: Stage, state: 'completed' | 'paused'): Promise<void> {
  await until(`the update is ${state}`, async () => (await there(swarm, service)).update?.state === state);
}

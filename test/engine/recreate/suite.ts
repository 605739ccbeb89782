// Re-creating a container faithfully, on whatever engine: everything the user set, nothing that the old image had set.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { appOn, type TestApp } from '../../lab/app.ts';
import type { EngineUnderTest } from '../../lab/engine.ts';
import { testWorld, type World } from '../../lab/world.ts';
import { create, inspect, unfaithful, withFixed } from './faithful.ts';
import { type Field, fieldsFor, merged, packed } from './fields.ts';
import { inlineFileTests } from './inline-files.ts';
import { type Stage, setStage } from './place.ts';
import { targetedTests } from './targeted.ts';

/** Defines all tests on one engine, which is asked for when they run. */
export function recreateSuite(title: string, engine: () => Promise<EngineUnderTest>): void {
  describe(`re-creation on ${title}`, () => {
    let world: World;
    let stage: Stage;
    let app: TestApp;

    before(async () => {
      world = testWorld({ after: () => {} }, await engine());
      stage = await setStage(world);
      app = await appOn(world);
    });
    after(async () => {
      app.close();
      await world.cleanUp();
    });

    const scene = () => ({ world, stage, app });
    targetedTests(scene);
    inlineFileTests(scene);

    test('every field that can be set comes through two rolls', async (t) => {
      const containers = packed(fieldsFor(stage));
      for (const [at, fields] of containers.entries()) {
        await t.test(`container ${at + 1}: ${fields.map((field) => field.name).join(', ')}`, async () => {
          assert.deepEqual(await rolledTwice(world, stage, app, `all-${at}`, fields), []);
        });
      }
    });
  });
}

/** Creates a container of the first image, rolls it to the second and the third, and tells what was not faithful. */
async function rolledTwice(
  world: World,
  stage: Stage,
  app: TestApp,
  name: string,
  fields: readonly Field[],
): Promise<string[]> {
  const parts = merged(fields, stage);
  const [first, ...later] = stage.images;
  // What the label remembers of an earlier roll matters for what an image says too.
  const rollsTo = fields.some((field) => /^(command|health)$/.test((field.groups ?? []).join()))
    ? later
    : later.slice(0, 1);
  await (await create(world, name, first, parts)).start();
  try {
    const wrong: string[] = [];
    for (const image of rollsTo) {
      const old = await inspect(world, world.name(name));
      await app.roll(world.name(name), { image });
      const now = await inspect(world, world.name(name));
      const twin = await created(world, `${name}-twin`, image, parts);
      wrong.push(
        ...unfaithful({ before: withFixed(old, parts), after: now, twin }).map(
          (line) => `to ${image.slice(-1)}: ${line}`,
        ),
      );
    }
    return wrong;
  } finally {
    await world.docker.getContainer(world.name(name)).remove({ force: true, v: true });
  }
}

async function created(world: World, name: string, image: string, parts: Parameters<typeof create>[3]) {
  const container = await create(world, name, image, parts);
  try {
    return await inspect(world, container.id);
  } finally {
    await container.remove({ v: true });
  }
}

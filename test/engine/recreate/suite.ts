// Re-creating a container faithfully, on any engine: everything of the user, nothing of the old image.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import { appOn } from '../../lab/app.ts';
import type { EngineUnderTest } from '../../lab/engine.ts';
import { removeWithVolumes, testWorld, type World } from '../../lab/world.ts';
import { create, type Inspected, inspect, unfaithful, withFixed } from './faithful.ts';
import { type Field, fieldsFor, merged, type Parts, packed } from './fields.ts';
import { inlineFileTests } from './inline-files.ts';
import { PODMAN, setStage } from './place.ts';
import { randomTest } from './random.ts';
import { type Scene, targetedTests } from './targeted.ts';

const PARTS = ['fields', 'targeted', 'files', 'random'] as const;
type Part = (typeof PARTS)[number];

interface Options {
  skip?: string | false;
  /** All of them by default. */
  parts?: readonly Part[];
}

/** Defines all tests on one engine, which is started (or found) when they run. */
export function recreateSuite(
  title: string,
  start: () => Promise<EngineUnderTest & { stop?: () => Promise<void> }>,
  options: Options = {},
): void {
  describe(`re-creation on ${title}`, { skip: options.skip ?? false }, () => {
    let current: Scene | undefined;
    let stop: (() => Promise<void>) | undefined;
    const scene = (): Scene => current ?? assert.fail('the scene is not set');

    before(async () => {
      const engine = await start();
      stop = engine.stop;
      const world = testWorld({ after: () => {} }, engine);
      current = { world, stage: await setStage(world), app: await appOn(world) };
    });
    after(async () => {
      current?.app.close();
      await current?.world.cleanUp();
      await stop?.();
    });

    const define: Record<Part, () => void> = {
      fields: () => fieldTests(scene),
      targeted: () => targetedTests(scene),
      files: () => inlineFileTests(scene),
      random: () =>
        randomTest(scene, (name, fields) => rolled(scene(), name, fields, scene().stage.images.slice(1, 2))),
    };
    for (const part of options.parts ?? PARTS) define[part]();
  });
}

function fieldTests(scene: () => Scene): void {
  test('every field that can be set comes through a roll', async (t) => {
    if (scene().stage.podman) return t.skip(PODMAN);
    for (const [at, fields] of packed(fieldsFor(scene().stage)).entries()) {
      await t.test(`container ${at + 1}: ${fields.map((field) => field.name).join(', ')}`, async () => {
        assert.deepEqual(await rolled(scene(), `all-${at}`, fields, imagesFor(scene(), fields)), []);
      });
    }
  });
}

// The state labels of an earlier roll override an image, too, so a second roll is of interest.
function imagesFor({ stage }: Scene, fields: readonly Field[]): string[] {
  const twice = fields.some((field) => field.groups?.some((group) => group === 'command' || group === 'health'));
  return stage.images.slice(1, twice ? 3 : 2);
}

/** Creates a container of the first image, rolls it to others, and reports the unfaithful parts. */
async function rolled(scene: Scene, name: string, fields: readonly Field[], images: string[]): Promise<string[]> {
  const { world, stage, app } = scene;
  const parts = merged(fields, stage);
  const wrong: string[] = [];
  const container = await create(world, name, stage.images[0], parts);
  try {
    await container.start();
    for (const image of images) {
      const old = withFixed(await inspect(world, world.name(name)), parts);
      // Some look like an interactive docker run, which is rolled only if a user means it.
      await app.roll(world.name(name), { target: askedTarget({ image }), force: true });
      const now = await inspect(world, world.name(name));
      const lines = unfaithful({ before: old, after: now, twin: await twinOf(world, name, image, parts) });
      wrong.push(...lines.map((line) => `to ${image}: ${line}`));
    }
    return wrong;
  } finally {
    await removeWithVolumes(world.docker, world.name(name));
  }
}

async function twinOf(world: World, name: string, image: string, parts: Parts): Promise<Inspected> {
  const container = await create(world, `${name}-twin`, image, parts);
  try {
    return await inspect(world, container.id);
  } finally {
    await container.remove({ v: true });
  }
}

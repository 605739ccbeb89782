// Retained images are removed only while each slot is whole: a half-done roll may still need them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { retireOldImages, retireUnlessHalfDone } from '../../../src/app/image/retain.ts';
import { imageCache } from '../../../src/app/select/own.ts';
import { keepReference, keepRepository } from '../../../src/core/service/names.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { sha256 } from '../../lab/sha256.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { command, recovered, stageOf } from '../../matrix/stage.ts';
import { memoryEngine } from '../../memory/engine.ts';
import { nameImage } from '../../memory/images.ts';

test('no old image goes while a slot is half done, and all beyond the count go once it is whole', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const { machine, place, service } = stage;
  const process = stage.open();
  process.crashAt('engine.rename', 1, 'before');
  assert.equal(await command(stage, process), 'died');
  const kept = keepReference(service, stage.from, sha256);
  nameImage(machine, stage.from, kept);
  const engine = memoryEngine(machine, place.remote);
  const tags = (): Promise<string[]> => engine.imageTags(keepRepository(service, sha256));
  const ports = { engine, host: { sha256 }, report: () => {} } as unknown as Ports;
  await machine.clock.run(retireUnlessHalfDone(ports, service));
  assert.deepEqual(await tags(), [kept], 'it is kept while there are two containers');
  await recovered(stage, stage.open());
  const serves = machine.names.get('web')?.image.id;
  assert.deepEqual(await tags(), serves === stage.to ? [kept] : [], 'the image that serves needs no tag');
});

test('no retained image is removed while the container with its history is gone', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const { machine, place, service } = stage;
  const kept = keepReference(service, stage.from, sha256);
  nameImage(machine, stage.from, kept);
  const engine = memoryEngine(machine, place.remote);
  const ports = { engine, host: { sha256 }, report: () => {} } as unknown as Ports;
  const policy = { keep: 1, backupKeep: 1, backup: { kind: 'none' } } as const;
  const keepers = [{ slotName: 'gone', policy, images: imageCache() }];
  await machine.clock.run(retireOldImages(ports, service, keepers));
  assert.deepEqual(await machine.clock.run(engine.imageTags(keepRepository(service, sha256))), [kept]);
});

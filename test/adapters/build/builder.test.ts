// The engine's own builder, and a context that changes while it is sent.
import assert from 'node:assert/strict';
import { rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { openBuilder } from '../../../src/adapters/build/builder.ts';
import { PLAIN_BUILD } from '../../../src/core/build/build.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import type { Engine } from '../../../src/ports/engine.ts';
import { folderOf, put } from './files.ts';

// More than a stream reads ahead: later parts of the archive are read only after it was taken.
const LARGE = 'x'.repeat(4 * 1024 * 1024);
const FILES = { Dockerfile: 'FROM scratch\n', 'a.txt': LARGE, 'b.txt': LARGE };

/** Reads a whole context, as the engine does, with callbacks at its start and at a failure. */
function takingEngine(meanwhile: (attempt: number) => unknown, failed: () => void = () => {}) {
  let attempts = 0;
  const build: Engine['build'] = async (archive) => {
    attempts++;
    let bytes = 0;
    try {
      for await (const chunk of archive) {
        if (bytes === 0) meanwhile(attempts);
        bytes += chunk.length;
      }
    } catch (error) {
      failed();
      throw new EngineError(400, (error as Error).message, error);
    }
    return { kind: 'built', image: { id: `sha256:${bytes}`, builder: 'classic' } };
  };
  const engine = { build, image: async () => undefined };
  return { builder: openBuilder({ engine, env: { DOCKER_BUILDKIT: '0' } }), attempts: () => attempts };
}

const build = (context: string, { builder }: ReturnType<typeof takingEngine>) =>
  builder.build({ ...PLAIN_BUILD, context }, () => {}, new AbortController().signal);

for (const [what, change] of [
  ['shrinks', (file: string) => truncateSync(file, 10)],
  ['goes', (file: string) => rmSync(file)],
] as const) {
  test(`a context of which a file ${what} while it is sent is sent again`, async (t) => {
    const context = folderOf(t, FILES);
    const engine = takingEngine((attempt) => {
      if (attempt === 1) for (const file of ['a.txt', 'b.txt']) change(path.join(context, file));
    });
    const { id } = await build(context, engine);
    assert.equal(engine.attempts(), 2);
    assert.ok(Number(id.slice('sha256:'.length)) < LARGE.length, 'what is built is what is there in the end');
  });
}

test('one that never comes to rest is a build that failed', async (t) => {
  const context = folderOf(t, FILES);
  const engine = takingEngine(
    // The first of them is open already.
    () => ['a.txt', 'b.txt'].map((file) => rmSync(path.join(context, file))),
    () => put(context, FILES),
  );
  await assert.rejects(build(context, engine), {
    code: 'build-failed',
    message: `the build of ${context} failed: files in ${context} changed while they were read`,
  });
  assert.equal(engine.attempts(), 5);
});

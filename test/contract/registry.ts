// The loop's requirements of the Registry port: the same statements about the one in memory and about real registries.

import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import { SwapError } from '../../src/core/model/error.ts';
import { parseReference } from '../../src/core/model/reference.ts';
import type { Registry } from '../../src/ports/registry.ts';

/** The behaviour of registries that the one in memory lacks. */
export const NOT_MODELLED = [
  'indexes of several platforms, and wrong-platform',
  'logins, rate limits, mirrors, TLS, and registries that are away unless a test says so',
  'answers that can not be right',
  'content: the same image pushed twice gets two digests',
  'lists of tags in pages',
  'images that do not tell when they were built',
] as const;

export interface Pushed {
  readonly digest: string;
  readonly configDigest: string;
  /** When it was built, in milliseconds since the epoch. */
  readonly created: number;
}

export interface Stage {
  readonly registry: Registry;
  /** A reference to a present or absent image of a stage's registry, as `name:tag` or `name@digest`. */
  reference(nameAndRest: string): string;
  /** Pushes a unique image. */
  push(nameAndTag: string): Promise<Pushed>;
}

type Open = (t: TestContext) => Promise<Stage>;
type Rules = Record<string, (stage: Stage) => Promise<void>>;

/** Declares the contract for one kind of registry. */
export function registryContract(what: string, open: Open): void {
  suite(`the registry port: ${what}`, () => {
    for (const [about, rules] of Object.entries({ 'a digest': DIGEST, 'an image': IMAGE, tags: TAGS }))
      suite(about, () => {
        for (const [name, rule] of Object.entries(rules)) test(name, async (t) => rule(await open(t)));
      });
  });
}

const AMD64 = { os: 'linux', architecture: 'amd64' };
const NEVER = new AbortController().signal;
const ABSENT = `sha256:${'0'.repeat(64)}`;

async function isAbsent(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof SwapError, String(error));
    assert.equal(error.code, 'no-such-image', error.message);
    return true;
  });
}

function digestOf({ registry, reference }: Stage, name: string): Promise<string> {
  return registry.digest(parseReference(reference(name)), NEVER);
}

function imageOf({ registry, reference }: Stage, name: string): ReturnType<Registry['image']> {
  return registry.image(parseReference(reference(name)), AMD64, NEVER);
}

async function tagsOf({ registry, reference }: Stage, name: string): Promise<string[]> {
  return (await registry.tags(parseReference(reference(name)), NEVER)).sort();
}

const DIGEST: Rules = {
  'is what the tag points at now': async (stage) => {
    const first = await stage.push('app:1');
    assert.equal(await digestOf(stage, 'app:1'), first.digest);
    const second = await stage.push('app:1');
    assert.equal(await digestOf(stage, 'app:1'), second.digest);
    assert.notEqual(first.digest, second.digest);
  },
  'without a tag is that of latest': async (stage) => {
    await stage.push('app:1');
    const { digest } = await stage.push('app:latest');
    assert.equal(await digestOf(stage, 'app'), digest);
  },
  'of a digest is itself, also after its tag has moved': async (stage) => {
    const { digest } = await stage.push('app:1');
    await stage.push('app:1');
    assert.equal(await digestOf(stage, `app@${digest}`), digest);
  },
  'of a tag, a digest or a repository that is not there is an error': async (stage) => {
    await isAbsent(digestOf(stage, 'nothing:1'));
    const { digest } = await stage.push('app:1');
    await stage.push('other:1');
    await isAbsent(digestOf(stage, 'app:2'));
    await isAbsent(digestOf(stage, `app@${ABSENT}`));
    await isAbsent(digestOf(stage, `other@${digest}`));
  },
  'is not asked for with an aborted signal': async ({ registry, reference, push }) => {
    await push('app:1');
    await assert.rejects(registry.digest(parseReference(reference('app:1')), AbortSignal.abort()));
  },
};

const IMAGE: Rules = {
  'has the digests of its manifest and its config, and its age': async (stage) => {
    const { digest, configDigest, created } = await stage.push('app:1');
    const expected = { manifestDigest: digest, configDigest, created };
    assert.deepEqual(await imageOf(stage, `app@${digest}`), expected);
    assert.deepEqual(await imageOf(stage, 'app:1'), expected);
  },
  'is there by its digest after its tag has moved': async (stage) => {
    const { digest, configDigest } = await stage.push('app:1');
    await stage.push('app:1');
    assert.equal((await imageOf(stage, `app@${digest}`)).configDigest, configDigest);
  },
  'is in the repository that it was pushed to, and in no other': async (stage) => {
    const { digest } = await stage.push('app:1');
    await stage.push('other:1');
    await isAbsent(imageOf(stage, `other@${digest}`));
    await isAbsent(imageOf(stage, `app@${ABSENT}`));
    await isAbsent(imageOf(stage, 'app:2'));
  },
  'is not asked for with an aborted signal': async ({ registry, reference, push }) => {
    const { digest } = await push('app:1');
    await assert.rejects(registry.image(parseReference(reference(`app@${digest}`)), AMD64, AbortSignal.abort()));
  },
};

const TAGS: Rules = {
  'are those of the repository, whatever the reference names in it': async (stage) => {
    const { digest } = await stage.push('app:1');
    for (const one of ['app:2', 'app:1.0.1', 'app2:3', 'app/other:4']) await stage.push(one);
    for (const one of ['app:1', 'app:9', 'app', `app@${digest}`])
      assert.deepEqual(await tagsOf(stage, one), ['1', '1.0.1', '2']);
  },
  'of a repository that is not there are an error': async (stage) => {
    await stage.push('app/other:1');
    await isAbsent(tagsOf(stage, 'app:1'));
  },
  'are not asked for with an aborted signal': async ({ registry, reference, push }) => {
    await push('app:1');
    await assert.rejects(registry.tags(parseReference(reference('app:1')), AbortSignal.abort()));
  },
};

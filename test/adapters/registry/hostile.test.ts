import test, { suite } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../../../src/adapters/registry/challenge.ts';
import type { Answer } from '../../../src/adapters/registry/http/http.ts';
import { createdOf, parseManifest } from '../../../src/adapters/registry/manifests.ts';
import { allTags } from '../../../src/adapters/registry/tags.ts';
import { anyJson, anyText, mutated, survives, survivesLater } from '../../lab/hostile.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const INDEX = { manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'amd64', variant: 'v8' } }] };
const MANIFEST = {
  config: { digest: DIGEST },
  annotations: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' },
};

const bodies = (answer: unknown) =>
  fc.oneof(
    fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    fc.oneof(anyJson, mutated(answer)).map((value) => Buffer.from(JSON.stringify(value))),
  );

suite('whatever a registry answers is understood or refused', () => {
  test('manifests, indexes and configs', () => {
    survives(fc.oneof(bodies(INDEX), bodies(MANIFEST)), (body) => {
      const parsed = parseManifest(body, 'app');
      if (parsed.kind === 'index')
        for (const { digest, platform } of parsed.entries) [digest, platform?.os ?? ''].map((one) => one.trim());
      else [parsed.configDigest.trim(), parsed.created?.toFixed()].join();
    });
    survives(bodies({ created: '2026-01-01T00:00:00Z' }), (body) => createdOf(body)?.toFixed());
  });

  test('lists of tags that lead anywhere', async () => {
    const pages = fc.record({
      body: bodies({ tags: ['1', '2'] }),
      link: fc.oneof(anyText, fc.constant('</v2/app/tags/list?last=2>; rel="next"')),
    });
    await survivesLater(pages, async ({ body, link }) => {
      const answer = { status: 200, url: new URL('https://r.example/v2/app/tags/list'), headers: { link }, body };
      (await allTags('app', async () => answer as unknown as Answer)).map((tag) => tag.trim());
    });
  });

  test('ways to log in', () => {
    const header = fc.oneof(
      anyText,
      fc
        .array(fc.constantFrom('Bearer', ' ', '=', ',', '"', '\\', 'realm', '__proto__', 'x'))
        .map((all) => all.join('')),
    );
    survives(header, (text) => {
      for (const { scheme, params } of parseChallenges(text))
        [scheme, ...Object.values(params)].map((one) => one.trim());
    });
  });
});

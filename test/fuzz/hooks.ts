// Messages of strangers and registries to webhooks.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonical, parseReference } from '../../src/core/model/reference.ts';
import { parseTrack } from '../../src/core/update/track.ts';
import { HOOKS, type HookKind, traitsOf } from '../../src/core/webhooks/kinds.ts';
import { concerns } from '../../src/core/webhooks/match.ts';
import { readHook } from '../../src/core/webhooks/senders.ts';
import { receiveHook } from '../../src/fronts/server/hooks/receive.ts';
import { OTHERS, SAMPLES } from '../core/webhooks/payloads.ts';
import { hookOf, received, SECRET, sent } from '../fronts/server/hooks/sent.ts';
import { anyText } from '../lab/hostile.ts';
import { jsonTexts, repeated, type Target, target, texts } from './target.ts';

const KINDS = Object.keys(HOOKS) as HookKind[];
const kinds = fc.constantFrom(...KINDS);
const bodies = jsonTexts(...[...SAMPLES, ...OTHERS].map(({ body }) => body));

const EVENTS = ['x-github-event', 'x-gitea-event', 'x-forgejo-event', 'content-type', 'webhook-request-origin'];
const headers = fc.dictionary(
  fc.constantFrom(...EVENTS),
  fc.oneof(fc.constantFrom('package', 'registry_package', 'application/x-www-form-urlencoded'), anyText),
);

const PROOFS = [
  'authorization',
  'x-gitlab-token',
  'x-swapctl-token',
  'x-hub-signature-256',
  'x-jfrog-event-auth',
  'webhook-id',
  'webhook-timestamp',
  'webhook-signature',
];
const proofs = fc.dictionary(
  fc.constantFrom(...PROOFS),
  texts(['Bearer', 'Basic', ' ', 'sha256=', 'v1,', '=', '0', 'ab', '1772452800', '\u0000'], [`Bearer ${SECRET}x`]),
);

function read(kind: HookKind, text: string, given: Readonly<Record<string, string>> = {}) {
  return readHook(kind, { method: 'POST', headers: given, rawBody: Buffer.from(text), registry: undefined });
}

/** Reads a message of every sender in which the text stands for its repository and its tag. */
function readAllWith(text: string): void {
  const inside = JSON.stringify(text).slice(1, -1);
  for (const { kind, body } of SAMPLES)
    read(
      kind,
      JSON.stringify(body)
        .replace(/web\/shop|acme\/shop/i, () => inside)
        .replace('1.5', () => inside),
    );
}

const LONG = repeated('[', '{"a":', '"', 'a', 'a/', 'a:', '@', 'https://', '-._', '\\u0000', ',');

export const HOOK_TARGETS: readonly Target[] = [
  target(
    'webhooks of senders',
    fc.tuple(kinds, bodies, headers),
    ([kind, text, given]) => {
      const hint = read(kind, text, given);
      if (hint.kind === 'handshake') return assert.ok(hint.response.body.length < 300);
      if (hint.kind !== 'pushed') return assert.ok(hint.why !== '' && hint.why.length < 400);
      assert.ok(hint.repositories.length > 0 && hint.repositories.length <= 100);
      for (const push of hint.repositories) {
        for (const name of [push.repository, ...(push.also ?? [])])
          assert.equal(canonical(parseReference(name)), `${name}:latest`);
        for (const tag of push.tags) assert.match(tag, /^\w[\w.-]{0,127}$/);
        concerns(push, parseReference(`${push.repository}:1.4`), parseTrack('minor', 'a test'));
      }
    },
    {
      work: (text) => {
        for (const kind of KINDS) read(kind, text);
        readAllWith(text);
      },
      texts: LONG,
    },
  ),
  target(
    'credentials of webhooks: none is right by chance',
    fc.tuple(kinds, bodies, proofs, anyText),
    async ([kind, text, given, secret]) => {
      const world = received(Object.fromEntries(traitsOf(kind).takes.map((form) => [form, hookOf(kind, form)])));
      for (const form of traitsOf(kind).takes) {
        const request = { ...sent(kind, form, text, { secret }), ...(secret.length % 2 === 0 && { headers: given }) };
        const answer = await receiveHook(form, request, world);
        assert.equal(answer.status, 401);
        assert.equal(answer.body, '{"outcome":"refused"}');
      }
      assert.deepEqual(world.added, []);
    },
    {
      work: async (text) => {
        for (const kind of KINDS)
          for (const form of traitsOf(kind).takes) {
            const all = Object.fromEntries(PROOFS.map((name) => [name, text]));
            const request = { ...sent(kind, form, text), headers: all, pathSecret: text };
            await receiveHook('a', request, received({ a: hookOf(kind, form) }));
          }
      },
      texts: repeated('a', ' ', 'Basic ', 'sha256=', 'v1, ', '0', '='),
    },
  ),
];

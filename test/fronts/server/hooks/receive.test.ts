// Messages with right, wrong, missing and replayed credentials, from every kind of sender.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { type CredentialForm, HOOKS, type HookKind, traitsOf } from '../../../../src/core/webhooks/kinds.ts';
import { receiveHook } from '../../../../src/fronts/server/hooks/receive.ts';
import { HOOK_BODY_LIMIT } from '../../../../src/fronts/server/hooks/request.ts';
import { EVENT_GRID_VALIDATION, OTHERS, SAMPLES } from '../../../core/webhooks/payloads.ts';
import { hookOf, NOW, received, SECRET, sent } from './sent.ts';

const KINDS = Object.keys(HOOKS) as HookKind[];
const WAYS = KINDS.flatMap((kind) => traitsOf(kind).takes.map((form): [HookKind, CredentialForm] => [kind, form]));
const sampleOf = (kind: HookKind) => SAMPLES.find((sample) => sample.kind === kind) ?? assert.fail(`no ${kind}`);
const PUSHED = { type: 'image.pushed', data: { image: 'ghcr.io/acme/shop:1' } };

suite('a message with its credential', () => {
  for (const [kind, form] of WAYS)
    test(`by ${form} from ${kind} makes swapctl check its repositories`, async () => {
      const { headers, body, pushed } = sampleOf(kind);
      const world = received({ a: hookOf(kind, form) });
      const answer = await receiveHook('a', sent(kind, form, body, { ...(headers && { headers }) }), world);
      assert.deepEqual([answer.status, answer.outcome, answer.body], [202, 'accepted', '{"outcome":"accepted"}']);
      assert.deepEqual(answer.hints, pushed);
      assert.deepEqual(
        world.added,
        pushed.map(({ repository }) => repository),
      );
    });

  for (const { kind, name, headers, body } of OTHERS)
    test(`from ${kind} about something else (${name}) is accepted and ignored`, async () => {
      const [form = 'secret'] = traitsOf(kind).takes;
      const world = received({ a: hookOf(kind, form) });
      const answer = await receiveHook('a', sent(kind, form, body, { ...(headers && { headers }) }), world);
      assert.deepEqual([answer.status, answer.outcome, world.added], [202, 'ignored', []]);
    });
});

suite('a request without the right credential', () => {
  const world = () =>
    received({ ...Object.fromEntries(WAYS.map(([kind, form]) => [`${kind}.${form}`, hookOf(kind, form)])) });

  /** The parts of an answer that a stranger sees. */
  async function seenOf(name: string, request: ReturnType<typeof sent>, at = world()) {
    const { status, headers, body } = await receiveHook(name, request, at);
    assert.deepEqual(at.added, []);
    return { status, headers, body };
  }

  const stranger = () => seenOf('no-such-hook', sent('github', 'secret', PUSHED));

  for (const [kind, form] of WAYS) {
    const name = `${kind}.${form}`;
    const { headers = {}, body } = sampleOf(kind);

    test(`(${form} of ${kind}) looks like one to a hook that does not exist`, async () => {
      const wrong = sent(kind, form, body, { headers, secret: 'another long and random secret' });
      const none = { ...sent(kind, form, body, { headers }), headers, query: new URLSearchParams() };
      const right = sent(kind, form, body, { headers });
      const longer = sent(kind, form, body, { headers, secret: `${SECRET}x` });
      const shorter = sent(kind, form, body, { headers, secret: SECRET.slice(0, -1) });
      const empty = sent(kind, form, body, { headers, secret: '' });
      for (const request of [wrong, none, longer, shorter, empty])
        assert.deepEqual(await seenOf(name, request), await stranger());
      assert.equal((await receiveHook(name, right, world())).status, 202);
    });

    test(`(${form} of ${kind}) does not count with a body that changed`, async () => {
      if (form !== 'secret') return;
      const request = sent(kind, form, body, { headers });
      const changed = { ...request, rawBody: Buffer.concat([request.rawBody, Buffer.from(' ')]) };
      assert.deepEqual(await seenOf(name, changed), await stranger());
    });
  }

  test('is refused with a header that came twice', async () => {
    const request = sent('harbor', 'token', sampleOf('harbor').body);
    const twice = { ...request, headers: { ...request.headers, authorization: [SECRET, SECRET] } };
    assert.deepEqual(await seenOf('harbor.token', twice), await stranger());
  });

  test('is refused with the empty signature that Gitea sends without a secret', async () => {
    const { body, headers = {} } = sampleOf('gitea');
    for (const value of ['', 'sha256=']) {
      const request = sent('gitea', 'secret', body, { headers });
      const unsigned = { 'x-gitea-signature': value, 'x-hub-signature-256': value };
      assert.deepEqual(
        await seenOf('gitea.secret', { ...request, headers: { ...headers, ...unsigned } }),
        await stranger(),
      );
    }
  });

  test('is refused with the name of something that every object has', async () => {
    for (const name of ['constructor', '__proto__', 'toString', ''])
      assert.deepEqual(await seenOf(name, sent('github', 'secret', PUSHED)), await stranger());
  });

  test('is refused if the secret cannot be read, and only the owner learns why', async () => {
    const hook = hookOf('github', 'secret');
    const read = () => Promise.reject(new Error('/run/secrets/ghcr cannot be read'));
    const broken = received({ a: { ...hook, credential: { form: 'secret', secret: { shown: '…', read } } } });
    const request = sent('github', 'secret', PUSHED);
    assert.deepEqual(await seenOf('a', request, broken), await stranger());
    assert.match(
      (await receiveHook('a', request, broken)).why ?? '',
      /credential cannot be read: \/run\/secrets\/ghcr/,
    );
  });

  test('is refused while swapctl.yml cannot be read', async () => {
    const broken = { ...received({}), hooks: () => assert.fail('swapctl.yml:1:1: wrong') };
    assert.deepEqual(await seenOf('a', sent('github', 'secret', PUSHED), broken), await stranger());
  });

  test('leaves no secret in the answer or in the reason', async () => {
    for (const [kind, form] of WAYS) {
      const request = sent(kind, form, PUSHED, { secret: 'another long and random secret' });
      const text = JSON.stringify(await receiveHook(`${kind}.${form}`, request, world()));
      assert.ok(!text.includes('random secret'), text);
    }
  });
});

suite('the secret in the URL', () => {
  const { body } = sampleOf('docker-hub');
  const world = () => received({ hub: hookOf('docker-hub', 'url-secret') });
  const plain = { ...sent('docker-hub', 'url-secret', body), query: new URLSearchParams() };

  test('may be the last part of the path', async () => {
    assert.equal((await receiveHook('hub', { ...plain, pathSecret: SECRET }, world())).status, 202);
    assert.equal((await receiveHook('hub', { ...plain, pathSecret: 'x' }, world())).status, 401);
  });

  test('counts in one place: a wrong one in the path is not saved by the parameter', async () => {
    const both = { ...sent('docker-hub', 'url-secret', body), pathSecret: 'x' };
    assert.equal((await receiveHook('hub', both, world())).status, 401);
  });

  test('does not open a hook whose sender signs', async () => {
    const signed = received({ hub: hookOf('github', 'secret') });
    assert.equal((await receiveHook('hub', { ...plain, pathSecret: SECRET }, signed)).status, 401);
  });
});

suite('a replayed message', () => {
  for (const kind of KINDS.filter((one) => traitsOf(one).signature))
    test(`from ${kind} causes no second check, and is accepted, so that its sender does not try again`, async () => {
      const { headers = {}, body } = sampleOf(kind);
      const world = received({ a: hookOf(kind, 'secret') });
      const request = sent(kind, 'secret', body, { headers });
      await receiveHook('a', request, world);
      const count = world.added.length;
      const again = await receiveHook('a', request, world);
      assert.deepEqual([again.status, again.outcome, again.hints, world.added.length], [202, 'replayed', [], count]);
    });

  test('is one to another hook as well, if that has the same secret: each remembers for itself', async () => {
    const world = received({ a: hookOf('standard', 'secret'), b: hookOf('standard', 'secret') });
    const request = sent('standard', 'secret', PUSHED);
    assert.equal((await receiveHook('a', request, world)).outcome, 'accepted');
    assert.equal((await receiveHook('b', request, world)).outcome, 'accepted');
  });

  test('is refused when it is old, or from the future', async () => {
    const world = received({ a: hookOf('standard', 'secret') });
    const outcome = async (ageS: number) =>
      (await receiveHook('a', sent('standard', 'secret', PUSHED, { ageS, id: `msg_${ageS}` }), world)).outcome;
    assert.deepEqual(
      [await outcome(300), await outcome(-300), await outcome(301), await outcome(-301), await outcome(86_400)],
      ['accepted', 'accepted', 'refused', 'refused', 'refused'],
    );
  });

  test('with another id or time has no signature', async () => {
    const world = received({ a: hookOf('standard', 'secret') });
    const request = sent('standard', 'secret', PUSHED);
    for (const change of [{ 'webhook-id': 'msg_2' }, { 'webhook-timestamp': String(NOW / 1000 + 1) }])
      assert.equal(
        (await receiveHook('a', { ...request, headers: { ...request.headers, ...change } }, world)).status,
        401,
      );
  });

  test('is forgotten after a thousand others, so that memory has a bound', async () => {
    const world = received({ a: hookOf('standard', 'secret') });
    for (let at = 0; at < 1500; at++)
      await receiveHook('a', sent('standard', 'secret', PUSHED, { id: `msg_${at}` }), world);
    assert.equal(world.seen.get('a')?.size, 1000);
    const outcome = async (id: string) =>
      (await receiveHook('a', sent('standard', 'secret', PUSHED, { id }), world)).outcome;
    assert.deepEqual([await outcome('msg_1499'), await outcome('msg_0')], ['replayed', 'accepted']);
  });

  test('without the credential is not remembered: strangers push out nobody', async () => {
    const world = received({ a: hookOf('standard', 'secret') });
    for (let at = 0; at < 50; at++)
      await receiveHook(
        'a',
        sent('standard', 'secret', PUSHED, { id: `msg_${at}`, secret: 'some other secret' }),
        world,
      );
    assert.equal(world.seen.size, 0);
  });
});

suite('Standard Webhooks', () => {
  // A test vector of the specification's reference libraries.
  const VECTOR = {
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: '1614265330',
    body: '{"test": 2432232314}',
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const request = (signature = VECTOR.signature) => ({
    headers: {
      'Webhook-Id': VECTOR.id,
      'Webhook-Timestamp': VECTOR.timestamp,
      'Webhook-Signature': signature,
    },
    rawBody: Buffer.from(VECTOR.body),
    query: new URLSearchParams(),
    address: '192.0.2.7',
  });
  const status = async (secret: string, signature?: string) => {
    const world = received({ a: hookOf('standard', 'secret', secret) });
    const then = { ...world, clock: { now: () => Number(VECTOR.timestamp) * 1000 } };
    return (await receiveHook('a', request(signature), then)).outcome;
  };

  test('have the signature of the reference libraries', async () => {
    assert.equal(await status(VECTOR.secret), 'malformed');
    assert.equal(await status(VECTOR.secret.replace('whsec_', '')), 'malformed');
    assert.equal(await status(`${VECTOR.secret.slice(0, -1)}x`), 'refused');
  });

  test('may have several signatures, of which one is right', async () => {
    assert.equal(await status(VECTOR.secret, `v1,AAAA v2,x ${VECTOR.signature}`), 'malformed');
    assert.equal(await status(VECTOR.secret, `v1a,${VECTOR.signature.slice(3)}`), 'refused');
    assert.equal(await status(VECTOR.secret, `${'v1,AAAA '.repeat(10)}${VECTOR.signature}`), 'refused');
  });
});

suite('a body', () => {
  const world = () => received({ a: hookOf('standard', 'secret'), d: hookOf('distribution', 'bearer') });

  test('of ten megabytes is refused before anything looks at it, with any credential', async () => {
    const large = 'x'.repeat(10 * 1024 * 1024);
    for (const [name, secret] of [
      ['a', SECRET],
      ['a', 'some other secret'],
      ['nobody', SECRET],
    ] as const) {
      const answer = await receiveHook(name, sent('standard', 'secret', large, { secret }), world());
      assert.deepEqual([answer.status, answer.outcome, answer.hints], [413, 'too-large', []]);
    }
  });

  test('at the limit is read', async () => {
    const head = '{"type":"image.pushed","data":{"image":"ghcr.io/acme/shop:1"},"padding":"';
    const body = `${head}${'x'.repeat(HOOK_BODY_LIMIT - head.length - 2)}"}`;
    assert.equal(body.length, HOOK_BODY_LIMIT);
    assert.equal((await receiveHook('a', sent('standard', 'secret', body), world())).outcome, 'accepted');
  });

  test('of lists in lists, as deep as the limit allows, is only malformed', async () => {
    const half = HOOK_BODY_LIMIT / 2;
    const answer = await receiveHook('a', sent('standard', 'secret', '['.repeat(half) + ']'.repeat(half)), world());
    assert.deepEqual([answer.status, answer.outcome], [400, 'malformed']);
  });

  test('that is malformed does not stop the queue of CNCF distribution', async () => {
    const answer = await receiveHook('d', sent('distribution', 'bearer', 'not JSON'), world());
    assert.deepEqual([answer.status, answer.outcome], [202, 'malformed']);
  });
});

suite('the handshake of Event Grid', () => {
  const world = () => received({ a: hookOf('acr-event-grid', 'url-secret') });
  const headers = { 'WebHook-Request-Origin': 'eventgrid.azure.net' };
  const options = (secret: string) => ({
    ...sent('acr-event-grid', 'url-secret', '', { secret }),
    headers,
    method: 'OPTIONS' as const,
  });

  test('needs the credential, too', async () => {
    const validation = (secret: string) => sent('acr-event-grid', 'url-secret', EVENT_GRID_VALIDATION, { secret });
    const right = await receiveHook('a', validation(SECRET), world());
    assert.deepEqual(
      [right.status, right.outcome, JSON.parse(right.body).validationResponse],
      [200, 'handshake', '512d38b6-c7b8-40c8-89fe-f46f9e9622b6'],
    );
    assert.equal((await receiveHook('a', validation('some other secret'), world())).status, 401);
    assert.equal((await receiveHook('a', options('some other secret'), world())).status, 401);
  });

  test('of CloudEvents allows the origin', async () => {
    const answer = await receiveHook('a', options(SECRET), world());
    assert.deepEqual([answer.status, answer.headers['webhook-allowed-origin']], [200, 'eventgrid.azure.net']);
  });
});

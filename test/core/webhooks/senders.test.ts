// Every sender's message is understood, and no other message counts as a push.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Hint } from '../../../src/core/webhooks/hint.ts';
import { HOOKS, type HookKind } from '../../../src/core/webhooks/kinds.ts';
import { type HookDelivery, readHook } from '../../../src/core/webhooks/senders.ts';
import { EVENT_GRID_VALIDATION, OTHERS, SAMPLES } from './payloads.ts';

const KINDS = Object.keys(HOOKS) as HookKind[];

function read(kind: HookKind, body: unknown, given: Partial<HookDelivery> = {}): Hint {
  const rawBody = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return readHook(kind, { method: 'POST', headers: {}, rawBody, registry: undefined, ...given });
}

function repositories(hint: Hint): unknown {
  return hint.kind === 'pushed' ? hint.repositories : hint;
}

suite('a push', () => {
  test('is known of every kind of sender', () => {
    assert.deepEqual(
      KINDS.filter((kind) => !SAMPLES.some((sample) => sample.kind === kind)),
      [],
    );
  });

  for (const { kind, name, headers = {}, body, pushed } of SAMPLES)
    test(`from ${kind}: ${name}`, () => assert.deepEqual(repositories(read(kind, body, { headers })), pushed));

  for (const { kind, name, body, pushed } of SAMPLES)
    test(`from ${kind}: ${name}, without headers`, () => assert.deepEqual(repositories(read(kind, body)), pushed));
});

suite('another event is ignored, with the reason', () => {
  for (const { kind, name, headers = {}, body } of OTHERS)
    test(`from ${kind}: ${name}`, () => {
      const hint = read(kind, body, { headers });
      assert.equal(hint.kind, 'ignored');
      assert.ok(hint.kind === 'ignored' && hint.why.length > 10);
    });
});

suite('the host of the registry', () => {
  const sample = (kind: HookKind): unknown => SAMPLES.find((one) => one.kind === kind)?.body;
  const registry = 'pull.example.org:5000';

  for (const kind of KINDS)
    test(`from swapctl.yml counts more than the one of ${kind}`, () => {
      const hint = read(kind, sample(kind), { registry });
      assert.equal(hint.kind, 'pushed');
      for (const { repository, also = [] } of hint.kind === 'pushed' ? hint.repositories : [])
        for (const one of [repository, ...also]) assert.ok(one.includes(registry), one);
    });

  test('is needed for Artifactory if the message does not have it', () => {
    const body = { domain: 'docker', event_type: 'pushed', data: { repo_key: 'a', image_name: 'b', tag: '1' } };
    assert.match(JSON.stringify(read('artifactory', body)), /no jpd_origin.*no registry in swapctl\.yml/);
    assert.equal(read('artifactory', body, { registry }).kind, 'pushed');
  });

  test('in China is another one of Amazon', () => {
    const body = { ...(sample('ecr') as object), region: 'cn-north-1' };
    assert.match(
      JSON.stringify(read('ecr', body)),
      /"123456789012\.dkr\.ecr\.cn-north-1\.amazonaws\.com\.cn\/web\/shop"/,
    );
  });

  test('of Docker Hub has one spelling, and official images have their folder', () => {
    const body = { push_data: { tag: '1' }, repository: { repo_name: 'library/nginx' } };
    assert.deepEqual(repositories(read('docker-hub', body)), [{ repository: 'docker.io/library/nginx', tags: ['1'] }]);
    assert.deepEqual(repositories(read('docker-hub', body, { registry: 'index.docker.io' })), [
      { repository: 'docker.io/library/nginx', tags: ['1'] },
    ]);
  });

  test('without a dot or a port is none: it would be a path on Docker Hub', () => {
    const body = { action: 'push', target: { repository: 'app', tag: '1' }, request: { host: 'registry' } };
    assert.equal(read('acr', body).kind, 'malformed');
  });
});

suite('details of senders', () => {
  test('GitHub may not say the tag: then every tag may have moved', () => {
    const { body } = SAMPLES.find(({ name }) => name === 'registry_package') ?? assert.fail();
    const copy = structuredClone(body) as { registry_package: { package_version: Record<string, unknown> } };
    copy.registry_package.package_version.package_url = 'ghcr.io/Acme/shop:';
    copy.registry_package.package_version.container_metadata = { tag: { name: '', digest: '' } };
    const [found] = repositories(read('github', copy)) as { repository: string; tags: string[] }[];
    assert.deepEqual([found?.repository, found?.tags], ['ghcr.io/acme/shop', []]);
  });

  test('GitHub and Gitea may send a form', () => {
    for (const kind of ['github', 'gitea'] as const) {
      const { body, headers, pushed } = SAMPLES.find((one) => one.kind === kind) ?? assert.fail();
      const form = new URLSearchParams({ payload: JSON.stringify(body) }).toString();
      const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
      assert.deepEqual(repositories(read(kind, form, { headers: { ...headers, ...type } })), pushed);
    }
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal(read('acr', 'payload={}', { headers: type }).kind, 'malformed');
  });

  test('an old Quay has an object of tags', () => {
    const body = { docker_url: 'quay.example.org/a/b', updated_tags: { latest: 'f00d', '1.5': 'beef' } };
    assert.deepEqual(repositories(read('quay', body)), [
      { repository: 'quay.example.org/a/b', tags: ['latest', '1.5'] },
    ]);
  });

  test('pushes of one message to the same repository are one', () => {
    const event = (tag: string) => ({
      action: 'push',
      target: { repository: 'a', tag },
      request: { host: 'r.example' },
    });
    assert.deepEqual(repositories(read('distribution', { events: ['1', '2', '1'].map(event) })), [
      { repository: 'r.example/a', tags: ['1', '2'] },
    ]);
  });

  test('of one message at most a hundred repositories count', () => {
    const images = Array.from({ length: 300 }, (_, at) => `r.example/a${at}:1`);
    const hint = read('standard', { type: 'image.pushed', data: { images } });
    assert.equal(hint.kind === 'pushed' && hint.repositories.length, 100);
  });
});

suite('the handshake of Event Grid', () => {
  test('answers the code, and opens no URL', () => {
    assert.deepEqual(read('acr-event-grid', EVENT_GRID_VALIDATION), {
      kind: 'handshake',
      response: {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: '{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}',
      },
    });
  });

  test('of CloudEvents allows the origin that asks', () => {
    const headers = { 'webhook-request-origin': 'eventgrid.azure.net', 'webhook-request-rate': '120' };
    const hint = read('acr-event-grid', '', { method: 'OPTIONS', headers });
    assert.deepEqual(hint, {
      kind: 'handshake',
      response: {
        status: 200,
        headers: { 'webhook-allowed-origin': 'eventgrid.azure.net', 'webhook-allowed-rate': '*' },
        body: '',
      },
    });
  });

  test('echoes nothing but a code and a host', () => {
    const evil = structuredClone(EVENT_GRID_VALIDATION);
    for (const one of evil) one.data.validationCode = '<script>alert(1)</script>';
    assert.equal(read('acr-event-grid', evil).kind, 'malformed');
    const headers = { 'webhook-request-origin': 'a\r\nset-cookie: b' };
    assert.equal(read('acr-event-grid', '', { method: 'OPTIONS', headers }).kind, 'malformed');
  });

  test('is for Event Grid only', () => {
    const headers = { 'webhook-request-origin': 'eventgrid.azure.net' };
    for (const kind of KINDS.filter((one) => one !== 'acr-event-grid'))
      assert.equal(read(kind, '', { method: 'OPTIONS', headers }).kind, 'malformed', kind);
  });
});

suite('garbage', () => {
  const DEEP = 500_000;
  const bodies: Readonly<Record<string, string>> = {
    'an empty body': '',
    'no JSON': 'tag=1&x',
    null: 'null',
    'a text': '"push"',
    'an empty object': '{}',
    'an empty list': '[]',
    'lists in lists': `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
    'objects in objects': `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
    'lists that never close': '['.repeat(DEEP),
  };
  for (const [name, body] of Object.entries(bodies))
    test(`${name} is neither a push nor an exception`, () => {
      for (const kind of KINDS) assert.notEqual(read(kind, body).kind, 'pushed', kind);
    });

  test('bytes that are no UTF-8 are no JSON', () => {
    const rawBody = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
    for (const kind of KINDS) assert.equal(read(kind, '', { rawBody }).kind, 'malformed', kind);
  });

  test('names that every object has are no fields', () => {
    for (const kind of KINDS)
      for (const type of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
        assert.notEqual(
          read(kind, { type, object_kind: type, event_type: type, action: type, eventType: type, 'detail-type': type })
            .kind,
          'pushed',
          kind,
        );
  });

  test('a repository or a tag that cannot be one is left out', () => {
    const push = (repository: string, tag: string): Hint =>
      read('acr', { action: 'push', target: { repository, tag }, request: { host: 'r.example' } });
    for (const name of ['', '../x', 'a b', 'a:b', 'a@b', 'a//b', '/a', 'a'.repeat(100_000), 'a\u0000', 'a\u001b[31m'])
      assert.equal(push(name, '1').kind, 'malformed', name.slice(0, 20));
    for (const tag of ['a b', '../x', 'a/b', '-a', 'a'.repeat(129), DIGEST_LIKE])
      assert.equal(push('a', tag).kind, 'ignored', tag.slice(0, 20));
  });
});

const DIGEST_LIKE = `sha256:${'a'.repeat(64)}`;

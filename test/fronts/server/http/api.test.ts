import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { latch, siteOf } from './site.ts';

const WAIT = { prefer: 'wait=60' };

suite('POST /v1/rolls', () => {
  test('answers 202 with the job and where to ask for it; there it is rolled in the end', async (t) => {
    const { world, call } = await siteOf(t, ['shop/web']);
    world.newer();
    const first = await call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    assert.equal(first.status, 202);
    assert.deepEqual([first.json.service, first.json.actor, first.json.kind], ['shop/web', 'socket', 'roll']);
    assert.equal(first.headers.location, `/v1/rolls/${first.json.id}`);
    // So a client can wait for the next step at once.
    assert.match(String(first.headers.etag), /^".{22}"$/);
    const job = await call(`/v1/rolls/${first.json.id}`, { headers: WAIT });
    assert.deepEqual([job.status, job.json.state, job.json.outcome], [200, 'done', 'rolled']);
    assert.equal(job.json.report.service, 'shop/web');
    assert.ok(job.json.steps.length > 5 && job.json.plan[0].strategy === 'start-first');
  });

  test('with Prefer: wait answers 200 once it is done; a failed roll is no HTTP error', async (t) => {
    const { world, call } = await siteOf(t, ['web']);
    world.newer({ readyMs: 0, stopMs: 0, stopCode: 0, ends: { afterMs: 5, code: 1 } });
    const { status, json, headers } = await call('/v1/rolls', {
      method: 'POST',
      headers: WAIT,
      body: { service: 'web' },
    });
    assert.deepEqual([status, json.state, json.outcome], [200, 'done', 'failed']);
    assert.equal(headers['preference-applied'], 'wait=60');
    assert.ok(json.report.error.code);
  });

  test('of a service that is rolled already is refused with that job, or joins it', async (t) => {
    const { world, process, call } = await siteOf(t, ['web']);
    world.newer();
    const inTheMiddle = latch();
    process.before('engine.rename', 1, () => inTheMiddle.promise);
    const body = { service: 'web', settings: { settle: '50ms' } };
    const first = await call('/v1/rolls', { method: 'POST', body });
    const same = await call('/v1/rolls', { method: 'POST', body });
    assert.deepEqual([same.status, same.json.id], [202, first.json.id]);
    const other = await call('/v1/rolls', { method: 'POST', body: { service: 'web', force: true } });
    assert.deepEqual([other.status, other.json.code, other.json.exit], [409, 'busy', 4]);
    assert.equal(other.json.roll, `/v1/rolls/${first.json.id}`);
    assert.equal(other.headers['content-type'], 'application/problem+json');
    inTheMiddle.resolve();
  });

  test('joins the same roll of a caller in another trace', async (t) => {
    const { world, process, call } = await siteOf(t, ['web']);
    world.newer();
    const inTheMiddle = latch();
    process.before('engine.rename', 1, () => inTheMiddle.promise);
    const roll = (span: string) =>
      call('/v1/rolls', {
        method: 'POST',
        headers: { traceparent: `00-${'a'.repeat(32)}-${span.repeat(16)}-01` },
        body: { service: 'web' },
      });
    const [first, same] = [await roll('b'), await roll('c')];
    assert.deepEqual([first.status, same.status, same.json.id], [202, 202, first.json.id]);
    inTheMiddle.resolve();
  });

  test('with the same Idempotency-Key begins one job; the key is for one request', async (t) => {
    const { world, call } = await siteOf(t, ['web']);
    world.newer();
    const roll = (body: unknown) =>
      call('/v1/rolls', { method: 'POST', headers: { ...WAIT, 'idempotency-key': 'k-1' }, body });
    const [first, again] = [await roll({ service: 'web' }), await roll({ service: 'web' })];
    assert.deepEqual([first.json.outcome, again.json.id], ['rolled', first.json.id]);
    const other = await roll({ service: 'web', force: true });
    assert.deepEqual([other.status, other.json.code], [422, 'usage']);
  });

  const WRONG: readonly (readonly [string, unknown, number, string, RegExp])[] = [
    ['no service', {}, 400, 'usage', /service/],
    ['a field that is none', { service: 'web', frce: true }, 400, 'usage', /frce/],
    ['a wrong image', { service: 'web', image: 'App:1' }, 400, 'usage', /image/],
    ['a wrong setting', { service: 'web', settings: { settle: 'soon' } }, 400, 'usage', /soon/],
    ['no JSON', '{', 400, 'usage', /not JSON/],
    ['a service that is none', { service: 'wob' }, 404, 'not-found', /wob/],
    ['a name of two services', { service: 'api' }, 409, 'ambiguous', /2 things/],
    ['too much', { service: 'x'.repeat(70_000) }, 413, 'too-large', /larger/],
  ];
  for (const [name, body, status, code, detail] of WRONG)
    test(`with ${name} is a problem that says so`, async (t) => {
      const { call } = await siteOf(t, ['web', 'a/api', 'b/api']);
      const { json, ...answer } = await call('/v1/rolls', { method: 'POST', body });
      assert.deepEqual([answer.status, json.status, json.code], [status, status, code]);
      assert.match(json.detail, detail);
      assert.equal(json.instance, '/v1/rolls');
      if (code === 'ambiguous') assert.deepEqual(json.choices, ['a/api', 'b/api']);
      if (code === 'not-found') assert.deepEqual(json.choices, ['a/api', 'b/api', 'web']);
    });

  test('with another type than JSON is refused: a page of another site can send that', async (t) => {
    const { call } = await siteOf(t, ['web']);
    const headers = { 'content-type': 'text/plain' };
    assert.equal((await call('/v1/rolls', { method: 'POST', headers, body: '{"service":"web"}' })).status, 415);
  });

  test('from a page of another site is refused', async (t) => {
    const { call } = await siteOf(t, ['web']);
    const headers = { origin: 'https://evil.example.org' };
    assert.equal((await call('/v1/updates', { method: 'POST', headers })).status, 403);
  });

  test('while the engine is away is a 503 that says when to ask again', async (t) => {
    const { world, call } = await siteOf(t, ['web']);
    world.machine.up = false;
    const { status, json, headers } = await call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    assert.deepEqual([status, json.code, json.exit], [503, 'engine-unreachable', 5]);
    assert.ok(Number(headers['retry-after']) > 0);
    assert.equal((await call('/livez')).status, 200);
    assert.equal((await call('/readyz')).status, 503);
    world.machine.up = true;
    assert.equal((await call('/readyz')).status, 200);
  });
});

suite('jobs', () => {
  test('GET with If-None-Match and wait answers when the job has changed', async (t) => {
    const { world, process, call } = await siteOf(t, ['web']);
    world.newer();
    const [reached, inTheMiddle] = [latch(), latch()];
    process.before('engine.rename', 1, () => {
      reached.resolve();
      return inTheMiddle.promise;
    });
    const { json } = await call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    await reached.promise;
    const etag = String((await call(`/v1/rolls/${json.id}`)).headers.etag);
    const same = await call(`/v1/rolls/${json.id}`, { headers: { 'if-none-match': etag } });
    assert.deepEqual([same.status, same.text], [304, '']);
    const waiting = call(`/v1/rolls/${json.id}`, { headers: { 'if-none-match': etag, ...WAIT } });
    inTheMiddle.resolve();
    const news = await waiting;
    assert.equal(news.status, 200);
    assert.notEqual(news.headers.etag, etag);
  });

  test('DELETE before the switch undoes the roll, after it is a 409 that names the rollback', async (t) => {
    const { world, process, call } = await siteOf(t, ['web']);
    world.newer();
    const [started, going] = [latch(), latch()];
    process.before('engine.start', 1, () => {
      started.resolve();
      return going.promise;
    });
    const { json } = await call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    await started.promise;
    const cancelled = await call(`/v1/rolls/${json.id}`, { method: 'DELETE' });
    assert.deepEqual([cancelled.status, cancelled.json.cancel.requested], [202, true]);
    going.resolve();
    const done = await call(`/v1/rolls/${json.id}`, { headers: WAIT });
    assert.equal(done.json.report.error.code, 'interrupted');

    const late = latch<string>();
    process.before('engine.stop', 2, async () =>
      late.resolve(JSON.stringify(await call(`/v1/rolls/${again.json.id}`, { method: 'DELETE' }))),
    );
    const again = await call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    const refused = JSON.parse(await late.promise);
    assert.deepEqual([refused.status, refused.json.code], [409, 'too-late']);
    assert.match(refused.json.hint, /roll web back/);
  });

  test('a client that goes away stops nothing', async (t) => {
    const { world, server, call } = await siteOf(t, ['web']);
    world.newer();
    const { json } = await call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    await server.book.settled(json.id, new AbortController().signal);
    assert.equal((await call(`/v1/rolls/${json.id}`)).json.outcome, 'rolled');
    const { json: list } = await call('/v1/rolls?service=web&state=done');
    assert.deepEqual([list.rolls.map(({ id }: { id: string }) => id), list.complete], [[json.id], true]);
    assert.equal((await call('/v1/rolls/none')).status, 404);
  });

  test('checks and updates are jobs, too; a dry run changes nothing', async (t) => {
    const { world, call } = await siteOf(t, ['web', 'api']);
    world.newer();
    const check = await call('/v1/checks', { method: 'POST', headers: WAIT, body: { services: ['web'] } });
    assert.deepEqual([check.status, check.json.outcome, check.json.report.length], [200, 'done', 1]);
    const dry = await call('/v1/updates', { method: 'POST', headers: WAIT, body: { dryRun: true } });
    assert.deepEqual([dry.json.outcome, dry.json.rolls], ['done', []]);
    const update = await call('/v1/updates', { method: 'POST', headers: WAIT });
    assert.equal(update.json.report.services.length, 2);
  });
});

suite('services', () => {
  test('their documents are those of the command line; a slash in a key is encoded', async (t) => {
    const { world, call } = await siteOf(t, ['shop/web', 'api']);
    world.newer();
    const all = await call('/v1/services');
    assert.deepEqual(
      all.json.services.map(({ service }: { service: string }) => service),
      ['api', 'shop/web'],
    );
    const one = await call('/v1/services/shop%2Fweb');
    assert.deepEqual([one.status, one.json.replicas[0].phase], [200, 'serving']);
    const plan = await call('/v1/services/shop%2Fweb/plan?strategy=start-first');
    assert.deepEqual([plan.status, plan.json.slots[0].verdict], [200, 'roll']);
    const body = { force: true, explain: true, settings: { strategy: 'stop-first', settle: '9s' } };
    const changed = await call('/v1/services/web/plan', { method: 'POST', body });
    const [slot] = changed.json.slots;
    assert.deepEqual([changed.status, slot.strategy, slot.verdict], [200, 'stop-first', 'roll']);
    const settle = changed.json.explained.settings.find(({ setting }: { setting: string }) =>
      setting.endsWith('settle'),
    );
    assert.match(JSON.stringify(settle), /9/);
    assert.equal((await call('/v1/services/web/plan', { method: 'POST', body: { settle: '9s' } })).status, 400);
    assert.deepEqual((await call('/v1/rolls')).json.rolls, [], 'a plan is no job');
    assert.equal((await call('/v1/services/web/history')).json.service, 'shop/web');
    assert.equal((await call('/v1/services/web/plan?straegy=x')).status, 400);
  });

  test('rollback needs the key of the service in its body', async (t) => {
    const { world, call } = await siteOf(t, ['shop/web']);
    world.newer();
    await call('/v1/rolls', { method: 'POST', headers: WAIT, body: { service: 'web' } });
    const rollback = (body: unknown) =>
      call('/v1/services/shop%2Fweb/rollback', { method: 'POST', headers: WAIT, body });
    const refused = await rollback({});
    assert.deepEqual([refused.status, refused.json.code], [428, 'unconfirmed']);
    assert.match(refused.json.hint, /"confirm":"shop\/web"/);
    const { status, json } = await rollback({ confirm: 'shop/web' });
    assert.deepEqual([status, json.kind, json.outcome], [200, 'rollback', 'rolled-back']);
  });
});

test('a path or method that is none is a problem', async (t) => {
  const { call } = await siteOf(t, ['web']);
  assert.equal((await call('/v1/nothing')).json.code, 'not-found');
  const { status, headers } = await call('/v1/rolls', { method: 'PUT' });
  assert.deepEqual([status, headers.allow], [405, 'POST, GET, HEAD']);
});

test('every change is in the audit log, with its outcome', async (t) => {
  const { world, audit, call } = await siteOf(t, ['web']);
  world.newer();
  await call('/v1/rolls', { method: 'POST', headers: WAIT, body: { service: 'web' } });
  await call('/v1/rolls', { method: 'POST', body: { service: 'wob' } });
  await call('/livez');
  const lines = audit.map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ who, what, service, outcome, code }) => [who, what, service, outcome, code]),
    [
      ['socket', 'roll', 'web', 'accepted', undefined],
      ['socket', 'roll', 'web', 'rolled', undefined],
    ],
  );
});

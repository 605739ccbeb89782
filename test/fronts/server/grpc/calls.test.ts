// Each call of the gRPC API over a real connection, over an engine in memory.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { Code } from '@connectrpc/connect';
import { JobKind, JobState } from '#proto/swapctl/v1/job_pb';
import { Outcome } from '#proto/swapctl/v1/report_pb';
import { HistoryEvent, Phase, Verdict } from '#proto/swapctl/v1/status_pb';
import { CheckOutcome, UpdateOutcome } from '#proto/swapctl/v1/update_pb';
import { latch } from '../http/site.ts';
import { all, grpcSite, infoOf, raised, secured, TOKENS } from './clients.ts';

suite('services', () => {
  test('are listed, and shown by name, with their replicas', async (t) => {
    const { services } = await grpcSite(t, ['shop/web', 'other']);
    const { services: listed } = await services.listServices({});
    assert.deepEqual(listed.map(({ service }) => service).sort(), ['other', 'shop/web']);
    const { service } = await services.getService({ service: 'web' });
    assert.deepEqual([service?.service, service?.replicas[0]?.phase], ['shop/web', Phase.SERVING]);
  });

  test('have a plan, and a history', async (t) => {
    const { world, services, rolls } = await grpcSite(t, ['shop/web']);
    world.newer();
    const { plan } = await services.plan({ service: 'web', explain: true, settings: { strategy: 'stop-first' } });
    assert.deepEqual([plan?.slots[0]?.strategy, plan?.slots[0]?.verdict], ['stop-first', Verdict.ROLL]);
    assert.ok((plan?.explained?.settings.length ?? 0) > 10);
    await all(rolls.roll({ service: 'web' }));
    const { history } = await services.getHistory({ service: 'web' });
    assert.equal(history?.entries[0]?.event, HistoryEvent.ROLLED);
    assert.equal(history?.entries[0]?.current, true);
  });
});

suite('jobs', () => {
  test('a roll streams its job, its steps and its report', async (t) => {
    const { world, rolls } = await grpcSite(t, ['shop/web']);
    world.newer();
    const headers = latch<string | null>();
    const events = await all(
      rolls.roll({ service: 'web' }, { onHeader: (given) => headers.resolve(given.get('swapctl-job')) }),
    );
    const [first, last] = [events[0], events.at(-1)];
    assert.ok(first?.case === 'job' && last?.case === 'job');
    assert.deepEqual([first.value.kind, first.value.actor], [JobKind.ROLL, 'socket']);
    assert.equal(await headers.promise, first.value.id);
    assert.deepEqual([last.value.state, last.value.outcome], [JobState.DONE, Outcome.ROLLED]);
    assert.ok(last.value.result.case === 'report' && last.value.result.value.to?.digest);
    assert.ok(events.some((one) => one.case === 'step' && one.value.step?.kind === 'create'));
  });

  test('a failed roll is a job, not an error', async (t) => {
    const { world, rolls } = await grpcSite(t, ['web']);
    world.newer({ readyMs: 0, stopMs: 0, stopCode: 0, ends: { afterMs: 5, code: 1 } });
    const last = (await all(rolls.roll({ service: 'web' }))).at(-1);
    assert.ok(last?.case === 'job' && last.value.result.case === 'report');
    assert.equal(last.value.outcome, Outcome.FAILED);
    assert.ok(last.value.result.value.error?.code);
  });

  test('a rollback names the service again, and has its report', async (t) => {
    const { world, rolls } = await grpcSite(t, ['shop/web']);
    world.newer();
    await all(rolls.roll({ service: 'web' }));
    const refused = await raised(all(rolls.rollback({ service: 'web' })));
    assert.deepEqual([refused.code, infoOf(refused).reason], [Code.FailedPrecondition, 'unconfirmed']);
    assert.match(infoOf(refused).metadata.hint ?? '', /"confirm":"shop\/web"/);
    const last = (await all(rolls.rollback({ service: 'web', confirm: 'shop/web' }))).at(-1);
    assert.ok(last?.case === 'job');
    assert.equal(last.value.outcome, Outcome.ROLLED_BACK);
  });

  test('a check and an update have their reports', async (t) => {
    const { world, rolls } = await grpcSite(t, ['shop/web']);
    world.newer();
    const checked = (await all(rolls.check({ services: ['web'] }))).at(-1);
    assert.ok(checked?.case === 'job' && checked.value.result.case === 'checked');
    assert.equal(checked.value.result.value.services[0]?.outcome, CheckOutcome.AVAILABLE);
    const updated = (await all(rolls.update({}))).at(-1);
    assert.ok(updated?.case === 'job' && updated.value.result.case === 'updated');
    assert.equal(updated.value.result.value.services[0]?.outcome, UpdateOutcome.UPDATED);
    assert.equal(updated.value.rolls.length, 1);
  });

  test('are listed, found by id, and followed after their end', async (t) => {
    const { world, rolls } = await grpcSite(t, ['shop/web']);
    world.newer();
    await all(rolls.check({}));
    await all(rolls.roll({ service: 'web' }));
    const { rolls: listed, complete } = await rolls.listJobs({ kind: JobKind.ROLL, limit: 5 });
    assert.deepEqual([listed.length, complete], [1, true]);
    const [{ id } = assert.fail('there is a job')] = listed;
    assert.ok(((await rolls.getJob({ id })).job?.steps.length ?? 0) > 5);
    const events = await all(rolls.watchJob({ id }));
    assert.ok(events.length === 1 && events[0]?.case === 'job' && events[0].value.steps.length > 5);
    const unknown = await raised(rolls.getJob({ id: 'abc' }));
    assert.deepEqual([unknown.code, infoOf(unknown).reason], [Code.NotFound, 'not-found']);
  });

  test('are cancelled before the switch, and not after their end', async (t) => {
    const { world, process, rolls } = await grpcSite(t, ['web']);
    world.newer();
    const [reached, going] = [latch(), latch()];
    process.before('engine.start', 1, () => {
      reached.resolve();
      return going.promise;
    });
    const rolling = all(rolls.roll({ service: 'web' }));
    await reached.promise;
    const [{ id } = assert.fail('there is a job')] = (await rolls.listJobs({})).rolls;
    assert.equal((await rolls.cancelJob({ id })).job?.cancel?.requested, true);
    going.resolve();
    const last = (await rolling).at(-1);
    assert.ok(last?.case === 'job' && last.value.outcome === Outcome.FAILED);
    const late = await raised(rolls.cancelJob({ id }));
    assert.deepEqual([late.code, infoOf(late).reason], [Code.FailedPrecondition, 'too-late']);
  });

  test('a second roll of the service is aborted, and names the first one', async (t) => {
    const { world, process, rolls } = await grpcSite(t, ['web']);
    world.newer();
    const [reached, going] = [latch(), latch()];
    process.before('engine.start', 1, () => {
      reached.resolve();
      return going.promise;
    });
    const rolling = all(rolls.roll({ service: 'web' }));
    await reached.promise;
    const busy = await raised(all(rolls.roll({ service: 'web', force: true })));
    const [{ id } = assert.fail('there is a job')] = (await rolls.listJobs({})).rolls;
    assert.deepEqual([busy.code, infoOf(busy).metadata.job, infoOf(busy).metadata.exit], [Code.Aborted, id, '4']);
    going.resolve();
    await rolling;
  });

  test('one idempotency-key begins one job', async (t) => {
    const { world, rolls } = await grpcSite(t, ['web']);
    world.newer();
    const headers = { 'idempotency-key': 'k-1' };
    const ids = async (force: boolean) =>
      (await all(rolls.roll({ service: 'web', force }, { headers }))).map((one) => one.case === 'job' && one.value.id);
    const [first, again] = [await ids(false), await ids(false)];
    assert.equal(again[0], first[0]);
    assert.equal(infoOf(await raised(ids(true))).reason, 'usage');
  });
});

suite('wrong requests', () => {
  const WRONG = [
    ['no service', {}, /service/],
    ['an image that is none', { service: 'web', image: 'App:2' }, /image/],
    ['an unknown setting', { service: 'web', settings: { 'backup.keep': '0' } }, /backup\.keep/],
    ['a setting without sense', { service: 'web', settings: { settle: 'soon' } }, /settle/],
    ['a policy of a newer client', { service: 'web', pull: 77 as 0 }, /pull/],
  ] as const;
  for (const [what, request, why] of WRONG)
    test(`${what} is an invalid argument that says why`, async (t) => {
      const { rolls } = await grpcSite(t, ['web']);
      const error = await raised(all(rolls.roll(request)));
      assert.deepEqual([error.code, infoOf(error).reason], [Code.InvalidArgument, 'usage']);
      assert.match(error.rawMessage, why);
    });
});

suite('with TLS', () => {
  for (const protocol of ['grpc', 'grpc-web', 'connect'] as const)
    test(`${protocol} shares the port with the HTTP API`, async (t) => {
      const { site, over } = await secured(t);
      const { services, rolls } = over(protocol, { token: TOKENS.reader });
      assert.equal((await services.listServices({})).services.length, 2);
      const { job } = await site.server.book.submit({ kind: 'check', services: [], actor: 'test' });
      const last = (await all(rolls.watchJob({ id: job.id }))).at(-1);
      assert.ok(last?.case === 'job' && last.value.state === JobState.DONE);
    });
});

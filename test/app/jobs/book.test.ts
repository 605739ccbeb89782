import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { JobBook } from '../../../src/app/jobs/book.ts';
import type { RollAsked } from '../../../src/app/jobs/job.ts';
import { owned } from '../../../src/core/model/own-labels.ts';
import { decodeState } from '../../../src/core/service/labels.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import { ended, type JobWorld, jobWorld } from './world.ts';

const roll = (service: string, request: RollAsked['request'] = {}): RollAsked => ({
  kind: 'roll',
  service,
  actor: 'ci',
  request,
});

/** The roll that the labels of a container carry. */
function rollOn({ machine }: JobWorld, name: string): string | undefined {
  const box = machine.names.get(name) ?? assert.fail(`${name} is there`);
  const of = { name, imageId: box.image.id, labels: box.config.Labels ?? {} };
  return decodeState(owned(of, {}, undefined).own)?.roll;
}

suite('a job', () => {
  test('is a roll whose id its labels carry, with its plan, its steps and its report', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const { book, told } = world.open();
    const { job, joined } = await book.submit(roll('web'));
    assert.deepEqual([job.state, job.service, job.actor, joined], ['queued', 'web', 'ci', false]);
    const done = await ended(world, book, job.id);
    assert.deepEqual([done.state, done.outcome, done.kind], ['done', 'rolled', 'roll']);
    assert.equal(rollOn(world, 'web'), job.id);
    assert.equal(done.plan?.[0]?.strategy, 'start-first');
    const planned = done.plan?.[0]?.steps ?? [];
    const did = done.steps.filter(({ slot, kind }) => slot === 'web' && !['probe', 'note', 'evidence'].includes(kind));
    assert.ok(did.length > 5);
    // A needless step is planned, but not done.
    assert.deepEqual(
      planned.filter((text) => did.some((step) => step.text === text)),
      did.map(({ text }) => text),
    );
    const create = done.steps.find(({ kind }) => kind === 'create') ?? assert.fail('create is a step');
    assert.match(create.seen ?? '', /^incumbent web healthy/);
    assert.ok(create.ms !== undefined && create.text.startsWith('create '));
    assert.ok(Date.parse(done.ended ?? '') >= Date.parse(done.started ?? ''));
    assert.deepEqual(told.slice(0, 2), [`${job.id} queued`, `${job.id} running`]);
    assert.equal(told.at(-1), `${job.id} done`);
  });

  test('that fails says why, and is no error of the book', async () => {
    const world = await jobWorld(['web']);
    world.newer({ readyMs: 0, stopMs: 0, stopCode: 0, ends: { afterMs: 5, code: 1 } });
    const { book } = world.open();
    const { job } = await book.submit(roll('web'));
    const done = await ended(world, book, job.id);
    assert.equal(done.outcome, 'failed');
    assert.ok(done.report && 'error' in done.report && done.report.error);
  });

  test('keeps its progress to itself where two rolls run at once', async () => {
    const world = await jobWorld(['web', 'api']);
    world.newer();
    const { book } = world.open({ config: { ...NO_CONFIG, maxRollsAtOnce: 2 } });
    const first = await book.submit(roll('web'));
    const second = await book.submit(roll('api'));
    const [web, api] = [await ended(world, book, first.job.id), await ended(world, book, second.job.id)];
    assert.deepEqual(new Set(web.steps.map(({ slot }) => slot)), new Set(['web']));
    assert.deepEqual(new Set(api.steps.map(({ slot }) => slot)), new Set(['api']));
  });

  test('waits for its turn where only one service may be rolled at a time', async () => {
    const world = await jobWorld(['web', 'api']);
    world.newer();
    const { book, told } = world.open();
    const first = await book.submit(roll('web'));
    const second = await book.submit(roll('api'));
    await ended(world, book, second.job.id);
    assert.ok(told.indexOf(`${second.job.id} running`) > told.indexOf(`${first.job.id} done`));
  });
});

suite('a second request for a service', () => {
  test('joins the job that does exactly the same, and is refused with its id otherwise', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const { book } = world.open();
    const { job } = await book.submit(roll('web', { force: true }));
    const same = await book.submit(roll('web', { force: true }));
    assert.deepEqual([same.joined, same.job.id], [true, job.id]);
    await assert.rejects(book.submit(roll('web')), { code: 'busy', choices: [job.id] });
    await ended(world, book, job.id);
    assert.equal((await book.submit(roll('web'))).joined, false);
  });

  test('from an update is told that the service is busy', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const { book } = world.open();
    const { job } = await book.submit(roll('web'));
    const asked = { kind: 'update', services: [], actor: 'watch', request: { here: true } } as const;
    const update = await book.submit(asked);
    const done = await ended(world, book, update.job.id);
    assert.ok(done.report && 'services' in done.report);
    assert.equal(done.report.services[0]?.outcome, 'waiting');
    assert.match(done.report.services[0]?.because ?? '', new RegExp(job.id));
  });

  test('of 20 clients for 50 services rolls each exactly once', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `s${at}`);
    const world = await jobWorld(names);
    world.newer();
    const { book, process } = world.open();
    const ids = new Set<string>();
    for (let client = 0; client < 20; client++)
      for (const { job } of await Promise.all(names.map((name) => book.submit(roll(name))))) ids.add(job.id);
    assert.equal(ids.size, 50);
    for (const id of ids) assert.equal((await ended(world, book, id)).outcome, 'rolled');
    assert.equal(process.calls.filter(({ what }) => what === 'engine.stop').length, 50);
  });
});

suite('cancel', () => {
  test('before the switch removes the candidate; the old container serves', async () => {
    const world = await jobWorld(['web']);
    const before = world.machine.names.get('web')?.id;
    world.newer({ readyMs: 60_000, stopMs: 10, stopCode: 0 });
    const { book, process } = world.open();
    const { job } = await book.submit(roll('web'));
    const cancelled = new Promise<void>((resolve) => {
      process.before('engine.start', 1, async () => {
        await book.cancel(job.id);
        resolve();
      });
    });
    await world.machine.clock.run(cancelled, true);
    const done = await ended(world, book, job.id);
    assert.deepEqual([done.outcome, done.cancel.requested], ['failed', true]);
    assert.ok(done.report && 'error' in done.report && done.report.error?.code === 'interrupted');
    assert.equal(world.machine.names.get('web')?.id, before);
    assert.equal(world.machine.names.has('web.swapctl-next'), false);
  });

  test('after the switch is too late, and names the rollback', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const { book, process } = world.open();
    const { job } = await book.submit(roll('web'));
    const tried = new Promise<unknown>((resolve) => {
      process.before('engine.stop', 1, () => book.cancel(job.id).then(resolve, resolve));
    });
    const refusal = await world.machine.clock.run(tried, true);
    assert.match(String(refusal), /new connections go to the new container already/);
    assert.match((refusal as { hint: string }).hint, /roll web back/);
    assert.equal((await ended(world, book, job.id)).outcome, 'rolled');
    await assert.rejects(book.cancel(job.id), { code: 'too-late' });
    await assert.rejects(book.cancel('abc'), { code: 'not-found' });
  });

  test('of a job that waits for its turn leaves the service untouched', async () => {
    const world = await jobWorld(['web', 'api']);
    world.newer();
    const { book } = world.open();
    await book.submit(roll('web'));
    const { job } = await book.submit(roll('api'));
    await book.cancel(job.id);
    const done = await ended(world, book, job.id);
    assert.deepEqual([done.outcome, done.error?.code, done.started], ['failed', 'interrupted', undefined]);
    assert.equal(rollOn(world, 'api'), undefined);
  });
});

suite('after a restart', () => {
  const restarted = async (world: JobWorld): Promise<JobBook> => world.open().book;

  test('a finished roll is found by its labels, and later by the history', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const first = world.open();
    const { job } = await first.book.submit(roll('web'));
    await ended(world, first.book, job.id);
    first.process.kill();
    const second = world.open();
    const found = await second.book.find(job.id);
    assert.deepEqual([found?.state, found?.outcome, found?.service], ['done', 'rolled', 'web']);
    // Its duration is unknown now.
    assert.ok(found?.report && !('timings' in found.report));
    world.newer();
    const later = await second.book.submit(roll('web'));
    await ended(world, second.book, later.job.id);
    const book = await restarted(world);
    assert.equal((await book.find(job.id))?.outcome, 'rolled');
    const { jobs, complete } = await book.list();
    assert.deepEqual([jobs.map(({ id }) => id), complete], [[later.job.id, job.id], true]);
  });

  for (const [call, outcome] of [
    ['engine.create', 'failed'],
    ['engine.start', 'failed'],
    ['engine.stop', 'rolled'],
  ] as const)
    test(`a roll that died at ${call} is under way until recovery ends it: ${outcome}`, async () => {
      const world = await jobWorld(['web']);
      world.newer();
      const first = world.open();
      // The first create is the lock's.
      first.process.crashAt(call, call === 'engine.create' ? 2 : 1, 'before');
      const { job } = await first.book.submit(roll('web'));
      await world.machine.clock.run(first.process.died, true);
      const { book } = world.open();
      const running = await book.find(job.id);
      assert.ok(running?.state !== 'done', 'recovery has yet to end it');
      assert.match(running?.steps[0]?.text ?? '', /ended in the middle/);
      const done = await ended(world, book, job.id);
      assert.equal(done.outcome, outcome);
      if (outcome === 'failed') assert.match(done.error?.message ?? '', /recovery has undone it/);
      assert.equal(world.machine.names.get('web')?.status, 'running');
    });

  test('a roll of a process that nobody can ask, as before a reboot, is ended once its lock falls silent', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const first = world.open({ remote: true });
    first.process.crashAt('engine.start', 1, 'before');
    const { job } = await first.book.submit(roll('web'));
    await world.machine.clock.run(first.process.died, true);
    const { book } = world.open();
    assert.ok((await book.find(job.id))?.state !== 'done');
    const done = await ended(world, book, job.id);
    assert.match(done.error?.message ?? '', /recovery has undone it/);
  });

  test('a roll of a process elsewhere that lives is left to it', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const first = world.open({ remote: true });
    const { job } = await first.book.submit(roll('web'));
    const { book } = world.open();
    const resumed = new Promise<void>((resolve) => {
      first.process.before('engine.rename', 1, async () => {
        await Promise.all((await book.resume()).map(({ done }) => done));
        resolve();
      });
    });
    await world.machine.clock.run(resumed, true);
    const found = await book.find(job.id);
    assert.equal(found?.cancel.because, 'another process rolls the service');
    assert.equal((await ended(world, first.book, job.id)).outcome, 'rolled');
    assert.equal((await book.find(job.id))?.outcome, 'rolled');
  });

  test('a roll that another living process does is said to be under way there', async () => {
    const world = await jobWorld(['web']);
    world.newer();
    const first = world.open();
    const { job } = await first.book.submit(roll('web'));
    const { book } = world.open();
    const seen = new Promise<unknown>((resolve) => {
      first.process.before('engine.rename', 1, async () => resolve(await book.find(job.id)));
    });
    const found = (await world.machine.clock.run(seen, true)) as { state: string; cancel: { because: string } };
    assert.deepEqual([found.state, found.cancel.because], ['running', 'another process rolls the service']);
    await ended(world, first.book, job.id);
  });
});

test('finished jobs are forgotten, the oldest first', async () => {
  const world = await jobWorld(['web']);
  const { book } = world.open();
  const ids: string[] = [];
  for (let count = 0; count < 230; count++) {
    const { job } = await book.submit(roll('web'));
    ids.push(job.id);
    await ended(world, book, job.id);
  }
  const { jobs } = await book.list();
  assert.equal(jobs.length, 200);
  assert.equal(await book.find(ids[0] ?? ''), undefined);
});

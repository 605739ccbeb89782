// Streams of events: clients that leave, are late, or read too slowly.
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect } from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import test, { suite } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { JobState } from '#proto/swapctl/v1/job_pb';
import { type JobEvent, ResyncReason } from '#proto/swapctl/v1/roll_service_pb';
import type { RollCall } from '../../../../src/core/report/call.ts';
import type { ServiceReport } from '../../../../src/core/report/report.ts';
import { eventually } from '../../../lab/waiting.ts';
import { latch, type Site } from '../http/site.ts';
import { all, grpcSite, infoOf, raised } from './clients.ts';

/** Begins a roll that waits in the middle, and resolves once it does. */
function heldRoll({ world, process }: Site) {
  world.newer();
  const [reached, going] = [latch(), latch()];
  process.before('engine.start', 1, () => {
    reached.resolve();
    return going.promise;
  });
  return { reached: reached.promise, go: going.resolve };
}

const openStreams = async ({ call }: Site): Promise<number> =>
  Number(/^swapctl_sse_clients (\d+)$/m.exec((await call('/metrics')).text)?.[1] ?? 0);

suite('a client', () => {
  test('that leaves cancels no job', async (t) => {
    const site = await grpcSite(t, ['web']);
    const held = heldRoll(site);
    const leaving = new AbortController();
    let id = '';
    const rolling = (async () => {
      for await (const { event } of site.rolls.roll({ service: 'web' }, { signal: leaving.signal }))
        if (event?.event.case === 'job') id = event.event.value.id;
    })();
    await held.reached;
    leaving.abort();
    assert.equal((await raised(rolling)).code, Code.Canceled);
    await eventually('the stream is gone', async () => (await openStreams(site)) === 0);
    held.go();
    const last = (await all(site.rolls.watchJob({ id }))).at(-1);
    assert.ok(last?.case === 'job');
    assert.deepEqual([last.value.state, last.value.cancel?.requested], [JobState.DONE, false]);
    const report = last.value.result.case === 'report' ? last.value.result.value : undefined;
    assert.ok(report?.to);
  });

  test('whose deadline passes is told the id of the job that goes on', async (t) => {
    const site = await grpcSite(t, ['web']);
    const held = heldRoll(site);
    const session = connect('http://swapctl', {
      createConnection: () => net.connect(path.join(site.folder, 'api.sock')),
    });
    t.after(() => session.destroy());
    const { status, message, job } = await lateRoll(session);
    assert.equal(status, String(Code.DeadlineExceeded));
    assert.match(message, new RegExp(`job ${job} goes on`));
    held.go();
    const last = (await all(site.rolls.watchJob({ id: job }))).at(-1);
    assert.ok(last?.case === 'job' && last.value.state === JobState.DONE && !last.value.cancel?.requested);
  });

  test('that comes back gets what it missed, or hears that it is lost', async (t) => {
    const site = await grpcSite(t, ['web']);
    site.world.newer();
    const ids: string[] = [];
    for await (const { event } of site.rolls.roll({ service: 'web' })) if (event) ids.push(event.id);
    const leaving = new AbortController();
    const again: string[] = [];
    const middle = ids[4] ?? assert.fail('there are many events');
    for await (const { event } of site.rolls.watchJobs({ after: middle }, { signal: leaving.signal })) {
      again.push(event?.id ?? '');
      if (event?.id === ids.at(-1)) break;
    }
    assert.deepEqual(again, ids.slice(5));
    const { signal } = leaving;
    for await (const { event } of site.rolls.watchJobs({ after: 'abcdef:7' }, { signal })) {
      assert.ok(event?.event.case === 'resync' && event.event.value.reason === ResyncReason.RESTARTED);
      break;
    }
    leaving.abort();
    await eventually('all streams are gone', async () => (await openStreams(site)) === 0);
  });

  test('that missed more than a reader may lag behind gets all of it', async (t) => {
    const site = await grpcSite(t, ['web']);
    const [hello] = await take(site.rolls.watchJobs({}), 1);
    for (let count = 0; count < 40; count++) await note(site, 'x'.repeat(20_000));
    const { job } = await site.server.book.submit({ kind: 'check', services: ['web'], actor: 'test' });
    await site.server.book.settled(job.id, new AbortController().signal);
    const leaving = new AbortController();
    let bytes = 0;
    for await (const { event } of site.rolls.watchJobs({ after: hello?.id ?? '' }, { signal: leaving.signal })) {
      if (event?.event.case === 'step') bytes += event.event.value.step?.text.length ?? 0;
      if (event?.event.case === 'job' && event.event.value.id === job.id) break;
    }
    leaving.abort();
    assert.equal(bytes, 40 * 20_000);
  });

  test('has so many streams, and no more', async (t) => {
    const site = await grpcSite(t, ['web']);
    const leaving = new AbortController();
    const streams = Array.from({ length: 20 }, () =>
      site.rolls.watchJobs({}, { signal: leaving.signal })[Symbol.asyncIterator](),
    );
    for (const one of streams) assert.equal((await one.next()).value?.event?.event.case, 'hello');
    const refused = await raised(all(site.rolls.watchJobs({})));
    assert.deepEqual([refused.code, infoOf(refused).reason], [Code.ResourceExhausted, 'too-many-requests']);
    leaving.abort();
    await eventually('the streams of a client that left are free', async () => (await openStreams(site)) === 0);
  });

  test('that reads too slowly is cut off, and others go on', async (t) => {
    const site = await grpcSite(t, ['web']);
    const session = connect('http://swapctl', {
      createConnection: () => net.connect(path.join(site.folder, 'api.sock')),
    });
    t.after(() => session.destroy());
    const slow = session.request({ ...HEADERS, ':path': '/swapctl.v1.RollService/WatchJobs' });
    const closed = latch<number>();
    slow.on('error', () => {}).once('close', () => closed.resolve(slow.rstCode));
    slow.end(framed(''));
    await new Promise((resolve) => slow.once('response', resolve));
    const leaving = new AbortController();
    const seen: string[] = [];
    const other = (async () => {
      for await (const { event } of site.rolls.watchJobs({}, { signal: leaving.signal }))
        if (event?.event.case === 'job') seen.push(event.event.value.id);
    })();
    await eventually('both listen', async () => (await openStreams(site)) === 2);
    let told = 0;
    await eventually('the slow one is cut off', async () => {
      for (let count = 0; count < 5; count++) await note(site, 'x'.repeat(20_000));
      told += 5;
      return (await openStreams(site)) === 1;
    });
    t.diagnostic(`cut off after ${told} events of 20 kB`);
    const { job } = await site.server.book.submit({ kind: 'check', services: ['web'], actor: 'test' });
    await eventually('the other one has the last job', async () => seen.includes(job.id));
    // Only now does it read again.
    slow.resume();
    assert.notEqual(await closed.promise, 0);
    leaving.abort();
    await raised(other);
  });
});

test('a server that ends says so, and names the job', async (t) => {
  const site = await grpcSite(t, ['web']);
  const held = heldRoll(site);
  const rolling = all(site.rolls.roll({ service: 'web' })).then(
    () => undefined,
    (error) => ConnectError.from(error),
  );
  await held.reached;
  const closing = site.server.close();
  held.go();
  const error = await rolling;
  await closing;
  assert.equal(error?.code, Code.Unavailable);
  assert.match(error.rawMessage, /this server is ending; job \w+ goes on/);
});

async function take(
  stream: AsyncIterable<{ readonly event?: JobEvent | undefined }>,
  most: number,
): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const { event } of stream) {
    if (event) events.push(event);
    if (events.length >= most) break;
  }
  return events;
}

const HEADERS = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };

/** One message of gRPC with field 1 set to a text. */
function framed(text: string): Buffer {
  const body = text === '' ? Buffer.alloc(0) : Buffer.from([10, text.length, ...Buffer.from(text)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

// By hand: a client of Connect ends its call itself, and does not wait for the server's last message.
async function lateRoll(session: ClientHttp2Session) {
  const stream = session.request({ ...HEADERS, ':path': '/swapctl.v1.RollService/Roll', 'grpc-timeout': '300m' });
  const answer: Record<string, unknown> = {};
  stream.on('response', (headers) => Object.assign(answer, headers));
  stream.on('trailers', (headers) => Object.assign(answer, headers));
  stream.end(framed('web'));
  for await (const _ of stream);
  return {
    status: answer['grpc-status'],
    message: decodeURIComponent(String(answer['grpc-message'])),
    job: String(answer['swapctl-job']),
  };
}

function note(site: Site, text: string): Promise<ServiceReport> {
  const work = async (call: RollCall): Promise<ServiceReport> => {
    call.progress?.({ kind: 'note', text });
    return { service: 'web', outcome: 'unchanged', timings: { total: 0 } };
  };
  return site.server.book.perService('test')('web', new AbortController().signal, work);
}

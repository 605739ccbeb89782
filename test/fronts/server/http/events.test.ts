import assert from 'node:assert/strict';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import test, { suite } from 'node:test';
import type { RollCall } from '../../../../src/core/report/call.ts';
import type { ServiceReport } from '../../../../src/core/report/report.ts';
import { eventually } from '../../../lab/waiting.ts';
import { latch, type Site, siteOf } from './site.ts';

interface Notified {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  readonly data: any;
}

/** Listens on a stream; `until` resolves with all events once one matches, `ended` when the server ends it. */
function listen({ folder }: Site, path: string, headers: Record<string, string> = {}) {
  const told: Notified[] = [];
  const waiting = new Set<() => void>();
  const [opened, ended] = [latch<number>(), latch()];
  const look = (): void => {
    for (const one of waiting) one();
  };
  const request: ClientRequest = httpRequest({ socketPath: `${folder}/api.sock`, path, headers }, (response) => {
    let text = '';
    opened.resolve(response.statusCode ?? 0);
    response.setEncoding('utf8').on('data', (more) => {
      const parts = (text + more).split('\n\n');
      text = parts.pop() ?? '';
      told.push(...parts.filter((part) => part.startsWith('id:')).map(eventOf));
      look();
    });
    response.on('end', () => ended.resolve());
    response.on('error', () => ended.resolve());
  });
  request.on('error', () => ended.resolve()).end();
  const until = (isWanted: (one: Notified) => boolean): Promise<Notified[]> =>
    new Promise((resolve) => {
      const check = (): void => void (told.some(isWanted) && resolve(told));
      waiting.add(check);
      check();
    });
  return { told, opened: opened.promise, ended: ended.promise, until, leave: () => void request.destroy() };
}

function eventOf(part: string): Notified {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
  return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
}

const isDone = ({ event, data }: Notified): boolean => event === 'job' && data.state === 'done';

suite('events', () => {
  test('tell each job and each of its steps, and what was missed to those who come back', async (t) => {
    const site = await siteOf(t, ['web']);
    site.world.newer();
    const stream = listen(site, '/v1/events');
    assert.equal(await stream.opened, 200);
    await stream.until(({ event }) => event === 'hello');
    const { json } = await site.call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    const told = await stream.until(isDone);
    assert.deepEqual(
      told.slice(0, 3).map(({ event }) => event),
      ['hello', 'job', 'job'],
    );
    assert.ok(told.some(({ event, data }) => event === 'step' && data.step.kind === 'create' && data.job === json.id));
    stream.leave();
    const middle = told[4] ?? assert.fail('there are many events');
    const again = listen(site, '/v1/events', { 'last-event-id': middle.id });
    const replayed = await again.until(isDone);
    assert.deepEqual(replayed, told.slice(5));
    again.leave();
  });

  test('a server that was restarted, or has forgotten what was missed, says so', async (t) => {
    const site = await siteOf(t, ['web']);
    const stream = listen(site, '/v1/events', { 'last-event-id': 'abcdef:7' });
    const [first] = await stream.until(({ event }) => event === 'resync');
    assert.deepEqual(first?.data, { reason: 'restarted' });
    stream.leave();
    const hello = listen(site, '/v1/events');
    const [{ id } = assert.fail()] = await hello.until(() => true);
    hello.leave();
    for (let count = 0; count < 340; count++) {
      const { job } = await site.server.book.submit({ kind: 'check', services: ['web'], actor: 'test' });
      await site.server.book.settled(job.id, new AbortController().signal);
    }
    const late = listen(site, '/v1/events', { 'last-event-id': id });
    assert.deepEqual((await late.until(() => true))[0]?.data, { reason: 'too-old' });
    late.leave();
  });

  test('of one job begin with all that there is of it, and end with it', async (t) => {
    const site = await siteOf(t, ['web', 'api']);
    site.world.newer();
    const [reached, going] = [latch(), latch()];
    site.process.before('engine.rename', 1, () => {
      reached.resolve();
      return going.promise;
    });
    const { json } = await site.call('/v1/rolls', { method: 'POST', body: { service: 'web' } });
    await reached.promise;
    const stream = listen(site, `/v1/rolls/${json.id}/events`);
    const [first] = await stream.until(() => true);
    assert.ok(first?.data.steps.length > 3);
    going.resolve();
    await stream.ended;
    assert.ok(isDone(stream.told.at(-1) ?? assert.fail()));
    const over = listen(site, `/v1/rolls/${json.id}/events`);
    await over.ended;
    assert.equal(over.told.length, 1);
  });

  test('come all to a reader that missed more than it may lag behind', async (t) => {
    const site = await siteOf(t, ['web']);
    const hello = listen(site, '/v1/events');
    const [{ id } = assert.fail()] = await hello.until(() => true);
    hello.leave();
    const text = 'x'.repeat(20_000);
    for (let count = 0; count < 40; count++) {
      const work = async (call: RollCall): Promise<ServiceReport> => {
        call.progress?.({ kind: 'note', text });
        return { service: 'web', outcome: 'unchanged', timings: { total: 0 } };
      };
      await site.server.book.perService('test')('web', new AbortController().signal, work);
    }
    const { job } = await site.server.book.submit({ kind: 'check', services: ['web'], actor: 'test' });
    await site.server.book.settled(job.id, new AbortController().signal);
    const late = listen(site, '/v1/events', { 'last-event-id': id });
    const isLast = ({ data }: Notified): boolean => data.id === job.id && data.state === 'done';
    await Promise.race([late.until(isLast), late.ended]);
    assert.equal(late.told.filter(({ event }) => event === 'step').length, 40);
    late.leave();
  });

  test('go to so many streams of a caller, and no more', async (t) => {
    const site = await siteOf(t, ['web']);
    const streams = Array.from({ length: 20 }, () => listen(site, '/v1/events'));
    for (const one of streams) assert.equal(await one.opened, 200);
    const { status, json } = await site.call('/v1/events');
    assert.deepEqual([status, json.code], [429, 'too-many-requests']);
    for (const one of streams) one.leave();
    await eventually('the streams of those who left are free', async () => {
      const next = listen(site, '/v1/events');
      const isOpen = (await next.opened) === 200;
      next.leave();
      return isOpen;
    });
    for (let count = 0; count < 30; count++) await site.call('/v1/events', { method: 'HEAD' });
    await eventually('nobody listens any more', async () =>
      /^swapctl_sse_clients 0$/m.test((await site.call('/metrics')).text),
    );
  });

  test('a reader that is too slow is cut off, and the others go on', async (t) => {
    const site = await siteOf(t, ['web']);
    const slow = connect(`${site.folder}/api.sock`).on('error', () => {});
    slow.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
    const other = listen(site, '/v1/events');
    await other.opened;
    await eventually('both listen', async () => /^swapctl_sse_clients 2$/m.test((await site.call('/metrics')).text));
    const text = 'x'.repeat(20_000);
    let told = 0;
    await eventually('the slow one is cut off', async () => {
      for (let count = 0; count < 5; count++) {
        told += 1;
        const work = async (call: RollCall): Promise<ServiceReport> => {
          call.progress?.({ kind: 'note', text });
          return { service: 'web', outcome: 'unchanged', timings: { total: 0 } };
        };
        await site.server.book.perService('test')('web', new AbortController().signal, work);
      }
      return !/^swapctl_sse_clients 2$/m.test((await site.call('/metrics')).text);
    });
    const last = await site.server.book.submit({ kind: 'check', services: ['web'], actor: 'test' });
    await other.until(({ data }) => data.id === last.job.id && data.state === 'done');
    t.diagnostic(`cut off after ${told} events of 20 kB`);
    other.leave();
    slow.destroy();
  });
});

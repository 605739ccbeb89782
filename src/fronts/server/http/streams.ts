import { allows } from '../../../core/access/scope.ts';
import type { Asking } from './context.ts';
import type { ServerEvent } from './event-hub.ts';
import { readableJob } from './jobs.ts';
import { HttpError } from './request/problem.ts';

// Server-sent events: of everything that the caller may read, or of one job until it is done.

const HEARTBEAT_MS = 15_000;
const MOST_STREAMS = 100;
const MOST_OF_ONE = 20;
/** The most that a reader may lag behind; a slower one is dropped, and returns with its last id. */
const MOST_BYTES = 256 * 1024;

const counts = new Map<string, number>();

export async function streamAll(asking: Asking): Promise<Response> {
  const { hub } = asking.site;
  const { scopes } = asking.caller;
  const isWanted = ({ service }: ServerEvent): boolean => allows(scopes, 'read', service);
  const last = lastIdOf(asking);
  return stream(asking, (send) => {
    const missed = last === undefined ? { events: [] } : hub.since(last);
    if ('resync' in missed) send(line('resync', { reason: missed.resync }, hub.lastId));
    else if (last === undefined) send(line('hello', {}, hub.lastId));
    else for (const one of missed.events.filter(isWanted)) send(textOf(one));
    return hub.listen((one) => void (isWanted(one) && send(textOf(one))));
  });
}

export async function streamJob(asking: Asking): Promise<Response> {
  const { hub } = asking.site;
  const job = await readableJob(asking, asking.params.id ?? '');
  const last = lastIdOf(asking);
  return stream(asking, (send, close) => {
    const missed = last === undefined ? undefined : hub.since(last);
    const isOver = ({ event, data }: ServerEvent): boolean => event === 'job' && data.includes('"state":"done"');
    if (missed && 'events' in missed) for (const one of missed.events) if (one.job === job.id) send(textOf(one));
    // All that there is of the job is one event, so that nobody has to put it together.
    if (!missed || 'resync' in missed) send(line('job', job, hub.lastId));
    if (job.state === 'done') close();
    return hub.listen((one) => {
      if (one.job !== job.id) return;
      send(textOf(one));
      if (isOver(one)) close();
    });
  });
}

type Begin = (send: (text: string) => void, close: () => void) => () => void;

function stream({ caller, site: { world }, request, drop }: Asking, begin: Begin): Response {
  const leave = enter(caller.name);
  const count = (): void => world.metrics.set('swapctl_sse_clients', {}, openStreams());
  count();
  let end = (): void => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const text = new TextEncoder();
        let stop = (): void => {};
        const beat = setInterval(() => send(': \n\n'), HEARTBEAT_MS);
        end = (): void => {
          end = () => {};
          clearInterval(beat);
          stop();
          leave();
          count();
          world.signal.removeEventListener('abort', close);
          request.signal.removeEventListener('abort', close);
        };
        const close = (): void => {
          end();
          // It is closed already where the client was the first.
          if (controller.desiredSize !== null) controller.close();
        };
        const send = (chunk: string): void => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(text.encode(chunk));
          else {
            end();
            drop();
          }
        };
        world.signal.addEventListener('abort', close);
        request.signal.addEventListener('abort', close);
        stop = begin(send, close);
        if (world.signal.aborted) close();
      },
      cancel: () => end(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MOST_BYTES }),
  );
  const head = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  return new Response(body, { headers: head });
}

function enter(who: string): () => void {
  const own = counts.get(who) ?? 0;
  if (own >= MOST_OF_ONE || openStreams() >= MOST_STREAMS)
    throw new HttpError(429, 'too-many-requests', 'there are too many event streams', {
      hint: 'one stream of /v1/events is enough for all jobs',
    });
  counts.set(who, own + 1);
  return () => {
    const left = (counts.get(who) ?? 1) - 1;
    if (left > 0) counts.set(who, left);
    else counts.delete(who);
  };
}

function openStreams(): number {
  return [...counts.values()].reduce((sum, one) => sum + one, 0);
}

function lastIdOf({ request }: Asking): string | undefined {
  return request.headers.get('last-event-id') ?? undefined;
}

function textOf({ id, event, data }: ServerEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`;
}

function line(event: string, data: unknown, id: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

import { allows } from '../../../core/access/scope.ts';
import type { ServerEvent } from '../operations/event-hub.ts';
import { readableJob } from '../operations/jobs.ts';
import { enterStream, HEARTBEAT_MS, MOST_BEHIND } from '../operations/streams.ts';
import type { Asking } from './context.ts';

// Server-sent events: of everything that the caller may read, or of one job until it is done.

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

function stream(asking: Asking, begin: Begin): Response {
  const {
    site: { world },
    request,
    drop,
  } = asking;
  const leave = enterStream(asking);
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
    new ByteLengthQueuingStrategy({ highWaterMark: MOST_BEHIND }),
  );
  const head = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  return new Response(body, { headers: head });
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

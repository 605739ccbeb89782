import { allows } from '../../../core/access/scope.ts';
import type { ServerEvent } from '../operations/event-hub.ts';
import { readableJob } from '../operations/jobs.ts';
import { enterStream, HEARTBEAT_MS } from '../operations/streams.ts';
import type { Asking } from './context.ts';
import { Lines, textOf } from './lines.ts';

const CHUNK = 16 * 1024;

// Server-sent events: of everything that the caller may read, or of one job until it is done.

export async function streamAll(asking: Asking): Promise<Response> {
  const { hub } = asking.site;
  const { scopes } = asking.caller;
  const isWanted = ({ service }: ServerEvent): boolean => allows(scopes, 'read', service);
  const last = lastIdOf(asking);
  return stream(asking, (send) => {
    const missed = last === undefined ? undefined : hub.since(last);
    if (missed === undefined) send(line('hello', {}, hub.lastId));
    else if ('resync' in missed) send(line('resync', { reason: missed.resync }, hub.lastId));
    const past = missed && 'events' in missed ? missed.events.filter(isWanted) : [];
    return { past, stop: hub.listen((one) => void (isWanted(one) && send(textOf(one)))) };
  });
}

export async function streamJob(asking: Asking): Promise<Response> {
  const { hub } = asking.site;
  const job = await readableJob(asking, asking.params.id ?? '');
  const last = lastIdOf(asking);
  return stream(asking, (send, close) => {
    const missed = last === undefined ? undefined : hub.since(last);
    const isOver = ({ event, data }: ServerEvent): boolean => event === 'job' && data.includes('"state":"done"');
    const past = missed && 'events' in missed ? missed.events.filter((one) => one.job === job.id) : [];
    // The whole job is one event, so that no client has to assemble it.
    if (!missed || 'resync' in missed) send(line('job', job, hub.lastId));
    if (job.state === 'done') close();
    const stop = hub.listen((one) => {
      if (one.job !== job.id) return;
      send(textOf(one));
      if (isOver(one)) close();
    });
    // It may have ended between its observation and the first event.
    void asking.site.world.book.find(job.id).then(
      (now) => {
        if (now?.state !== 'done') return;
        send(line('job', now, hub.lastId));
        close();
      },
      () => {},
    );
    return { past, stop };
  });
}

/** `past`: events that the client has missed; they are sent first, as fast as it reads, and take no memory of their own. */
type Begin = (
  send: (text: string) => void,
  close: () => void,
) => { readonly past: readonly ServerEvent[]; stop(): void };

function stream(asking: Asking, begin: Begin): Response {
  const {
    site: { world },
    request,
    drop,
  } = asking;
  const leave = enterStream(asking);
  let end = (): void => {};
  let pull = (): void => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const lines = new Lines(controller, () => {
          end();
          drop();
        });
        let stop = (): void => {};
        let isOver = false;
        const heartbeat = setInterval(() => lines.add(': \n\n'), HEARTBEAT_MS);
        end = (): void => {
          end = () => {};
          isOver = true;
          clearInterval(heartbeat);
          stop();
          leave();
          for (const one of [world.signal, request.signal]) one.removeEventListener('abort', close);
        };
        const close = (): void => {
          end();
          lines.end();
        };
        for (const one of [world.signal, request.signal]) one.addEventListener('abort', close);
        const begun = begin((text) => lines.add(text), close);
        stop = begun.stop;
        // A job that is done already has ended the stream.
        if (isOver) stop();
        pull = () => lines.pull();
        lines.begin(begun.past);
        if (world.signal.aborted) close();
      },
      pull: () => pull(),
      cancel: () => end(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: CHUNK }),
  );
  const head = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
  return new Response(body, { headers: head });
}

function lastIdOf({ request }: Asking): string | undefined {
  return request.headers.get('last-event-id') ?? undefined;
}

function line(event: string, data: unknown, id: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

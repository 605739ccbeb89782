import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { type JobEvent, JobEventSchema, ResyncSchema, StepEventSchema } from '#proto/swapctl/v1/roll_service_pb';
import { noSuchJob } from '../../../app/jobs/book.ts';
import type { Job, JobStep } from '../../../app/jobs/job.ts';
import { allows } from '../../../core/access/scope.ts';
import type { Asker } from '../operations/asker.ts';
import type { ServerEvent } from '../operations/event-hub.ts';
import { readableJob } from '../operations/jobs.ts';
import { enterStream, HEARTBEAT_MS, MOST_BEHIND } from '../operations/streams.ts';
import { WIRE } from './call.ts';
import { streamEnded } from './errors.ts';
import { jobMessage } from './job.ts';
import { messageFrom } from './message.ts';
import { Outbox } from './outbox.ts';

// Streams of events: of everything that the caller may read, or of one job until it is done.

type Context = Pick<HandlerContext, 'signal' | 'values'>;

/** Every event that the caller may read, from the next one on, or from that after an id on. */
export function watchAll(asker: Asker, context: Context, after: string | undefined): AsyncGenerator<JobEvent> {
  const { hub } = asker.site;
  const isWanted = ({ service }: ServerEvent): boolean => allows(asker.caller.scopes, 'read', service);
  return stream(asker, context, undefined, (send) => {
    const missed = after === undefined ? undefined : hub.since(after);
    if (missed === undefined)
      send(small(create(JobEventSchema, { id: hub.lastId, event: { case: 'hello', value: {} } })));
    else if ('resync' in missed) send(small(eventMessage(hub.lastId, resync(missed.resync))));
    const past = missed && 'events' in missed ? missed.events.filter(isWanted) : [];
    return { past, stop: hub.listen((one) => void (isWanted(one) && send(eventOf(one)))) };
  });
}

/** One job: first all that there is of it, or what came after an id, then every change until it is done. */
export async function* watchOne(asker: Asker, context: Context, id: string, after?: string): AsyncGenerator<JobEvent> {
  const { hub } = asker.site;
  const { id: known } = await readableJob(asker, id);
  yield* stream(asker, context, known, (send, close) => {
    const missed = after === undefined ? undefined : hub.since(after);
    const past = missed && 'events' in missed ? missed.events.filter(({ job }) => job === id) : undefined;
    const stop = hub.listen((one) => {
      if (one.job !== id) return;
      send(eventOf(one));
      if (isOver(one)) close();
    });
    // Listening comes first, so that no change falls between the job as it is now and its next event.
    void asker.site.world.book.find(id).then(
      (job = noSuchJob(id)) => {
        if (past === undefined) send({ message: jobEvent(hub.lastId, job), bytes: JSON.stringify(job).length });
        if (job.state === 'done') close();
      },
      () => close(),
    );
    return { past: past ?? [], stop };
  });
}

type Send = (sent: Sent) => void;
/** `past`: events that the client has missed; they are sent as fast as it reads, and take no memory of their own. */
type Begin = (send: Send, close: () => void) => { readonly past: readonly ServerEvent[]; stop(): void };

interface Sent {
  readonly message: JobEvent;
  readonly bytes: number;
}

async function* stream(
  asker: Asker,
  { signal, values }: Context,
  job: string | undefined,
  begin: Begin,
): AsyncGenerator<JobEvent> {
  const { world } = asker.site;
  const outbox = new Outbox<JobEvent>(MOST_BEHIND, () => {
    leave();
    values.get(WIRE).drop();
  });
  const left = enterStream(asker);
  const send: Send = ({ message, bytes }) => outbox.put(message, bytes);
  const timer = setInterval(() => send(small(heartbeat(world.now()))), HEARTBEAT_MS);
  let stop = (): void => {};
  // Also for a reader that is gone while a write waits for it: then nobody asks for the next message.
  let leave = (): void => {
    leave = () => {};
    clearInterval(timer);
    stop();
    left();
    outbox.end();
    for (const one of [signal, world.signal]) one.removeEventListener('abort', onAbort);
  };
  const onAbort = (): void => leave();
  for (const one of [signal, world.signal]) one.addEventListener('abort', onAbort);
  const begun = begin(send, () => outbox.end());
  stop = begun.stop;
  if (signal.aborted || world.signal.aborted) leave();
  try {
    for (const one of begun.past) yield eventOf(one).message;
    for (;;) {
      const next = await outbox.take();
      if (next === undefined) break;
      yield next;
    }
    explainEnd(signal, world.signal, job);
  } finally {
    leave();
  }
}

// A stream that ends early says so, and that its job goes on.
function explainEnd(call: AbortSignal, server: AbortSignal, job: string | undefined): void {
  if (server.aborted) throw ended(Code.Unavailable, 'this server is ending', job);
  if (!call.aborted) return;
  const isLate = call.reason instanceof ConnectError && call.reason.code === Code.DeadlineExceeded;
  if (isLate) throw ended(Code.DeadlineExceeded, 'the deadline of the call has passed', job);
  throw ended(Code.Canceled, 'the client has left', job);
}

function ended(code: Code, message: string, job: string | undefined): ConnectError {
  return job === undefined ? new ConnectError(message, code) : streamEnded(code, message, job);
}

function isOver({ event: kind, data }: ServerEvent): boolean {
  return kind === 'job' && (JSON.parse(data) as Job).state === 'done';
}

function eventOf({ id, event, data }: ServerEvent): Sent {
  const document = JSON.parse(data);
  const bytes = data.length + OVERHEAD;
  if (event === 'job') return { message: jobEvent(id, document), bytes };
  return {
    message: eventMessage(id, { case: 'step', value: messageFrom(StepEventSchema, document as StepDocument) }),
    bytes,
  };
}

interface StepDocument {
  readonly job: string;
  readonly service?: string;
  readonly step: JobStep;
}

const OVERHEAD = 100;

function small(message: JobEvent): Sent {
  return { message, bytes: OVERHEAD };
}

function resync(reason: 'restarted' | 'too-old'): JobEvent['event'] {
  return { case: 'resync', value: messageFrom(ResyncSchema, { reason }) };
}

function jobEvent(id: string, job: Job): JobEvent {
  return eventMessage(id, { case: 'job', value: jobMessage(job) });
}

function eventMessage(id: string, event: JobEvent['event']): JobEvent {
  return create(JobEventSchema, { id, event });
}

function heartbeat(at: number): JobEvent {
  return create(JobEventSchema, { event: { case: 'heartbeat', value: { at: timestampFromMs(at) } } });
}

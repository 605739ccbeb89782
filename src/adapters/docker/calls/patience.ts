import type Dockerode from 'dockerode';

/** For how long the engine's answers are waited for, in milliseconds. */
export interface Patience {
  /** What only reads. */
  readonly read: number;
  /** Create, start, rename, remove and their like; a stop gets the container's own time on top of it. */
  readonly change: number;
  /** Between two pieces of what comes little by little: the progress of a pull, the rest of an answer. */
  readonly idle: number;
}

/**
 * A busy engine takes seconds where it mostly takes milliseconds, and a start waits for volumes and networks of the plugins:
 * none of these is to be cut off, only what does not answer any more at all.
 */
export const PATIENCE: Patience = { read: 30_000, change: 120_000, idle: 300_000 };

// What setTimeout can count to.
const LONGEST_MS = 2 ** 31 - 1;

interface Call {
  readonly isStream?: boolean;
  readonly abortSignal?: AbortSignal;
}

type Done = (error: unknown, answer: unknown) => void;

/**
 * The same dockerode, whose answers have to begin within a time (Infinity: whenever) and to go on coming. docker-modem has no
 * limit that ends a call with an error, and waits for ever for the rest of an answer whose connection breaks in the middle: so
 * every answer is taken as a stream and read here. Raises errors with the code ETIMEDOUT or ECONNRESET.
 */
export function limited(docker: Dockerode, limitMs: number, idleMs: number): Dockerode {
  const modem = Object.create(docker.modem) as { dial(call: Call, done: Done): void };
  modem.dial = (call, done) => {
    const late = new AbortController();
    const timer = limitMs === Infinity ? undefined : setTimeout(() => late.abort(), Math.min(limitMs, LONGEST_MS));
    const end: Done = (error, answer) => {
      clearTimeout(timer);
      done(late.signal.aborted ? tooLate(limitMs) : error, answer);
    };
    const told = once(end);
    late.signal.addEventListener('abort', () => told(undefined, null));
    const abortSignal = call.abortSignal ? AbortSignal.any([call.abortSignal, late.signal]) : late.signal;
    docker.modem.dial({ ...call, isStream: true, abortSignal } as never, (error: unknown, answer: unknown) => {
      if (error || call.isStream) return told(error, answer);
      clearTimeout(timer);
      bodyOf(answer as Streamed, idleMs).then(
        (body) => told(null, body),
        (broken) => told(broken, null),
      );
    });
  };
  const Same = docker.constructor as new (options: { modem: unknown }) => Dockerode;
  return new Same({ modem });
}

/** The pieces of a stream, each of which has to come within a time after the one before. */
export async function* flowing(stream: Streamed, idleMs: number): AsyncGenerator<Buffer> {
  const timer = setTimeout(() => stream.destroy(tooLate(idleMs)), Math.min(idleMs, LONGEST_MS));
  try {
    for await (const chunk of stream) {
      timer.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** What dockerode calls a stream: an answer as it comes. */
export type Streamed = AsyncIterable<Buffer> & { destroy(error?: Error): unknown };

// As docker-modem has it: an object, or the bytes of what is no JSON.
async function bodyOf(answer: Streamed, idleMs: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of flowing(answer, idleMs)) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  try {
    return JSON.parse(body.toString()) || body;
  } catch {
    return body;
  }
}

function tooLate(ms: number): Error {
  return Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: 'ETIMEDOUT' });
}

function once(done: Done): Done {
  let over = false;
  return (error, answer) => {
    if (over) return;
    over = true;
    done(error, answer);
  };
}

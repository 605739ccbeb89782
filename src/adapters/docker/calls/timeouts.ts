import type Dockerode from 'dockerode';

/** The time limits for the engine's answers, in milliseconds. */
export interface Timeouts {
  /** For reads. */
  readonly read: number;
  /** For create, start, rename, remove and the like; a stop gets the container's own time in addition. */
  readonly change: number;
  /** Between two pieces of a stream: the progress of a pull, the rest of an answer. */
  readonly idle: number;
}

/**
 * A busy engine takes seconds instead of milliseconds, and a start waits for the plugins' volumes and networks: the limits must
 * catch only an engine that does not answer at all.
 */
export const TIMEOUTS: Timeouts = { read: 30_000, change: 120_000, idle: 300_000 };

// The maximum of setTimeout.
const LONGEST_MS = 2 ** 31 - 1;

interface Call {
  readonly isStream?: boolean;
  readonly abortSignal?: AbortSignal;
}

type Done = (error: unknown, answer: unknown) => void;

/**
 * The same dockerode with limits: answers have to begin within a time (Infinity: no limit) and to keep coming. docker-modem has
 * no limit that ends a call with an error, and waits for ever if a connection breaks in the middle of an answer: so every answer
 * is read as a stream here. Raises errors with the code ETIMEDOUT or ECONNRESET.
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

/** The pieces of a stream, with a time limit between two of them. */
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

/** dockerode's stream: an answer as it comes. */
export type Streamed = AsyncIterable<Buffer> & { destroy(error?: Error): unknown };

// In docker-modem's form: an object, or bytes if it is not JSON.
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

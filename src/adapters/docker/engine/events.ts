import { constants } from 'node:os';
import type Dockerode from 'dockerode';
import type { EngineEvent } from '../../../core/model/event.ts';
import { engineError, orUndefined } from '../calls/error.ts';
import { jsonLines } from '../calls/ndjson.ts';
import type { Endpoint } from '../connect/endpoint.ts';

// Health checks and execs make many more, and change nothing about what there is.
const TELLING = ['create', 'start', 'die', 'destroy', 'rename', 'update', 'pause', 'unpause'];
// A build, an import and a commit end with a tag, by the classic builder and by BuildKit, from 20.10 to 28, in both image
// stores; `docker load` does not (tried on 20.10, 26.1 and 28.5).
const NAMING = ['tag', 'load', 'pull'];

/**
 * What happens to containers, and which images get a name, from an instant (nanoseconds of the engine's clock) on, as it happens. Ends when the engine or
 * a proxy in between closes the stream, and when the signal aborts. Raises EngineError.
 */
export async function* events(
  docker: Dockerode,
  endpoint: Endpoint,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const filters = JSON.stringify({ type: ['container', 'image'], event: [...TELLING, ...NAMING] });
  try {
    const options = { since: seconds(since), filters, abortSignal: signal };
    const stream: unknown = await docker.getEvents(options as object);
    for await (const line of jsonLines(stream as AsyncIterable<Buffer>)) yield* decoded(line);
  } catch (error) {
    if (!signal.aborted) throw engineError(endpoint, error);
  }
}

// Apps take these for a request to read their settings again, and the like: hooks send them, too.
const REQUESTS = (['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const).map(
  (name) => constants.signals[name],
);
// The exit status of a process that a signal has ended is this, and the signal's number.
const ENDED_BY_SIGNAL = 128;

/**
 * Whether the engine tells of a stop or kill of a container that is down, or gone: one that ends by itself only dies, even if it was
 * sent a signal that asks for something else before. Undefined where it does not even tell of its end: then it has come down with the
 * engine's daemon, which forgets all when it is restarted.
 */
export async function wasStopped(docker: Dockerode, id: string, podman = false): Promise<boolean | undefined> {
  const [since, until] = (await lifetime(docker, id)).map((ms) => ms / 1000);
  const filters = JSON.stringify({ container: [id], event: ['kill', 'stop', podman ? 'died' : 'die'] });
  // Podman (4.3) tells nothing of a past that ends at an instant, but all of it where it is asked for no more than that.
  const past = podman ? { since, stream: false } : { since, until };
  const stream: unknown = await docker.getEvents({ ...past, filters } as object);
  const requests: number[] = [];
  let ended: boolean | undefined;
  for await (const line of jsonLines(stream as AsyncIterable<Buffer>)) {
    const { signal, exitCode } = attributesOf(line);
    const isRequest = line.Action === 'kill' && REQUESTS.includes(Number(signal));
    if (isRequest) requests.push(Number(signal));
    else if (line.Action !== 'die') return true;
    else ended ||= requests.some((request) => Number(exitCode) === ENDED_BY_SIGNAL + request);
  }
  return ended;
}

/** The exit status of the last run of a container that ended: once a next one has begun, only the events still tell it. */
export async function lastExit(docker: Dockerode, id: string, podman = false): Promise<number | undefined> {
  const { SystemTime } = (await docker.info()) as { SystemTime: string };
  const until = (Date.parse(SystemTime) + WORD_MS) / 1000;
  const filters = JSON.stringify({ container: [id], event: [podman ? 'died' : 'die'] });
  const past = podman ? { since: 1, stream: false } : { since: 1, until };
  const stream: unknown = await docker.getEvents({ ...past, filters } as object);
  let last: number | undefined;
  for await (const line of jsonLines(stream as AsyncIterable<Buffer>)) {
    const { exitCode, containerExitCode } = attributesOf(line);
    const status = Number.parseInt(exitCode ?? containerExitCode ?? '', 10);
    last = Number.isNaN(status) ? undefined : status;
  }
  return last;
}

function attributesOf({ Actor }: Record<string, unknown>): Record<string, string | undefined> {
  return (Actor as { Attributes?: Record<string, string> } | undefined)?.Attributes ?? {};
}

/**
 * Whether a running container was sent its stop signal, or SIGKILL, within the time that it has to stop: a stop that is under way
 * shows in nothing else, and a signal of longer ago was not the beginning of one. Podman (4.3) does not name the signal.
 */
export async function isStopping(docker: Dockerode, id: string): Promise<boolean> {
  const found = await orUndefined(() => docker.getContainer(id).inspect());
  if (!found?.State.Running) return false;
  const { StopSignal = 'SIGTERM', StopTimeout } = found.Config as { StopSignal?: string; StopTimeout?: number };
  const stopping = new Set([signalNumber(StopSignal), constants.signals.SIGKILL]);
  const { SystemTime } = (await docker.info()) as { SystemTime: string };
  const until = Date.parse(SystemTime) / 1000;
  const since = Math.max(Date.parse(found.State.StartedAt) / 1000, until - stopSeconds(StopTimeout));
  const filters = JSON.stringify({ container: [found.Id], event: ['kill'] });
  const stream: unknown = await docker.getEvents({ since, until, filters } as object);
  for await (const line of jsonLines(stream as AsyncIterable<Buffer>))
    if (stopping.has(Number(attributesOf(line).signal))) return true;
  return false;
}

const DEFAULT_STOP_S = 10;
// A busy engine is late with SIGKILL, and the process with its end.
const LATE_S = 30;
const FOR_EVER_S = 86_400;

function stopSeconds(timeout: number | null | undefined): number {
  return (timeout ?? DEFAULT_STOP_S) < 0 ? FOR_EVER_S : (timeout ?? DEFAULT_STOP_S) + LATE_S;
}

// Real-time signals have no names of their own in Node; systemd in a container is stopped by SIGRTMIN+3.
const REAL_TIME = { MIN: 34, MAX: 64 } as const;

/** The number of a signal, by its name with or without SIG; undefined for a name that Linux does not have. */
export function signalNumber(signal: string): number | undefined {
  const name = signal.toUpperCase().replace(/^SIG/, '');
  const [, end, distance = '0'] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(name) ?? [];
  if (end === 'MIN' || end === 'MAX') return REAL_TIME[end] + Number(distance);
  return Number(name) || constants.signals[`SIG${name}` as NodeJS.Signals];
}

const WORD_MS = 1000;

// By the engine's own clock; its word of a stop comes just after the end. What it tells up to an instant ends then.
async function lifetime(docker: Dockerode, id: string): Promise<[since: number, until: number]> {
  const found = await orUndefined(() => docker.getContainer(id).inspect());
  if (found) return [Date.parse(found.State.StartedAt), Date.parse(found.State.FinishedAt) + WORD_MS];
  const { SystemTime } = (await docker.info()) as { SystemTime: string };
  // All that it remembers; 0 would mean nothing of the past.
  return [1000, Date.parse(SystemTime) + WORD_MS];
}

// The engine reads seconds with a fraction of nanoseconds.
function seconds(nano: number): string {
  const whole = Math.floor(nano / 1e9);
  return `${whole}.${String(Math.floor(nano - whole * 1e9)).padStart(9, '0')}`;
}

// From API 1.52 on there is only what is said of the actor.
function* decoded(line: Record<string, unknown>): Generator<EngineEvent> {
  const { ID: id, Attributes } = (line.Actor ?? {}) as { ID?: unknown; Attributes?: { name?: unknown } };
  const { timeNano, Type: type, Action: action } = line;
  if (typeof timeNano !== 'number' || typeof id !== 'string' || typeof action !== 'string') return;
  if (type !== 'image') yield { kind: 'container', timeNano, id, action };
  else if (NAMING.includes(action))
    yield { kind: 'image', timeNano, id, action, reference: nameIn(action, id, Attributes?.name) };
}

function nameIn(action: string, id: string, name: unknown): string | undefined {
  if (action === 'pull') return id;
  return action === 'tag' && typeof name === 'string' ? name : undefined;
}

import { constants } from 'node:os';
import type Dockerode from 'dockerode';
import type { EngineEvent } from '../../../core/model/event.ts';
import { engineError, orUndefined } from '../calls/error.ts';
import { jsonLines } from '../calls/ndjson.ts';
import type { Endpoint } from '../connect/endpoint.ts';

// Health checks and execs cause many more events, which change no container.
const TELLING = ['create', 'start', 'die', 'destroy', 'rename', 'update', 'pause', 'unpause'];
// A build, an import and a commit end with a tag, by the classic builder and by BuildKit, from 20.10 to 28, in both image stores;
// `docker load` does not (tried on 20.10, 26.1 and 28.5).
const NAMING = ['tag', 'load', 'pull'];

/**
 * Events of containers and local image events, from an instant (nanoseconds of the engine's clock) on, as they happen. Ends when
 * the engine or a proxy in between closes the stream, and when the signal aborts. Raises EngineError.
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

// Apps take these as a request, such as to reload their settings: hooks send them, too.
const REQUESTS = (['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const).map(
  (name) => constants.signals[name],
);
// The exit status of a process that a signal ended is this plus the signal's number.
const ENDED_BY_SIGNAL = 128;

/**
 * True: the engine's events show a stop or kill of a container that is down, or gone: a container that ends by itself only dies,
 * even after an earlier signal with another meaning. Undefined if not even its end is among the events: then it came down with
 * the engine's daemon, which forgets all events when it restarts.
 */
export async function wasStopped(docker: Dockerode, id: string, podman = false): Promise<boolean | undefined> {
  const [since, until] = (await lifetime(docker, id)).map((ms) => ms / 1000);
  const filters = JSON.stringify({ container: [id], event: ['kill', 'stop', podman ? 'died' : 'die'] });
  // Podman (4.3) shows no past events up to an instant, but all of them without an end.
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

/** The exit status of the last ended run of a container: once the next one has begun, only the events still show it. */
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
 * True: a running container got its stop signal, or SIGKILL, within its stop time: only that shows a stop in progress, and an
 * older signal was not the start of one. Podman (4.3) does not name the signal.
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
// A busy engine is late with SIGKILL, and the process ends late.
const LATE_S = 30;
const FOR_EVER_S = 86_400;

function stopSeconds(timeout: number | null | undefined): number {
  return (timeout ?? DEFAULT_STOP_S) < 0 ? FOR_EVER_S : (timeout ?? DEFAULT_STOP_S) + LATE_S;
}

// Node has no names for real-time signals; SIGRTMIN+3 stops systemd in a container.
const REAL_TIME = { MIN: 34, MAX: 64 } as const;

/** The number of a signal, by its name with or without SIG; undefined for a name that Linux does not have. */
export function signalNumber(signal: string): number | undefined {
  const name = signal.toUpperCase().replace(/^SIG/, '');
  const [, end, distance = '0'] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(name) ?? [];
  if (end === 'MIN' || end === 'MAX') return REAL_TIME[end] + Number(distance);
  return Number(name) || constants.signals[`SIG${name}` as NodeJS.Signals];
}

const WORD_MS = 1000;

// By the engine's own clock; its stop event comes just after the end. A query with an end instant ends there.
async function lifetime(docker: Dockerode, id: string): Promise<[since: number, until: number]> {
  const found = await orUndefined(() => docker.getContainer(id).inspect());
  if (found) return [Date.parse(found.State.StartedAt), Date.parse(found.State.FinishedAt) + WORD_MS];
  const { SystemTime } = (await docker.info()) as { SystemTime: string };
  // All remembered events; 0 would mean none of the past.
  return [1000, Date.parse(SystemTime) + WORD_MS];
}

// The engine reads seconds with a fraction of nanoseconds.
function seconds(nano: number): string {
  const whole = Math.floor(nano / 1e9);
  return `${whole}.${String(Math.floor(nano - whole * 1e9)).padStart(9, '0')}`;
}

// From API 1.52 on, there are only the fields of the actor.
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

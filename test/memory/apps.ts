// The behaviour over time of programs in images.
import { type Box, isUp, type Machine } from './machine.ts';

/** A program, by its visible behaviour. Times count from its start. */
export interface App {
  /** The time of its first answer; Infinity: never. */
  readonly readyMs: number;
  /** The time and exit code of its own end. */
  readonly ends?: { readonly afterMs: number; readonly code: number };
  /** The time at which it stops answering, while it keeps running. */
  readonly sickMs?: number;
  /** The time from its stop signal to its end; Infinity: it ignores the signal. */
  readonly stopMs: number;
  /** Its exit code after the stop signal. */
  readonly stopCode: number;
  /** The TCP ports on which it listens once it answers; by default those that its image exposes. */
  readonly listens?: readonly number[];
  /** The exit code with which it ends on SIGHUP; by default it continues. */
  readonly reloadCode?: number;
  /** Its image has no such program: it can't be started. */
  readonly missing?: boolean;
  /** Text for its volumes at every start. */
  readonly writes?: string;
  /** Its first output. */
  readonly prints?: readonly string[];
  /** Other programs of the image, by the first word of a container's command. */
  readonly commands?: Readonly<Record<string, App>>;
}

/** The program that a container of an image runs. */
export function programFor(app: App, command: readonly string[] | null | undefined): App {
  return app.commands?.[command?.[0] ?? ''] ?? app;
}

/** Answers after a while, and ends normally on its stop signal. */
export const SOUND: App = { readyMs: 120, stopMs: 30, stopCode: 0 };
/** Runs until its stop signal, without requests. */
export const IDLE: App = { readyMs: 0, stopMs: 5, stopCode: 0 };

/** True: the program of the container answers at that instant. */
export function answersAt(box: Box, at: number): boolean {
  if (box.status !== 'running') return false;
  const age = at - box.startedAt;
  return age >= box.app.readyMs && age < (box.app.sickMs ?? Infinity) && at < box.sickSince;
}

/** The TCP ports on which a container listens at an instant. */
export function listensAt({ status, startedAt, app, image }: Box, at: number): readonly number[] {
  if (status !== 'running' || at - startedAt < app.readyMs) return [];
  return app.listens ?? Object.keys(image.config.ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10));
}

const NS_PER_MS = 1e6;
const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_RETRIES = 3;

/** The present result of the engine's own health checks; undefined without any. */
export function healthOf(box: Box, now: number): Box['health'] | undefined {
  const check = box.config.Healthcheck;
  const [kind] = check?.Test ?? [];
  if (!check || kind === undefined || kind === 'NONE' || box.startedAt === 0) return undefined;
  const intervalMs = (check.Interval || DEFAULT_INTERVAL_MS * NS_PER_MS) / NS_PER_MS;
  const retries = check.Retries || DEFAULT_RETRIES;
  const until = isUp(box) ? now : box.finishedAt;
  for (let next = nextProbe(box, intervalMs); next <= until; next = nextProbe(box, intervalMs)) {
    const ok = check.Test?.at(-1) !== 'false' && wasAnswering(box, next);
    const counts = next - box.startedAt >= (check.StartPeriod ?? 0) / NS_PER_MS;
    note(box.health, ok, counts, retries);
  }
  return box.health;
}

function nextProbe({ startedAt, health }: Box, intervalMs: number): number {
  return startedAt + (health.probes + 1) * intervalMs;
}

function wasAnswering(box: Box, at: number): boolean {
  const age = at - box.startedAt;
  return age >= box.app.readyMs && age < (box.app.sickMs ?? Infinity) && at < box.sickSince;
}

function note(health: Box['health'], ok: boolean, counts: boolean, retries: number): void {
  health.probes++;
  health.log = [...health.log.slice(-4), { exitCode: ok ? 0 : 1, output: ok ? '' : 'no answer' }];
  health.failures = ok ? 0 : health.failures + (counts ? 1 : 0);
  if (ok) health.status = 'healthy';
  else if (health.failures >= retries) health.status = 'unhealthy';
}

/** Health at a start. */
export function freshHealth(): Box['health'] {
  return { probes: 0, failures: 0, status: 'starting', log: [] };
}

/** Runs a command inside: a few known ones have effects, any other asks if the program answers. */
export function commandIn(
  machine: Machine,
  box: Box,
  command: readonly string[],
): { exitCode: number; output: string } {
  const text = command.at(-1) ?? '';
  const [, code] = /\bexit (\d+)/.exec(text) ?? [];
  const [, said] = /\becho (\w+)/.exec(text) ?? [];
  if (code !== undefined || said !== undefined) return { exitCode: Number(code ?? 0), output: said ? `${said}\n` : '' };
  if (command[0] === 'df') return { exitCode: 127, output: 'no such program' };
  if (text === 'true' || text === 'false') return { exitCode: text === 'true' ? 0 : 1, output: '' };
  const ok = answersAt(box, machine.clock.now());
  return { exitCode: ok ? 0 : 1, output: ok ? 'ok' : 'no answer' };
}

// Replaces containers under load, and says what the clients met with.
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../../test/lab/world.ts';
import { type Clients, startClients, type Window } from './clients.ts';
import { type Events, type Happened, watchEvents } from './events.ts';

/** A service that answers. */
export interface Subject {
  readonly world: World;
  /** Where clients ask. */
  readonly url: string;
  /** The containers of the service that run. */
  ids(): Promise<string[]>;
}

export interface Measured extends Window {
  /** From the start of the command to the first answer of the new version, and to the end of the last old container. */
  readonly switchedMs: number | undefined;
  readonly retiredMs: number | undefined;
  readonly commandMs: number;
  /** When the command began, in ms since 1970. */
  readonly began: number;
  readonly happened: readonly Happened[];
}

/** A command that reports its progress line by line. */
export type Command = (told: (line: string) => void) => Promise<void>;

/** Measures a command under a name. */
export type Measure = (name: string, command: Command) => Promise<void>;

// Good answers of each client before the first command.
const BEFORE = 50;
/** Of load after a command: longer than any of the proxies waits before it obeys an event. */
export const AFTER_MS = 4000;
// The version that answers just now is the old one.
const JUST_MS = 1000;
const VERDICT_MS = 60_000;

/** `work` measures one command after the other, all under the same load; resolves to what was measured under each name. */
export async function underLoad(
  subject: Subject,
  work: (measure: Measure) => Promise<void>,
): Promise<Record<string, Measured[]>> {
  const events = await watchEvents(subject.world);
  const clients = startClients(subject.url);
  const made: { readonly name: string; readonly look: () => Measured }[] = [];
  try {
    await clients.until(BEFORE);
    await work(
      async (name, command) => void made.push({ name, look: await measured(subject, clients, events, command) }),
    );
  } finally {
    await clients.stop();
  }
  const result: Record<string, Measured[]> = {};
  for (const { name, look } of made) result[name] = [...(result[name] ?? []), look()];
  return result;
}

/** Resolves to a function for later: some requests of this time are answered, or given up, only after it. */
async function measured(subject: Subject, clients: Clients, events: Events, command: Command): Promise<() => Measured> {
  const prefix = `${subject.world.prefix}-`;
  const before = await subject.ids();
  const old = [...clients.window(Date.now() - JUST_MS, Date.now()).versions.keys()];
  const lines: Happened[] = [];
  const began = Date.now();
  await command((line) => lines.push({ at: Date.now(), what: line }));
  const commandMs = Date.now() - began;
  await untilVerdict(subject.world, await subject.ids());
  await sleep(AFTER_MS);
  const ended = Date.now();
  return () => {
    const window = clients.window(began, ended);
    const since = (at: number | undefined) => (at === undefined ? undefined : at - began);
    const happened = [...lines, ...events.all].filter(({ at }) => at >= began && at <= ended);
    return {
      ...window,
      switchedMs: since(firstOfNew(window, old)),
      retiredMs: since(events.endOf(before)),
      commandMs,
      began,
      happened: happened.map(({ at, what }) => ({ at, what: what.replaceAll(prefix, '') })),
    };
  };
}

function firstOfNew({ versions }: Window, old: readonly string[]): number | undefined {
  const firsts = [...versions].filter(([version]) => !old.includes(version)).map(([, { first }]) => first);
  return firsts.length > 0 ? Math.min(...firsts) : undefined;
}

/** Until the engine has a verdict on them: clients of a proxy that waits for it see the end of a roll only then. */
async function untilVerdict({ docker }: World, ids: readonly string[]): Promise<void> {
  const deadline = Date.now() + VERDICT_MS;
  const starting = async (id: string) => (await docker.getContainer(id).inspect()).State.Health?.Status === 'starting';
  for (const id of ids) while ((await starting(id)) && Date.now() < deadline) await sleep(100);
}

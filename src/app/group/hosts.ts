import type { GroupAnswer, HostAnswer } from '../../core/group/report.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { App } from '../app.ts';
import { reportedError } from '../report/reported.ts';
import type { GroupWorld, OpenHost } from './world.ts';

/** A host that can't be reached. */
export interface AwayHost {
  readonly host: string;
  readonly error: ReportedError;
}

/** The hosts of a group, each connected at most once. */
export interface Hosts {
  readonly open: readonly OpenHost[];
  readonly away: readonly AwayHost[];
}

/** Connections to the hosts of a group, opened when the first is needed. */
export class Connections {
  readonly #world: GroupWorld;
  readonly #closers: (() => void)[] = [];
  #hosts: Promise<Hosts> | undefined;

  constructor(world: GroupWorld) {
    this.#world = world;
  }

  /** Connects to all hosts at the same time. Raises everything except for `engine-unreachable`. */
  all(): Promise<Hosts> {
    this.#hosts ??= this.#connect();
    return this.#hosts;
  }

  /** The same, and connects again to the hosts that were away before. */
  async again(): Promise<Hosts> {
    const before = await this.forChange().catch(() => undefined);
    if (before && before.away.length === 0) return before;
    this.close();
    this.#hosts = undefined;
    return this.forChange();
  }

  /** The same for a change: raises `engine-unreachable` for a host that is away, unless it may be skipped. */
  async forChange(): Promise<Hosts> {
    const hosts = await this.all();
    const { skipUnreachable } = this.#world;
    const [first] = hosts.away;
    if (!first || (skipUnreachable && hosts.open.length > 0)) return hosts;
    const names = hosts.away.map(({ host }) => host).join(', ');
    return fail('engine-unreachable', `${names} can't be reached: ${first.error.message}`, {
      hint: 'nothing was touched; --skip-unreachable goes on without hosts that cannot be reached',
    });
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }

  async #connect(): Promise<Hosts> {
    const { group } = this.#world;
    const found = await Promise.all(group.hosts.map((host) => this.#reach(host)));
    const open = found.flatMap((one) => ('app' in one ? [one] : []));
    const away = found.flatMap((one) => ('app' in one ? [] : [one]));
    refuseSameEngine(open);
    return { open, away };
  }

  // A host that cannot list its containers counts as away: nothing would show that it is another one's engine.
  async #reach(host: string): Promise<ListedHost | AwayHost> {
    try {
      const { app, close } = await this.#world.open(host);
      this.#closers.push(close);
      return { host, app, containers: await app.held.containers() };
    } catch (raised) {
      if (raised instanceof SwapError && raised.code !== 'engine-unreachable')
        throw new SwapError(raised.code, `${host}: ${raised.message}`, {
          ...(raised.hint === undefined ? {} : { hint: raised.hint }),
          cause: raised,
        });
      return { host, error: reportedError(raised) };
    }
  }
}

interface ListedHost extends OpenHost {
  readonly containers: readonly string[];
}

// It would be locked twice, and the second time find itself busy. The id of an engine proves nothing: cloned machines share it.
function refuseSameEngine(open: readonly ListedHost[]): void {
  const known = new Map<string, string>();
  for (const { host, containers } of open)
    for (const id of containers) {
      const other = known.get(id);
      if (other !== undefined)
        fail('config', `${other} and ${host} are the same engine`, { hint: 'name it only once under hosts' });
      known.set(id, host);
    }
}

/** Asks every host of a group the same question; the error of a host is in its answer. */
export async function askAll<T>(
  { group }: Pick<GroupWorld, 'group'>,
  { open, away }: Hosts,
  question: (app: App, host: string) => Promise<T>,
): Promise<GroupAnswer<T>> {
  const answers = await Promise.all(
    open.map(async ({ host, app }): Promise<HostAnswer<T>> => {
      try {
        return { host, report: await question(app, host) };
      } catch (raised) {
        return { host, error: reportedError(raised) };
      }
    }),
  );
  const all: HostAnswer<T>[] = [...answers, ...away];
  const ordered = group.hosts.flatMap((host) => all.filter((answer) => answer.host === host));
  return { group: group.name, hosts: ordered };
}

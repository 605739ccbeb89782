import type { Schedule } from '../../core/update/schedule.ts';
import type { ScheduledCheck } from '../../core/update/update.ts';

/** Services by their next check: those of the same schedule are checked together, so that they share requests. */
export interface Timetable {
  /**
   * Takes over the present services. A service with a new schedule is checked soon; one with a known schedule together with the
   * others.
   */
  refresh(scheduled: readonly ScheduledCheck[], now: number): Promise<void>;
  /** The due services, with all their dependencies among the others: a failure there must be known first. */
  due(now: number): ReadonlySet<string>;
  everything(): ReadonlySet<string>;
  /** Records the check. `away`: the registry was out of reach, so the pause grows. */
  checked(services: ReadonlySet<string>, away: boolean, now: number): Promise<void>;
  /** The time of the next check; undefined: never. */
  next(): number | undefined;
}

export type NextCheck = (schedule: Schedule, after: number, dice: number) => Promise<number | undefined>;

interface Group {
  readonly schedule: Schedule;
  members: string[];
  next: number | undefined;
  /** The number of consecutive checks with the registry out of reach. */
  misses: number;
}

const FIRST_WAIT_MS = 15_000;
const LONGEST_WAIT_MS = 15 * 60_000;

export function timetable(nextCheck: NextCheck, dice: () => number): Timetable {
  let groups = new Map<string, Group>();
  let dependencies = new Map<string, readonly string[]>();
  const everything = (): ReadonlySet<string> => new Set(dependencies.keys());
  return {
    everything,
    refresh: async (scheduled, now) => {
      const open = scheduled.flatMap((one) => (one.line ? [] : [one]));
      const before = groups;
      groups = new Map();
      for (const { service, schedule } of open) {
        const key = JSON.stringify(schedule);
        const group = groups.get(key) ?? before.get(key);
        if (group && groups.has(key)) group.members.push(service);
        else groups.set(key, group ? { ...group, members: [service] } : await newGroup(schedule, service, now));
      }
      dependencies = new Map(open.map(({ service, dependsOn }) => [service, dependsOn]));
    },
    due: (now) => {
      const due = [...groups.values()].filter(({ next }) => next !== undefined && next <= now);
      const members = due.flatMap((group) => group.members);
      const before = members.flatMap((service) => dependencies.get(service) ?? []);
      return new Set([...members, ...before.filter((service) => dependencies.has(service))]);
    },
    checked: async (services, away, now) => {
      for (const group of groups.values()) {
        if (!group.members.every((service) => services.has(service))) continue;
        group.misses = away ? group.misses + 1 : 0;
        const next = await nextCheck(group.schedule, now, dice());
        const wait = away ? Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (group.misses - 1)) : 0;
        group.next = next === undefined ? undefined : Math.max(next, now + wait);
      }
    },
    next: () => {
      const times = [...groups.values()].flatMap(({ next }) => (next === undefined ? [] : [next]));
      return times.length > 0 ? Math.min(...times) : undefined;
    },
  };

  async function newGroup(schedule: Schedule, service: string, now: number): Promise<Group> {
    const soon = now + Math.floor(dice() * schedule.jitterMs);
    const next = schedule.kind === 'every' ? soon : await nextCheck(schedule, now, dice());
    return { schedule, members: [service], next, misses: 0 };
  }
}

// All cells: for each setup the undisturbed run, and at each of its calls all possible faults.
import type { CallMade, Death, Failure } from '../memory/process.ts';
import { type Cell, courseOf, type Recovery, type Trouble } from './cell.ts';
import { type ActionName, possibleActions } from './people.ts';
import { SETUP_NAMES, SETUPS, type SetupName } from './setups.ts';
import type { Stage } from './stage.ts';

const DEATHS: readonly Death[] = ['before', 'after', 'answer lost'];
const RECOVERIES: readonly Recovery[] = ['recover', 'roll', 'waiting'];
const OUTAGES = [
  { going: 'stopped', liveRestore: false },
  { going: 'killed', liveRestore: false },
  { going: 'stopped', liveRestore: true },
  { going: 'killed', liveRestore: true },
] as const;

/** Containers that the engine restarts with its daemon, unchanged. */
const OUTAGE_SETUPS: ReadonlySet<SetupName> = new Set<SetupName>([
  'start-first',
  'stop-first',
  'rehearsed',
  'handover',
  'scaled',
  'update',
  'copied',
]);

/** Every fault in a setup, at every call. */
export async function cellsOf(setup: SetupName): Promise<Cell[]> {
  const possible: ActionName[][] = [];
  const machines: string[] = [];
  const calls = await courseOf(SETUPS[setup], (stage) => {
    possible.push(possibleActions(stage));
    machines.push(standOf(stage));
  });
  const moments = momentsOf(calls, machines);
  return calls.flatMap((call, before) => {
    const at = before + 1;
    const actions = isMoment(call, calls[before - 1], at) ? people(setup, possible[before] ?? [], at) : [];
    return [...kills(call, at), ...faults(call, at), ...actions].map((trouble) => {
      const leaves = leavesOf(trouble, moments[before] ?? 0);
      return leaves === undefined ? { setup, trouble } : { setup, trouble, leaves: `${setup}, ${leaves}` };
    });
  });
}

// The state that can change between reads: alarms, and the counter of ids.
function standOf({ machine, place }: Stage): string {
  return [machine.clock.stirred(), machine.version, machine.count, place.count].join(' ');
}

/** For each call its moment: between calls of one moment nothing has changed, and no time has passed. */
function momentsOf(calls: readonly CallMade[], machines: readonly string[]): number[] {
  let moment = 0;
  return calls.map((_, at) => {
    if (at > 0 && (calls[at - 1]?.changes || machines[at] !== machines[at - 1])) moment++;
    return moment;
  });
}

// The process's knowledge dies with it, so of the reads of one moment only the machine remains.
function leavesOf(trouble: Trouble, moment: number): string | undefined {
  return trouble.kind === 'kill' && trouble.when === 'before' ? `killed at moment ${moment}, ${trouble.by}` : undefined;
}

// A read changes nothing, so its answer makes no difference after a death.
function kills({ changes }: CallMade, at: number): Trouble[] {
  const deaths = changes ? DEATHS : (['before'] as const);
  return deaths.map((when, nth) => ({
    kind: 'kill',
    at,
    when,
    by: RECOVERIES[(at + nth) % RECOVERIES.length] ?? 'recover',
  }));
}

/** The possible faults of a call in the loop's view: the adapter repeats reads, and answers a 404 with "none". */
export function failuresOf({ what, changes }: CallMade): readonly Failure[] {
  if (!what.startsWith('engine.')) return [500, 'answer lost', 'timeout'];
  if (!changes) return [500, 'cut before', 'timeout'];
  if (/\.(remove|stop|untag|removeVolume)$/.test(what)) return [409, 500, 'cut before', 'answer lost', 'timeout'];
  if (/\.(create|createVolume)$/.test(what))
    return [404, 409, 500, 'cut before', 'answer lost', 'timeout', 'disk full'];
  return [404, 409, 500, 'cut before', 'answer lost', 'timeout'];
}

function faults(call: CallMade, at: number): Trouble[] {
  return failuresOf(call).map((how) => ({ kind: 'fault', at, how }));
}

// An action between two reads looks like one after the second.
function isMoment(call: CallMade, last: CallMade | undefined, at: number): boolean {
  return call.changes || last?.changes === true || at % 4 === 1;
}

function people(setup: SetupName, possible: readonly ActionName[], at: number): Trouble[] {
  const actions = possible.map((action): Trouble => ({ kind: 'person', at, action }));
  const outages = OUTAGE_SETUPS.has(setup) ? OUTAGES : [];
  return [...actions, ...outages.map((one): Trouble => ({ kind: 'daemon', at, ...one })), { kind: 'interrupt', at }];
}

/** A sample, chosen by a seed: first one of each class (a setup, a call and a kind of fault), then others, evenly. */
export function sampleOf(cells: readonly Cell[], most: number, seed = 0): Cell[] {
  if (cells.length <= most) return [...cells];
  const ranked = cells.map((cell, at) => ({ cell, at, rank: spread(at + seed) })).sort((a, b) => a.rank - b.rank);
  const known = new Set<string>();
  const first = ranked.filter(({ cell }) => isNew(known, classOf(cell)));
  const chosen = new Set(first);
  const others = ranked.filter((one) => !chosen.has(one));
  return [...first, ...others]
    .slice(0, most)
    .sort((a, b) => a.at - b.at)
    .map(({ cell }) => cell);
}

function isNew(known: Set<string>, one: string): boolean {
  const before = known.size;
  return known.add(one).size > before;
}

function classOf({ setup, trouble: { kind, at } }: Cell): string {
  return `${setup}, ${kind}, ${at}`;
}

// By the golden ratio, so that no pattern of the cells meets a pattern of the sample.
function spread(at: number): number {
  return (at * GOLDEN) % 1;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** A cell in words. */
export function cellText({ setup, trouble }: Cell): string {
  const { kind, at, ...how } = trouble;
  const words = Object.values(how).join(', ');
  return `${setup}: ${kind} at call ${at}${words ? `, ${words}` : ''}`;
}

/** The cell with that text. */
export async function cellNamed(text: string): Promise<Cell | undefined> {
  const name = SETUP_NAMES.find((one) => text.startsWith(`${one}: `));
  return name && (await cellsOf(name)).find((cell) => cellText(cell) === text);
}

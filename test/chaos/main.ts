// Every fault, at every step of every scenario:
//
//   npm run test:chaos [-- --way handover --fault kill --step rename --engine sid]
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type EngineUnderTest, engineFacts, engineUnderTest } from '../lab/engine.ts';
import { ENGINE_KINDS, type EngineKind, startEngine } from '../lab/engines.ts';
import { nft } from '../lab/host-state.ts';
import { enter, isHere } from '../lab/netns.ts';
import { type Scope, testWorld, type World } from '../lab/world.ts';
import { pooled, TOPICS, type Topic, type Tried, tableOf } from './cell.ts';
import { type LoneEngine, OUTAGE_SCENARIOS, type Outage, outageFaults, startLoneEngine } from './daemon.ts';
import { THENS } from './kills.ts';
import {
  assertAllKinds,
  type Course,
  coursesOf,
  everyFault,
  everyKill,
  everyMeddling,
  everyOutage,
  FAULTS_OF,
  faultTry,
  outageTry,
  peopleTry,
} from './matrix.ts';
import { ALL_WAYS, SCENARIO_NAMES, SCENARIOS, type ScenarioName, skipOf } from './scenarios.ts';
import { type Cell, killTries, type Try } from './tries.ts';

const USAGE = `npm run test:chaos [-- OPTIONS]
  --way WAY       only this one (again for more): ${SCENARIO_NAMES.join(', ')}
  --fault FAULT   only a topic (${TOPICS.join(', ')}), or what has this in its name: "500", "removed", "killed after"
  --step STEP     only at what has this in its name: "rename#1", "POST"
  --afterwards W  only kills after which this comes: ${THENS.join(', ')}
  --engine KIND   on an engine of its own: ${ENGINE_KINDS.join(', ')};
                  the topic daemon always has its own (trixie), and takes ${OUTAGE_SCENARIOS.join(', ')}
  --at-once N     how many services at a time (4)
  --part I/N      only each Nth of what is chosen, from the Ith on`;

const { values } = parseArgs({
  options: {
    way: { type: 'string', multiple: true, default: [] },
    fault: { type: 'string', default: '' },
    step: { type: 'string', default: '' },
    afterwards: { type: 'string', default: '' },
    engine: { type: 'string' },
    'at-once': { type: 'string', default: '4' },
    part: { type: 'string', default: '1/1' },
    help: { type: 'boolean' },
  },
});
const AT_ONCE = Number(values['at-once']);
const TOPIC = TOPICS.find((topic) => topic === values.fault);
const SCENARIOS_MEANT = SCENARIO_NAMES.filter((way) => values.way.length === 0 || values.way.includes(way));

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted = true;
  });

process.exitCode = await main();

/** The results on one engine. */
interface Found {
  version: string;
  tried: readonly Tried[];
  left: readonly string[];
}

async function main(): Promise<number> {
  const topics = TOPIC ? [TOPIC] : TOPICS.filter((topic) => FAULTS_OF[topic].some(isMeant));
  const way = values.way.find((one) => !(one in SCENARIOS));
  const engine = values.engine !== undefined && !isKind(values.engine) ? values.engine : undefined;
  const wrong = way ?? engine ?? (topics.length === 0 ? values.fault : undefined);
  if (values.help || wrong) {
    console.error(wrong ? `there is no ${wrong}\n${USAGE}` : USAGE);
    return wrong ? 2 : 0;
  }
  sayMissing();
  const others = topics.filter((topic) => topic !== 'daemon');
  const started = others.length > 0 && isKind(values.engine) ? await startEngine(values.engine) : undefined;
  try {
    const under = started ?? engineUnderTest();
    if (others.length > 0 && !isHere(under.netns)) {
      return await inNamespaceOf(under);
    }
    return await breakEverything(under, others, topics.includes('daemon'));
  } finally {
    await started?.stop();
  }
}

function sayMissing(): void {
  for (const way of ALL_WAYS) {
    const why = skipOf(way);
    const isMeantHere = values.way.length === 0 || values.way.includes(way);
    if (why && isMeantHere) console.error(`==> NOT TRIED: ${way} ${why}`);
  }
}

function isKind(text: string | undefined): text is EngineKind {
  return ENGINE_KINDS.some((kind) => kind === text);
}

/**
 * The same program in the engine's namespace, since swapctl and the tests set rules there. It finds the engine running, and gets the
 * terminal's signals, too.
 */
function inNamespaceOf({ netns }: EngineUnderTest): Promise<number> {
  const command = [process.execPath, '--import=tsx', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const [program = '', ...rest] = enter(netns, command);
  const child = spawn(program, rest, { stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 130)));
}

/** Tries the selected cells, and prints the results even if it could not finish. */
async function breakEverything(engine: EngineUnderTest, topics: readonly Topic[], daemon: boolean): Promise<number> {
  const began = Date.now();
  const found: Found[] = [];
  try {
    if (topics.length > 0) found.push(await onEngine(engine, (world) => breakIn(world, topics)));
    for (const liveRestore of daemon ? [false, true] : []) {
      if (outageFaults(liveRestore).some(isMeant)) found.push(...(await onLoneEngine(liveRestore)));
    }
  } finally {
    tell(found, Math.round((Date.now() - began) / 1000));
  }
  if (interrupted) return 130;
  return found.some(({ tried, left }) => left.length > 0 || tried.some(({ safe }) => !safe)) ? 1 : 0;
}

async function onEngine(engine: EngineUnderTest, work: (world: World) => Promise<Tried[]>): Promise<Found> {
  const cleanUps: (() => Promise<void>)[] = [];
  const scope: Scope = { after: (cleanUp) => void cleanUps.unshift(cleanUp) };
  const before = await traces(engine);
  const { version } = await engineFacts(engine.docker);
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  const tried = (await work(testWorld(scope, engine)).catch(failed)) ?? [];
  for (const cleanUp of cleanUps) await cleanUp().catch(failed);
  if (failures.length > 0) throw new AggregateError(failures, 'it could not be tried, or not be cleared away');
  const left = (await traces(engine)).filter((trace) => !before.includes(trace));
  return { version, tried, left };
}

async function onLoneEngine(liveRestore: boolean): Promise<Found[]> {
  const kind = isKind(values.engine) ? values.engine : 'trixie';
  // Podman's containers depend on no daemon.
  if (interrupted || kind === 'podman') return [];
  const engine = await startLoneEngine(kind, liveRestore);
  try {
    return [await onEngine(engine, (world) => takeDaemon(world, engine))];
  } finally {
    await engine.stop();
  }
}

/** The possible remains on an engine, by name; those of other tests on it do not count. */
async function traces({ docker, netns }: EngineUnderTest): Promise<string[]> {
  const containers = (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names);
  const volumes = ((await docker.listVolumes()).Volumes ?? []).map(({ Name }) => Name);
  const tags = (await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
  const tables = nft(netns, 'list', 'tables').split('\n');
  return [...containers, ...volumes, ...tags, ...tables].filter((name) =>
    /swapctl-(?!test\/)|^[0-9a-f]{64}$/.test(name),
  );
}

async function breakIn(world: World, topics: readonly Topic[]): Promise<Tried[]> {
  const courses = await undisturbed(world, SCENARIOS_MEANT, topics, AT_ONCE);
  if (values.way.length === 0 && topics.includes('kill')) assertAllKinds(courses);
  const make: Record<Exclude<Topic, 'daemon'>, () => Try[]> = {
    kill: () => {
      const kills = someOf(everyKill(courses), (kill) => killTries([kill], 'recover', 1)[0]);
      return THENS.filter((then) => then.includes(values.afterwards)).flatMap((then) =>
        killTries(kills, then, AT_ONCE),
      );
    },
    people: () => someOf(everyMeddling(courses), peopleTry).map(peopleTry),
    engine: () => someOf(everyFault(courses), faultTry).map(faultTry),
  };
  const chosen = (topic: keyof typeof make): Try[] => (topics.includes(topic) ? make[topic]() : []);
  // Kills run a few at a time.
  return tryAll(world, chosen('kill'), [...chosen('people'), ...chosen('engine')]);
}

async function takeDaemon(world: World, engine: LoneEngine): Promise<Tried[]> {
  const ways = SCENARIOS_MEANT.filter((way) => OUTAGE_SCENARIOS.includes(way));
  const courses = await undisturbed(world, ways, ['daemon'], 1);
  const tryOf = (outage: Outage): Try => outageTry(engine, outage);
  return tryAll(world, someOf(everyOutage(courses), tryOf).map(tryOf), []);
}

async function undisturbed(
  world: World,
  ways: readonly ScenarioName[],
  topics: readonly Topic[],
  atOnce: number,
): Promise<Course[]> {
  const courses = await coursesOf(world, ways, topics, atOnce);
  for (const { way, moments, calls } of courses)
    console.log(`${way} (${SCENARIOS[way].about}): ${moments.length} moments, ${calls.length} calls`);
  return courses;
}

function isMeant(fault: string): boolean {
  return TOPIC !== undefined || fault.includes(values.fault);
}

/** The selected ones. */
function someOf<T>(all: readonly T[], tryOf: (one: T) => Try | undefined): T[] {
  const [first = 1, every = 1] = values.part.split('/').map(Number);
  const meant = all.filter((one) =>
    tryOf(one)?.cells.every((cell) => isMeant(cell.fault) && cell.moment.includes(values.step)),
  );
  return meant.filter((_, at) => at % every === first - 1);
}

async function tryAll(world: World, inTurn: readonly Try[], together: readonly Try[]): Promise<Tried[]> {
  const tried: Tried[] = [];
  const total = [...inTurn, ...together].reduce((sum, { cells }) => sum + cells.length, 0);
  let done = 0;
  const take = async (one: Try): Promise<void> => {
    if (interrupted) return;
    const results = await one.run(world).catch((error): Tried[] => one.cells.map((cell) => untried(cell, error)));
    done += one.cells.length;
    // An interrupted try has no result.
    if (interrupted) return;
    tried.push(...results);
    for (const result of results) console.log(`${done}/${total} ${lineOf(result)}`);
  };
  for (const one of inTurn) await take(one);
  await pooled(together, AT_ONCE, take);
  return tried;
}

/** A failure of setup or clean-up counts as unsafe, and does not end a long run. */
function untried(cell: Cell, error: unknown): Tried {
  return { ...cell, safe: false, why: `it could not be tried: ${error instanceof Error ? error.stack : error}` };
}

// ---- reporting

function tell(found: readonly Found[], seconds: number): void {
  const tried = found.flatMap((one) => one.tried);
  for (const line of tableOf(tried)) console.log(line);
  const unsafe = tried.filter(({ safe }) => !safe);
  for (const one of unsafe) console.log(`\nUNSAFE ${one.way}: ${one.fault} ${one.moment}\n${one.safe ? '' : one.why}`);
  const versions = [...new Set(found.map(({ version }) => version))].join(' and ');
  console.log(`\nDocker ${versions}: ${totals(tried)}: ${unsafe.length} unsafe, ${seconds} s`);
  const left = found.flatMap((one) => one.left);
  console.log(left.length > 0 ? `left behind: ${left.join(', ')}` : 'nothing is left behind');
}

function lineOf(one: Tried): string {
  const what = `${one.way}: ${one.fault} ${one.moment}`;
  return one.safe ? `${what}: ${one.outcome.text}` : `${what}: UNSAFE: ${one.why}`;
}

function totals(tried: readonly Tried[]): string {
  const met = tried.filter((one) => !one.safe || !one.outcome.notMet);
  const count = (topic: Topic) => met.filter((one) => one.topic === topic).length;
  return [
    `${count('kill')} kills`,
    `${count('engine')} faults of the engine`,
    `${count('people')} interferences`,
    `${count('daemon')} outages of the daemon`,
  ].join(', ');
}

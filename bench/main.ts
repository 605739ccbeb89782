// How long a roll takes beyond what no tool can avoid. The app is ready 2 s after its start; its HEALTHCHECK has Docker's
// default interval of 30 s. Everything is measured in one run, in turns, so that the ratios hold on a busy machine too.
import { type Scope, testWorld } from '../test/lab/world.ts';
import { engineVerdict, floor, type Measured, type Subject, swapctlRoll } from './ways.ts';

const ROUNDS = Number(process.argv[2] ?? 3);

const cleanUps: (() => Promise<void>)[] = [];
const scope: Scope = { after: (cleanUp) => void cleanUps.push(cleanUp) };

try {
  await main();
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

async function main(): Promise<void> {
  const world = testWorld(scope);
  const health = { intervalMs: 30_000 };
  const before = await world.image('app:1', { health, env: { DRAIN: 1 } });
  const after = await world.image('app:2', { health, env: { DRAIN: 1, READY_AFTER_MS: 2000 } });
  const subject: Subject = { world, before, after };
  const rows: Record<string, Measured[]> = {
    floor: [],
    swapctl: [],
    'swapctl, settle 5 s (default)': [],
    'engine verdict': [],
  };
  for (let round = 0; round < ROUNDS; round++) {
    console.error(`==> round ${round + 1} of ${ROUNDS}`);
    rows.floor?.push(await floor(subject));
    rows.swapctl?.push(await swapctlRoll(subject, '0s'));
    rows['swapctl, settle 5 s (default)']?.push(await swapctlRoll(subject, '5s'));
  }
  console.error('==> once: waiting for the engine’s own verdict (about 32 s)');
  rows['engine verdict']?.push(await engineVerdict(subject));
  print(rows);
}

function print(rows: Record<string, Measured[]>): void {
  const base = median((rows.floor ?? []).map((row) => row.totalMs));
  console.log('| way | ready to switched | whole roll | of the floor |');
  console.log('|---|---|---|---|');
  for (const [name, measured] of Object.entries(rows)) {
    const switched = median(measured.map((row) => row.readyToSwitchedMs));
    const total = median(measured.map((row) => row.totalMs));
    console.log(`| ${name} | ${seconds(switched)} | ${seconds(total)} | ${(total / base).toFixed(2)} |`);
  }
  console.log(
    `\nmedian of ${ROUNDS}; "engine verdict": once, the order of operations of docker-rollout (start the new one, wait until`,
  );
  console.log('the engine calls it healthy, stop the old one), which can not be had here itself');
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

// How long a roll takes beyond what no tool can avoid. The app is ready 2 s after its start; its HEALTHCHECK has Docker's
// default interval of 30 s.
import type { World } from '../test/lab/world.ts';
import { engineVerdict, floor, type Measured, type Subject, swapctlRoll } from './roll-variants.ts';
import { median, printTable, seconds } from './table.ts';

export async function rollTime(world: World, rounds: number): Promise<void> {
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
  for (let round = 0; round < rounds; round++) {
    console.error(`==> round ${round + 1} of ${rounds}`);
    rows.floor?.push(await floor(subject));
    rows.swapctl?.push(await swapctlRoll(subject, '0s'));
    rows['swapctl, settle 5 s (default)']?.push(await swapctlRoll(subject, '5s'));
  }
  console.error('==> once: waiting for the engine’s own verdict (about 32 s)');
  rows['engine verdict']?.push(await engineVerdict(subject));
  print(rows, rounds);
}

function print(rows: Record<string, Measured[]>, rounds: number): void {
  const base = median((rows.floor ?? []).map((row) => row.totalMs));
  const lines = Object.entries(rows).map(([name, measured]) => {
    const switched = median(measured.map((row) => row.readyToSwitchedMs));
    const total = median(measured.map((row) => row.totalMs));
    return [name, seconds(switched), seconds(total), (total / base).toFixed(2)];
  });
  printTable(['way', 'ready to switched', 'whole roll', 'of the floor'], lines);
  console.log(
    `\nmedian of ${rounds}; "engine verdict": once, the order of operations of docker-rollout (start the new one, wait until`,
  );
  console.log('the engine calls it healthy, stop the old one), which can not be had here itself');
}

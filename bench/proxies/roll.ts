// Rolls and rolls back a service behind a proxy.
import { setTimeout as sleep } from 'node:timers/promises';
import { swapctl } from '../../test/lab/cli.ts';
import { type Scope, testWorld, type World } from '../../test/lab/world.ts';
import type { Cell, Health } from './cells.ts';
import { AFTER_MS, type Command, type Measure, type Measured, underLoad } from './measure.ts';
import { type Stage, setStage } from './stage.ts';

/** By strategy; `control` is without a roll. */
export type CellResult = Record<string, Measured[]>;

/** The exit status of swapctl if the new version serves and somebody has to look, such as for a client of the old address. */
const NEEDS_ATTENTION = 3;

export async function measureCell(scope: Scope, image: string, cell: Cell, rolls: number): Promise<CellResult> {
  const world = testWorld(scope);
  try {
    const healthBefore = healthOfFirst(cell, rolls);
    const stage = await setStage(world, image, { ...cell, healthBefore });
    return await underLoad(stage, (measure) => measureRolls(stage, cell, rolls, measure));
  } finally {
    await world.cleanUp();
  }
}

function healthOfFirst({ health, strategies }: Cell, rolls: number): Health {
  if (health === 'first') return 'none';
  const again = strategies.includes('rollback') || rolls > 1;
  // The wait for a slow first verdict of the engine is spared, unless a rollback leads to this image.
  return health === '30s' && !again ? '1s' : health;
}

async function measureRolls(stage: Stage, cell: Cell, rolls: number, measure: Measure): Promise<void> {
  await measure('control', comesAndGoes(stage, cell));
  const strategy = cell.published ? 'handover' : 'start-first';
  // Only one roll can bring the first HEALTHCHECK.
  const count = cell.health === 'first' ? 1 : rolls;
  for (let roll = 0; roll < count; roll++) {
    await stage.publish(String(roll + 2));
    await measure(strategy, swapctlRoll(stage.world, stage.service, strategy));
    if (!cell.strategies.includes('rollback')) continue;
    await measure('rollback', command(stage.world, ['rollback', stage.service], strategy));
  }
}

/** Without a roll: another service that the proxy finds comes and goes. */
function comesAndGoes({ world, project }: Stage, { proxy }: Cell): Command {
  return async () => {
    const { labels, environment } = proxy.service?.('other', 'other.test') ?? {};
    const network = `${project.name}_default`;
    const options = { image: world.name('web:live'), network, labels: labels ?? {}, env: environment ?? {} };
    const other = await world.container('other', options);
    await sleep(AFTER_MS / 2);
    await other.remove({ force: true });
  };
}

/** The whole of `swapctl roll` with its defaults, the start of its process included. */
export function swapctlRoll(world: World, service: string, strategy: string): Command {
  return command(world, ['roll', service, '--pull', 'never'], strategy);
}

function command(world: World, args: string[], strategy: string): Command {
  return async (told) => {
    const onStderr = (text: string) => text.split('\n').filter(Boolean).forEach(told);
    const options = { env: world.env, netns: world.netns, onStderr };
    const { code, stderr, json } = await swapctl([...args, '--json'], options);
    if (code !== 0 && code !== NEEDS_ATTENTION)
      throw new Error(`swapctl ${args.join(' ')} ended with ${code}: ${stderr}`);
    for (const { message } of json().attention ?? []) console.error(`    needs attention: ${message}`);
    if (json().strategy !== strategy) throw new Error(`rolled ${json().strategy}, not ${strategy}: ${json().because}`);
  };
}

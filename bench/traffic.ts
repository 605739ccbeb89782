// What clients notice of a roll, by the tool that does it. The same app each time (ready 2 s after its start, drains on
// SIGTERM), under 200 requests a second from another network namespace by clients that retry nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Namespace, otherHost } from '../test/lab/netns.ts';
import { type Cell, type Client, clientsAt, type Shape, startTraffic } from '../test/lab/traffic.ts';
import type { World } from '../test/lab/world.ts';
import { nginxImage } from './nginx.ts';
import { median, printTable, seconds } from './table.ts';
import {
  composeUp,
  rolloutBehind,
  type Stage,
  type Started,
  stopThenStart,
  swapctlHandover,
} from './traffic-variants.ts';
import { untilVersion } from './version.ts';

const RATE = 200;
// Of load before and after the roll.
const AROUND_MS = 1500;

interface Measured {
  readonly requests: number;
  readonly failed: number;
  /** Of the four clients the one that waited the longest between two good answers. */
  readonly longestGapMs: number;
  readonly rollMs: number;
  readonly errors: readonly Cell['errors'][];
}

export async function trafficLost(world: World, rounds: number): Promise<void> {
  const client = otherHost(world);
  const stage = await setStage(world);
  const nginx = await nginxImage(world.docker).catch((error: Error) => error);
  const ways: Record<string, (stage: Stage) => Promise<Started>> = {
    '`docker compose up -d`': composeUp,
    'stop, then start': stopThenStart,
    ...(typeof nginx === 'string' && { 'docker-rollout behind nginx': rolloutBehind(nginx) }),
    '`swapctl roll`, settle 0 s, drain 3 s': swapctlHandover('--settle', '0s', '--drain-timeout', '3s'),
    '`swapctl roll`, defaults': swapctlHandover(),
  };
  const rows: Record<string, Measured[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      console.error(`==> round ${round + 1} of ${rounds}: ${name}`);
      const measured = await measure(world, client, await way(stage));
      console.error(`    ${JSON.stringify(measured)}`);
      rows[name] = [...(rows[name] ?? []), measured];
    }
  }
  print(rows);
  if (typeof nginx !== 'string') console.log(`\nno nginx to put before docker-rollout: ${nginx.message}`);
}

// It listens only when it is ready, as most apps do: nobody gets an answer from it before that.
async function setStage(world: World): Promise<Stage> {
  const health = { intervalMs: 1000, retries: 10 };
  const env = { DRAIN: 1, READY_AFTER_MS: 2000, LISTEN: 'late' };
  const before = await world.image('app:1', { health, env });
  const after = await world.image('app:2', { health, env });
  return { world, before, after, network: await world.network('net') };
}

async function measure(world: World, client: Namespace, started: Started): Promise<Measured> {
  const probe = `http://${world.address}:${started.port}/`;
  await untilVersion(probe, '1');
  const clients = clientsAt({ url: `http://${client.hostAddress}:${started.port}/` }, shapes());
  const traffic = await startTraffic({ world, netns: client.name }, impatient(clients));
  await sleep(AROUND_MS);
  const began = performance.now();
  await started.roll();
  await untilVersion(probe, '2');
  const rollMs = performance.now() - began;
  await sleep(AROUND_MS);
  const cells = Object.values(await traffic.stop());
  await started.remove();
  return {
    requests: sum(cells, 'requests'),
    failed: sum(cells, 'failed'),
    longestGapMs: Math.max(...cells.map((cell) => cell.longestGapMs)),
    rollMs,
    errors: cells.map((cell) => cell.errors).filter((errors) => Object.keys(errors).length > 0),
  };
}

// As many POST as GET, and as many new connections as kept ones.
function shapes(): Record<string, Shape> {
  const kinds = (['kept', 'new'] as const).flatMap((kind) =>
    (['GET', 'POST'] as const).map((method) => [kind, method]),
  );
  return Object.fromEntries(
    kinds.map(([kind, method]) => [`${kind} ${method}`, { kind, method, ratePerSecond: RATE / kinds.length } as Shape]),
  );
}

function impatient(clients: Record<string, Client>): Record<string, Client> {
  return Object.fromEntries(Object.entries(clients).map(([name, client]) => [name, { ...client, timeoutMs: 5000 }]));
}

function sum(cells: readonly Cell[], figure: 'requests' | 'failed'): number {
  return cells.reduce((total, cell) => total + cell[figure], 0);
}

function print(rows: Record<string, Measured[]>): void {
  const lines = Object.entries(rows).map(([name, measured]) => {
    const total = (figure: 'requests' | 'failed') => measured.reduce((all, one) => all + one[figure], 0);
    const gaps = measured.map((one) => one.longestGapMs);
    const failed = `${total('failed')} of ${total('requests')}`;
    return [name, failed, seconds(Math.max(...gaps)), seconds(median(measured.map((one) => one.rollMs)))];
  });
  printTable(['way', 'failed requests', 'longest gap', 'roll'], lines);
  console.log(
    '\nrequests of all rounds, the longest gap of all rounds (between two good answers of one of the four clients:',
  );
  console.log(
    'GET and POST, each on kept and on new connections), and the median time until the command has ended and',
  );
  console.log(
    'version 2 answers. docker-rollout can not be had here: its order of operations, with a drain sleep of 3 s',
  );
}

// What `swapctl serve` costs beside `swapctl watch`: memory at rest with 50 services, time to start, and how long
// GET /v1/services takes with 200 services while 20 clients ask 50 times a second.
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningCli, startSwapctl } from '../test/lab/cli.ts';
import { eventually } from '../test/lab/waiting.ts';
import type { World } from '../test/lab/world.ts';
import { memoryMb } from './process.ts';
import { median, printTable, spread } from './table.ts';

const AT_REST = 50;
const MANY = 200;
const REST_MS = 30_000;
const CLIENTS = 20;
const PER_SECOND = 50;
const LOAD_MS = 20_000;

export async function serveCost(world: World, { rounds }: { rounds: number }): Promise<void> {
  const image = await world.image('rest:1', { from: 'base' });
  const folder = mkdtempSync(path.join(tmpdir(), 'swc-bench-'));
  world.after(async () => rmSync(folder, { recursive: true }));
  const socket = path.join(folder, 'api.sock');
  const names = await startServices(world, image, 0, AT_REST);
  await beside(world, names, socket, rounds);
  const more = await startServices(world, image, AT_REST, MANY);
  await underLoad(world, [...names, ...more], socket);
}

async function startServices(world: World, image: string, from: number, to: number): Promise<string[]> {
  const labels = { 'swapctl.enable': 'true', 'swapctl.schedule': 'every 12h' };
  const names: string[] = [];
  for (let at = from; at < to; at++) {
    await world.container(`s${at}`, { image, labels });
    names.push(world.name(`s${at}`));
  }
  return names;
}

interface Rest {
  readonly startMs: number;
  readonly resident: number;
  readonly own: number;
}

/** Both at the same time, so that whatever else the machine does harms both alike. */
async function beside(world: World, names: readonly string[], socket: string, rounds: number): Promise<void> {
  const watch: Rest[] = [];
  const serve: Rest[] = [];
  for (let round = 0; round < rounds; round++) {
    const [first, second] = [await started(world, ['watch', ...names]), await served(world, names, socket)];
    await sleep(REST_MS);
    watch.push({ startMs: first.ms, ...memoryMb(first.process.pid) });
    serve.push({ startMs: second.ms, ...memoryMb(second.process.pid) });
    for (const { process } of [first, second]) process.kill('SIGTERM');
    await Promise.all([first.process.result, second.process.result]);
  }
  const line = (name: string, all: readonly Rest[]): string[] => {
    const of = (key: keyof Rest): number => median(all.map((one) => one[key]));
    return [name, `${of('startMs').toFixed(0)} ms`, `${of('resident').toFixed(1)} MB`, `${of('own').toFixed(1)} MB`];
  };
  printTable(['program', 'start', 'resident', 'of it its own'], [line('watch', watch), line('serve', serve)]);
  const more = serve.map(({ resident }, at) => resident - (watch[at]?.resident ?? Number.NaN));
  const slower = serve.map(({ startMs }, at) => startMs / (watch[at]?.startMs ?? Number.NaN));
  console.log(
    `\n${AT_REST} services, ${REST_MS / 1000} s after the start: serve has ${spread(more)} MB more than watch; it starts in ${spread(slower)} of its time.\n`,
  );
}

interface Started {
  readonly process: RunningCli;
  readonly ms: number;
}

/** Until it watches. */
async function started(world: World, args: readonly string[]): Promise<Started> {
  const began = performance.now();
  return new Promise((resolve) => {
    const process = startSwapctl([...args], {
      env: world.env,
      onStdout: (text) => {
        if (/watching \d+/.test(text)) resolve({ process, ms: performance.now() - began });
      },
    });
    world.after(async () => void process.kill('SIGKILL'));
  });
}

async function served(world: World, names: readonly string[], socket: string): Promise<Started> {
  const running = await started(world, ['serve', ...names, '--listen', `unix://${socket}`]);
  await eventually(
    'the server answers',
    async () => (await ask(socket, '/readyz').catch(() => undefined)) !== undefined,
  );
  return running;
}

async function underLoad(world: World, names: readonly string[], socket: string): Promise<void> {
  const { process } = await served(world, names, socket);
  const alone = await askedInTurn(socket, 10);
  const times = await askedTogether(socket);
  const peak = memoryMb(process.pid).resident;
  process.kill('SIGTERM');
  await process.result;
  const at = (share: number): string =>
    `${(times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? 0).toFixed(0)} ms`;
  printTable(
    ['GET /v1/services', 'requests', 'median', 'p99', 'longest'],
    [
      ['one client', `${alone.length}`, `${median(alone).toFixed(0)} ms`, '', `${Math.max(...alone).toFixed(0)} ms`],
      [`${CLIENTS} clients`, `${times.length}`, at(0.5), at(0.99), at(1)],
    ],
  );
  console.log(
    `\n${names.length} services; ${CLIENTS} clients ask ${PER_SECOND} times a second for ${LOAD_MS / 1000} s. Resident memory afterwards: ${peak.toFixed(1)} MB.`,
  );
}

async function askedInTurn(socket: string, times: number): Promise<number[]> {
  const all: number[] = [];
  for (let time = 0; time < times; time++) all.push(await ask(socket, '/v1/services'));
  return all;
}

/** Requests begin at fixed times, whether or not those before are answered: a slow server is not spared. */
async function askedTogether(socket: string): Promise<number[]> {
  const agents = Array.from({ length: CLIENTS }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const asked: Promise<number>[] = [];
  const began = performance.now();
  for (let at = 0; at < (LOAD_MS / 1000) * PER_SECOND; at++) {
    await sleep(Math.max(0, began + (at * 1000) / PER_SECOND - performance.now()));
    asked.push(ask(socket, '/v1/services', agents[at % CLIENTS]));
  }
  const times = await Promise.all(asked);
  for (const agent of agents) agent.destroy();
  return times;
}

/** Milliseconds until the whole answer is there. */
function ask(socketPath: string, target: string, agent?: Agent): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const options = { socketPath, path: target, ...(agent ? { agent } : {}) };
    const asked = request(options, (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`${target}: ${answer.statusCode}`));
      });
    });
    asked.on('error', reject).end();
  });
}

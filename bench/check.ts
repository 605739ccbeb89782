// What `swapctl check` costs beyond what no tool can avoid: one HEAD for each distinct image, 16 at once, by bare undici.
// The registry is a real one on this machine. The engine is a stand-in that answers the lists at once, so that what is
// measured is swapctl; both are processes of their own, started from nothing, in turns. Then both once more within one
// process that runs already, as a daemon does it.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createApp } from '../src/app/app.ts';
import { openPorts } from '../src/wiring/ports.ts';
import { pushImage } from '../test/adapters/registry/push.ts';
import { SWAPCTL } from '../test/lab/cli.ts';
import { type Registry, startRegistry } from '../test/lab/registry.ts';
import { heads } from './heads.mjs';

const ROUNDS = Number(process.argv[2] ?? 5);
const SCENES = [
  { containers: 200, images: 200 },
  { containers: 1000, images: 100 },
];

interface Scene {
  readonly registry: Registry;
  readonly folder: string;
  readonly socket: string;
  readonly urls: string;
}

interface Measured {
  readonly requests: string[];
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

const run = promisify(execFile);
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

for (const scene of SCENES) await main(scene.containers, scene.images);

async function main(containers: number, images: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'swc-bench-'));
  const registry = await startRegistry();
  const socket = path.join(folder, 'engine.sock');
  let engine: Server | undefined;
  try {
    const digests: string[] = [];
    for (let at = 0; at < images; at++)
      digests.push((await pushImage(registry, `team/app-${at}:stable`, `${at}`)).digest);
    engine = await standIn(socket, registry.host, containers, digests);
    const urls = path.join(folder, 'urls.json');
    const url = (_: string, at: number): string => `${registry.url}/v2/team/app-${at}/manifests/stable`;
    writeFileSync(urls, JSON.stringify(digests.map(url)));
    const scene: Scene = { registry, folder, socket, urls };
    const rows: Record<string, Measured[]> = { floor: [], 'start and list': [], swapctl: [] };
    for (let round = 0; round < ROUNDS; round++) {
      rows.floor?.push(await measured(scene, [here('check-floor.mjs'), urls]));
      const swapctl = [SWAPCTL, '--host', `unix://${socket}`];
      rows['start and list']?.push(await measured(scene, [...swapctl, '__names']));
      rows.swapctl?.push(await measured(scene, [...swapctl, 'check', '--json']));
    }
    print(`${containers} containers, ${images} images`, rows);
    await running(scene);
  } finally {
    engine?.close();
    engine?.closeAllConnections();
    await registry.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Both in this process, with all code loaded and warm; a client of its own for each check, so that no connection is kept. */
async function running({ registry, folder, socket, urls }: Scene): Promise<void> {
  const list: string[] = JSON.parse(readFileSync(urls, 'utf8'));
  const check = async (): Promise<void> => {
    const env = { DOCKER_CONFIG: folder };
    const ports = await openPorts({ host: `unix://${socket}`, env, home: folder, folder, report: () => {} });
    await createApp(ports).check([], new AbortController().signal);
    ports.engine.close();
    ports.registry.close();
  };
  const ways = { floor: () => heads(list), swapctl: check };
  const rows: Record<string, Measured[]> = { floor: [], swapctl: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, work] of Object.entries(ways)) {
      const before = registry.log().length;
      const [cpu, began] = [process.cpuUsage(), performance.now()];
      await work();
      const { user, system } = process.cpuUsage(cpu);
      const one = {
        ms: performance.now() - began,
        cpuMs: (user + system) / 1000,
        peakMb: process.memoryUsage.rss() / 2 ** 20,
      };
      // The first round warms up.
      if (round > 0) rows[name]?.push({ ...one, requests: registry.log().slice(before) });
    }
  }
  print('the same in a process that runs already (memory: of all)', rows);
}

async function measured({ registry, folder }: Scene, args: string[]): Promise<Measured> {
  const usage = path.join(folder, 'usage.json');
  const before = registry.log().length;
  const began = performance.now();
  const env = { ...process.env, USAGE_FILE: usage, DOCKER_CONFIG: folder };
  await run(process.execPath, ['--import', here('usage.mjs'), ...args], { env, maxBuffer: 64 * 1024 * 1024 });
  const ms = performance.now() - began;
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(readFileSync(usage, 'utf8'));
  const requests = registry.log().slice(before);
  return { requests, ms, cpuMs: (userCPUTime + systemCPUTime) / 1000, peakMb: maxRSS / 1024 };
}

/** As much of an engine as a check asks for: containers `app-N`, all with what the registry has. */
async function standIn(socket: string, host: string, containers: number, digests: readonly string[]): Promise<Server> {
  const id = (at: number): string => `sha256:${(at + 1).toString(16).padStart(64, '0')}`;
  const image = (at: number): string => `${host}/team/app-${at}`;
  const answers: Record<string, unknown> = {
    version: {
      Version: '28.5.2',
      ApiVersion: '1.51',
      MinAPIVersion: '1.24',
      Os: 'linux',
      Arch: 'amd64',
      Components: [{ Name: 'Engine', Version: '28.5.2' }],
    },
    info: { OSType: 'linux', Architecture: 'x86_64', SystemTime: new Date().toISOString() },
    containers: Array.from({ length: containers }, (_, at) => ({
      Id: at.toString(16).padStart(64, '0'),
      Names: [`/app-${at}`],
      Image: `${image(at % digests.length)}:stable`,
      ImageID: id(at % digests.length),
      State: 'running',
      Status: 'Up 3 hours (healthy)',
      Labels: { 'com.example.a': 'x'.repeat(40), 'com.example.b': 'y'.repeat(40) },
      NetworkSettings: { Networks: { bridge: { NetworkID: id(at), IPAddress: '172.17.0.2', Gateway: '172.17.0.1' } } },
    })),
    images: digests.map((digest, at) => ({
      Id: id(at),
      RepoTags: [`${image(at)}:stable`],
      RepoDigests: [`${image(at)}@${digest}`],
      Labels: null,
    })),
  };
  const bodies = Object.entries(answers).map(([name, answer]) => [name, JSON.stringify(answer)] as const);
  const server = createServer((request, response) => {
    const [, body] = bodies.find(([name]) => new RegExp(`/${name}(/json)?(\\?|$)`).test(request.url ?? '')) ?? [];
    response
      .writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(body ?? '{"message":"no"}');
  });
  server.listen(socket);
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

function print(what: string, rows: Record<string, Measured[]>): void {
  console.log(`${what}\n\n| | requests | of them HEAD | time | CPU | peak memory |\n|---|---|---|---|---|---|`);
  const [floor, swapctl] = [rows.floor ?? [], rows.swapctl ?? []];
  for (const [name, all] of Object.entries(rows)) {
    const [requests, heads] = [
      all.map((one) => one.requests.length),
      all.map((one) => one.requests.filter((line) => line.startsWith('HEAD ')).length),
    ];
    const cells = [
      span(requests),
      span(heads),
      `${median(all, 'ms')} ms`,
      `${median(all, 'cpuMs')} ms`,
      `${median(all, 'peakMb')} MB`,
    ];
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  const ratio = (key: Numbers): string => (median(swapctl, key) / median(floor, key)).toFixed(2);
  console.log(
    `| ratio | | | ${ratio('ms')} | ${ratio('cpuMs')} | ${ratio('peakMb')} |\n\nmedian of ${ROUNDS}; "start and list": swapctl with nothing to ask a registry\n`,
  );
}

type Numbers = 'ms' | 'cpuMs' | 'peakMb';

function span(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

function median(all: readonly Measured[], key: Numbers): number {
  const sorted = all.map((one) => one[key]).toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

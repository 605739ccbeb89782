// Other Docker Engines beside the one of this machine, out of other Debian suites.
//
//   npx tsx test/lab/engines.ts up sid      prints DOCKER_HOST=…; tests run on it with that set
//   npx tsx test/lab/engines.ts up sid --binaries DIR    the same with the programs in DIR before those of the suite
//   npx tsx test/lab/engines.ts up sid --join            the same, or the engine that runs already
//   npx tsx test/lab/engines.ts down sid    ends it (without a name: all of them)
//
// Published ports are reached at `address` (10.231.N.2) and not at 127.0.0.1, which is the engine's own in its namespace.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheFolder, prepared } from '../../scripts/prepare/cache.mjs';
import { Failure } from '../../scripts/shell.mjs';
import { type EngineNote, type EngineUnderTest, engineAt } from './engine.ts';
import { nftOf } from './nft.ts';
import { eventually } from './waiting.ts';

interface Kind {
  suite: 'bookworm' | 'trixie' | 'sid';
  daemon?: 'dockerd' | 'podman';
  flags?: string[];
  env?: Record<string, string>;
}

/** In Debian at the time of writing: Docker 20.10, 26.1 and 28.5, and Podman 4.3, 5.4 and 5.8. */
const KINDS = {
  bookworm: { suite: 'bookworm' },
  trixie: { suite: 'trixie' },
  sid: { suite: 'sid' },
  // Docker 29.0 to 29.2: containerd's image store, and no API before 1.44 (from 29.3 on, none before 1.40).
  'sid-like-29': {
    suite: 'sid',
    flags: ['--feature', 'containerd-snapshotter=true'],
    env: { DOCKER_MIN_API_VERSION: '1.44' },
  },
  'bookworm-direct': { suite: 'bookworm', flags: ['--userland-proxy=false'] },
  'bookworm-legacy': { suite: 'bookworm', env: { IPTABLES: 'legacy' } },
  // Reached from afar: the test that starts it says by which flags.
  remote: { suite: 'trixie' },
  podman: { suite: 'bookworm', daemon: 'podman' },
  'podman-trixie': { suite: 'trixie', daemon: 'podman' },
  'podman-sid': { suite: 'sid', daemon: 'podman' },
} satisfies Record<string, Kind>;

export type EngineKind = keyof typeof KINDS;
export const ENGINE_KINDS = Object.keys(KINDS) as EngineKind[];

/** Beside the one of each kind that tests share: one that may be stopped, one with a small disk, one of the lab's own test, one to prune, one in a Swarm. */
const SPARES = ['away', 'small', 'lab', 'pruned', 'swarm', 'probed'] as const;
type Spare = (typeof SPARES)[number];

export interface OtherEngine extends EngineUnderTest {
  /** For `nsenter --net=/run/netns/<netns>`. */
  netns: string;
  /** The folder of its data, as it is reached from this machine: with a small disk, that. */
  data: string;
  /** Ends it if it was started here; one that ran before goes on. */
  stop(): Promise<void>;
}

export interface EngineOptions {
  flags?: string[];
  /** One of its own, that no other test uses at the same time. */
  spare?: Spare | undefined;
  /** The set of engines that it belongs to, where a test needs several that no other test uses: GROUP_LAB. */
  lab?: number | undefined;
  /** Of a Swarm of several: its number among the nodes of SWARM_LAB, from 1. It has a host name of its own. */
  node?: number | undefined;
  /** The size of the disk for its data (`100m`), which then begins empty; otherwise that is the machine's. */
  disk?: string;
  /** A folder of programs that come before those of the suite: dockerd, containerd, runc, podman, crun…, and their libraries. */
  binaries?: string;
  /** Fails if the engine runs already, instead of joining it. */
  fresh?: boolean;
}

/** What the person at the terminal can act on. */
export class LabError extends Error {}

/** Takes about 2 seconds. Root only. */
export async function startEngine(kind: EngineKind, options: EngineOptions = {}): Promise<OtherEngine> {
  const place = placeOf(kind, options);
  const runs = await answers(place.dockerHost);
  if (runs && (options.fresh || options.binaries)) throw new LabError(runsAlready(kind, place.dockerHost, options));
  if (runs) return { ...reached(place), stop: async () => {} };
  checkBinaries(options.binaries);
  await stopEngine(kind, options);
  mkdirSync(place.run, { recursive: true, mode: 0o700 });
  if (options.binaries) rmSync(place.data, { recursive: true, force: true });
  mkdirSync(place.data, { recursive: true });
  const note: EngineNote = {
    address: `10.231.${place.number}.2`,
    hostAddress: `10.231.${place.number}.1`,
    nft: path.dirname(nftOf(KINDS[kind].suite).program),
  };
  writeFileSync(path.join(place.run, 'engine.json'), JSON.stringify(note));
  await launch(kind, options, 'start').catch(async (error) => {
    await stopEngine(kind, options);
    throw error;
  });
  return { ...reached(place), stop: () => stopEngine(kind, options) };
}

function runsAlready(kind: EngineKind, dockerHost: string, { binaries }: EngineOptions): string {
  const ways = [...(binaries ? [] : ['--join to use it as it is']), `engines.ts down ${kind} to end it`];
  return `${kind} runs already, at ${dockerHost}: ${ways.join(', or ')}`;
}

function checkBinaries(folder: string | undefined): void {
  if (folder === undefined) return;
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder || readdirSync(folder).length === 0) throw new LabError(`there are no programs in ${folder}`);
}

function reached({ dockerHost, netns, run, data }: ReturnType<typeof placeOf>): Omit<OtherEngine, 'stop'> {
  const holder = read(path.join(run, 'holder.pid')).trim();
  return { ...engineAt(dockerHost), netns, data: `/proc/${holder}/root${data}` };
}

/**
 * Stops the daemon alone, as a package upgrade (SIGTERM) or a crash (SIGKILL) does, and resolves once it is gone. What becomes
 * of its containers is up to it.
 */
export async function stopDaemon(
  kind: EngineKind,
  options: EngineOptions,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  const pid = daemonOf(placeOf(kind, options).run);
  if (isRunning(pid, KINDS[kind])) process.kill(pid, signal);
  await ended(() => isRunning(pid, KINDS[kind]));
}

/** Starts the daemon that was stopped, in the namespaces in which its containers are; resolves once it answers. */
export function startDaemon(kind: EngineKind, options: EngineOptions): Promise<void> {
  return launch(kind, options, 'again');
}

function launch(kind: EngineKind, options: EngineOptions, action: 'start' | 'again'): Promise<void> {
  const { suite, daemon = 'dockerd', flags = [], env = {} }: Kind = KINDS[kind];
  const place = placeOf(kind, options);
  return script({
    ...env,
    ACTION: action,
    DAEMON: daemon,
    ROOT: prepared(`${daemon === 'dockerd' ? 'docker' : daemon}-${suite}`),
    RUN: place.run,
    DATA: place.data,
    DISK: options.disk ?? '',
    BINARIES: options.binaries ? path.resolve(options.binaries) : '',
    N: String(place.number),
    HOST: options.node ? `node-${options.node}` : '',
    FLAGS: [...flags, ...(options.flags ?? [])].join(' '),
  });
}

/** Which of several sets of engines on one machine (SWAPCTL_TEST_LAB, 0 to 13): people at work side by side each have their own. */
const LAB = Number(process.env.SWAPCTL_TEST_LAB || 0);
/** Numbers for each lab: more than there are kinds and spares, and few enough for 15 labs below 255. */
const PER_LAB = 16;
/** The set for the test of groups of hosts, which stops daemons of several kinds: one run of it at a time on a machine. */
export const GROUP_LAB = 14;
/** The set for Swarms of several nodes (swarm-nodes.ts): likewise. */
export const SWARM_LAB = 15;

/** Everything of an engine follows from its name and lab, so that another process finds it, and can end it. */
function placeOf(kind: EngineKind, { spare, binaries, node, lab = LAB }: EngineOptions = {}) {
  const own = spare ? ENGINE_KINDS.length + SPARES.indexOf(spare) : ENGINE_KINDS.indexOf(kind);
  const number = 1 + PER_LAB * lab + (node ?? own);
  const name = [kind, ...(spare ? [spare] : []), ...(node ? [`node${node}`] : []), ...(lab === 0 ? [] : [lab])].join(
    '-',
  );
  // In the folder for temporary files, because the path of a socket must not be long.
  const run = path.join(os.tmpdir(), `swapctl-test-engine-${name}`);
  return {
    number,
    run,
    // Another version might not be able to read it, or change it for good.
    data: path.join(cacheFolder(), 'engines', name, binaries ? 'data-of-binaries' : 'data'),
    dockerHost: `unix://${run}/docker.sock`,
    netns: `swapctl-${number}`,
  };
}

function answers(dockerHost: string): Promise<boolean> {
  return engineAt(dockerHost)
    .docker.ping()
    .then(
      () => true,
      () => false,
    );
}

function script(env: Record<string, string>): Promise<void> {
  const file = fileURLToPath(new URL('start-engine.sh', import.meta.url));
  return new Promise((resolve, reject) => {
    // dockerd gets its own log file, so the pipe closes when the script ends.
    const child = spawn('bash', [file], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.on('error', reject);
    child.on('close', (status) =>
      status === 0 ? resolve() : reject(new LabError(`the engine did not start (it takes root):\n${said}`)),
    );
  });
}

export async function stopEngine(kind: EngineKind, { spare, lab, node }: EngineOptions = {}): Promise<void> {
  const { run, netns } = placeOf(kind, { spare, lab, node });
  // One that does not end is killed below.
  await stopDaemon(kind, { spare, lab, node }).catch(() => {});
  for (const one of [netns, ...hostsBeside(netns)]) {
    killAllOf(one);
    quietly('ip', 'netns', 'del', one);
  }
  quietly('ip', 'link', 'del', netns);
  rmSync(run, { recursive: true, force: true });
}

/** The namespaces (netns.ts) that a test which did not come to its end has left, linked to that of the engine. */
function hostsBeside(netns: string): string[] {
  const { stdout } = spawnSync('ip', ['-n', netns, '-o', 'link'], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/^\d+: (swtest-[0-9a-f]{6})@/gm)].flatMap(([, name]) => name ?? []);
}

/** What a daemon leaves alive: the process that holds the namespaces, those that watch a container each, and their children. */
function killAllOf(netns: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', netns], { encoding: 'utf8' });
  const own = (stdout ?? '').split('\n').filter(Boolean);
  const children = own.flatMap((pid) => read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean));
  for (const pid of [...children, ...own]) quietly('kill', '-KILL', pid);
}

function daemonOf(run: string): number {
  return Number(read(path.join(run, 'dockerd.pid')));
}

async function ended(runs: () => boolean): Promise<void> {
  await eventually('the daemon has ended', async () => !runs());
}

function isRunning(pid: number, { daemon = 'dockerd' }: Kind): boolean {
  return isNamed(pid, daemon);
}

/** A pid file outlives a reboot; the number may be somebody else's by now. */
function isNamed(pid: number, name: string): boolean {
  return pid > 0 && read(`/proc/${pid}/comm`).trim() === name;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function quietly(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    // It is gone already.
  }
}

// ---- by hand

const USAGE = `usage: engines.ts up <${ENGINE_KINDS.join('|')}> [--binaries DIR] [--join] | down [name]`;

async function main(args: string[]): Promise<void> {
  const options = { binaries: { type: 'string' }, join: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [command, named, ...more] = positionals;
  const kind = ENGINE_KINDS.find((known) => known === named);
  if (more.length > 0 || (named !== undefined && !kind)) throw new LabError(USAGE);
  if (command === 'up' && kind) return up(kind, values);
  if (command === 'down') return down(kind ? [kind] : ENGINE_KINDS);
  throw new LabError(USAGE);
}

async function up(kind: EngineKind, { join, binaries }: { join?: boolean; binaries?: string }): Promise<void> {
  const { dockerHost, address, netns } = await startEngine(kind, {
    fresh: !join,
    ...(binaries === undefined ? {} : { binaries }),
  });
  console.error(`published ports: ${address}, or 127.0.0.1 under nsenter --net=/run/netns/${netns}`);
  console.log(`DOCKER_HOST=${dockerHost}`);
}

async function down(kinds: readonly EngineKind[]): Promise<void> {
  for (const kind of kinds) {
    for (const spare of [undefined, ...SPARES])
      if (existsSync(placeOf(kind, { spare }).run)) await stopEngine(kind, { spare });
  }
}

/** The end of a program of the lab: only a bug keeps its stack. */
export function endOnMistake(error: unknown): void {
  const isUsage = String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  const isMistake = isUsage || error instanceof LabError || error instanceof Failure;
  console.error(isMistake ? (error as Error).message : error);
  process.exitCode = isMistake ? 2 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2)).catch(endOnMistake);

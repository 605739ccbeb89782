// Other Docker Engines beside the one of this machine, out of other Debian suites.
//
//   npx tsx test/lab/engines.ts up sid      prints DOCKER_HOST=…; tests run on it with that set
//   npx tsx test/lab/engines.ts down sid    ends it (without a name: all of them)
//
// Published ports are reached at `address` (10.231.N.2) and not at 127.0.0.1, which is the engine's own in its namespace.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache.ts';
import { type Suite, withPackages } from './debian.ts';
import { type EngineUnderTest, engineAt } from './engine.ts';

interface Kind {
  suite: Suite;
  flags?: string[];
  env?: Record<string, string>;
}

/** In Debian at the time of writing: 20.10, 26.1 and 28.5; the last one is set up to be like 29. */
const KINDS = {
  bookworm: { suite: 'bookworm' },
  trixie: { suite: 'trixie' },
  sid: { suite: 'sid' },
  'sid-like-29': {
    suite: 'sid',
    flags: ['--feature', 'containerd-snapshotter=true'],
    env: { DOCKER_MIN_API_VERSION: '1.44' },
  },
  'bookworm-direct': { suite: 'bookworm', flags: ['--userland-proxy=false'] },
} satisfies Record<string, Kind>;

export type EngineKind = keyof typeof KINDS;
export const ENGINE_KINDS = Object.keys(KINDS) as EngineKind[];

export interface OtherEngine extends EngineUnderTest {
  /** For `nsenter --net=/run/netns/<netns>`. */
  netns: string;
  /** Ends it if it was started here; one that ran before goes on. */
  stop(): Promise<void>;
}

/** Takes about 15 seconds the first time, 2 later on. Root only. */
export async function startEngine(kind: EngineKind, extra: { flags?: string[] } = {}): Promise<OtherEngine> {
  const { suite, flags = [], env = {} }: Kind = KINDS[kind];
  const place = placeOf(kind);
  if (await answers(place.dockerHost))
    return { ...engineAt(place.dockerHost), netns: place.netns, stop: async () => {} };
  await stopEngine(kind);
  const root = unpackedEngine(suite);
  mkdirSync(place.run, { recursive: true, mode: 0o700 });
  mkdirSync(place.data, { recursive: true });
  const facts = { address: `10.231.${place.number}.2`, hostAddress: `10.231.${place.number}.1` };
  writeFileSync(path.join(place.run, 'engine.json'), JSON.stringify(facts));
  await script({
    ...env,
    ROOT: root,
    RUN: place.run,
    DATA: place.data,
    N: String(place.number),
    FLAGS: [...flags, ...(extra.flags ?? [])].join(' '),
  });
  return { ...engineAt(place.dockerHost), netns: place.netns, stop: () => stopEngine(kind) };
}

/** Everything of an engine follows from its name, so that another process finds it, and can end it. */
function placeOf(kind: EngineKind) {
  const number = 101 + ENGINE_KINDS.indexOf(kind);
  // In the folder for temporary files, because the path of a socket must not be long.
  const run = path.join(os.tmpdir(), `swapctl-test-engine-${kind}`);
  return {
    number,
    run,
    data: cacheFolder('engines', kind, 'data'),
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
      status === 0 ? resolve() : reject(new Error(`the engine did not start (it takes root):\n${said}`)),
    );
  });
}

export async function stopEngine(kind: EngineKind): Promise<void> {
  const { run, netns } = placeOf(kind);
  const pidFile = path.join(run, 'dockerd.pid');
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0;
  if (isDockerd(pid)) process.kill(pid, 'SIGTERM');
  for (let tries = 0; tries < 300 && isDockerd(pid); tries++) await sleep(100);
  quietly('ip', 'netns', 'del', netns);
  quietly('ip', 'link', 'del', netns);
  rmSync(run, { recursive: true, force: true });
}

/** A pid file outlives a reboot; the number may be somebody else's by now. */
function isDockerd(pid: number): boolean {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dockerd';
  } catch {
    return false;
  }
}

function quietly(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    // It is gone already.
  }
}

// ---- unpacking

const PACKAGES = 'docker.io containerd runc iptables nftables ca-certificates base-files bash coreutils libc-bin kmod';
const BASE = 'iproute2 procps util-linux mount';

/** The root folder of a suite's engine: its packages and all they depend on, as if it were a machine of that suite. */
function unpackedEngine(suite: Suite): string {
  const folder = cacheFolder('suites', suite);
  const root = path.join(folder, 'root');
  const complete = path.join(folder, 'complete');
  if (existsSync(complete)) return root;
  rmSync(root, { recursive: true, force: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(path.join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, path.join(root, name));
  }
  const packages = [...PACKAGES.split(' '), ...BASE.split(' '), ...(suite === 'bookworm' ? [] : ['docker-cli'])];
  const unpack = (debs: string[]) => {
    // tar and not dpkg-deb -x, which would replace the links from /bin to /usr/bin by folders.
    const pipe = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
    for (const deb of debs) execFileSync('bash', ['-euo', 'pipefail', '-c', pipe, 'unpack', deb, root]);
  };
  withPackages(suite, packages, folder, unpack, { closure: true });
  finish(root);
  writeFileSync(complete, '');
  return root;
}

/** What the packages' own scripts would have done. */
function finish(root: string): void {
  const inside = (...names: string[]) => path.join(root, ...names);
  for (const name of ['iptables', 'ip6tables']) {
    for (const variant of ['', '-save', '-restore']) {
      const link = inside('usr/sbin', `${name}${variant}`);
      rmSync(link, { force: true });
      symlinkSync('/usr/sbin/xtables-nft-multi', link);
    }
  }
  for (const folder of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'etc/docker', 'etc/ssl/certs', 'var/lib', '.old']) {
    mkdirSync(inside(folder), { recursive: true });
  }
  rmSync(inside('var/run'), { recursive: true, force: true });
  symlinkSync('/run', inside('var/run'));
  writeFileSync(inside('etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(inside('etc/group'), 'root:x:0:\ndocker:x:998:\n');
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(certificates)) cpSync(certificates, inside(certificates));
  execFileSync('chroot', [root, '/sbin/ldconfig']);
}

// ---- by hand

async function main([command, kind]: string[]): Promise<void> {
  const kinds = kind ? ENGINE_KINDS.filter((known) => known === kind) : ENGINE_KINDS;
  if (command === 'up' && kind && kinds[0]) {
    const { dockerHost, address, netns } = await startEngine(kinds[0]);
    console.error(`published ports: ${address}, or 127.0.0.1 under nsenter --net=/run/netns/${netns}`);
    console.log(`DOCKER_HOST=${dockerHost}`);
  } else if (command === 'down' && kinds.length > 0) {
    const running = readdirSync(os.tmpdir());
    for (const one of kinds) if (running.includes(path.basename(placeOf(one).run))) await stopEngine(one);
  } else {
    console.error(`usage: engines.ts up <${ENGINE_KINDS.join('|')}> | down [name]`);
    process.exitCode = 2;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

// Brings a fresh clone to the point where tests can run: npm packages, a few programs, a Docker engine.
// By hand: `node scripts/prepare.mjs` prepares all of it and leaves the engine running.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dockerHost, engineAnswers } from './engine-http.mjs';
import { attempt, exitWith, Failure, run, say } from './shell.mjs';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

export function cacheFolder() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'swapctl-test');
}

// ---- npm packages

export async function dependencies() {
  // npm writes the inner lock file at the end of an install: it is the proof that one was complete.
  const wanted = modifiedAt(path.join(root, 'package-lock.json'));
  const installed = modifiedAt(path.join(root, 'node_modules/.package-lock.json'));
  if (installed && wanted <= installed) return;
  say(installed ? 'package-lock.json has changed: npm ci' : 'no node_modules yet: npm ci');
  const quiet = ['--no-audit', '--no-fund'];
  const { code, output } = await attempt('npm', ['ci', ...quiet], { cwd: root });
  if (code === 0) return;
  // `npm ci` also insists on the builds for other platforms, which not every mirror has; `npm install` does without.
  say(`npm ci failed (${firstError(output)}), trying npm install`);
  await run('npm', ['install', '--no-save', ...quiet], { cwd: root });
}

function firstError(output) {
  return output.match(/^npm error (?!code)(\S.*)$/m)?.[1] ?? 'for no stated reason';
}

function modifiedAt(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

// ---- programs

// Installed, because they belong on a machine with an engine; program -> Debian package.
const INSTALLED = { nft: 'nftables', ip: 'iproute2', openssl: 'openssl', ssh: 'openssh-client' };

// Only unpacked into the cache: installing these would start a service (registry, sshd) or push out another busybox.
const UNPACKED = {
  'bin/busybox': ['busybox-static'],
  'usr/bin/docker-registry': ['docker-registry'],
  'usr/sbin/sshd': ['openssh-server', 'libwrap0'],
  'usr/bin/tini': ['tini'],
};

/** Sees to the programs that tests need beside the engine; returns the folder of the unpacked ones. */
export async function tools() {
  const missing = Object.keys(INSTALLED).filter((program) => !onPath(program));
  if (missing.length > 0) await install(missing.map((program) => INSTALLED[program]));
  const folder = path.join(cacheFolder(), 'tools');
  for (const [file, packages] of Object.entries(UNPACKED)) {
    if (!existsSync(path.join(folder, file))) await unpack(packages, folder);
  }
  return folder;
}

function onPath(program) {
  // sbin is not on everybody's PATH, and that is where these live.
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

async function install(packages) {
  needDebian(packages);
  if (process.getuid() !== 0) {
    throw new Failure(`not installed: ${packages.join(', ')}. As root: apt-get install ${packages.join(' ')}`);
  }
  await update();
  say(`apt-get install ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env });
}

async function unpack(packages, folder) {
  needDebian(packages);
  say(`unpacking ${packages.join(' and ')} into ${folder}`);
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(path.join(folder, 'download-'));
  try {
    const download = ['-o', 'APT::Sandbox::User=root', 'download', ...packages];
    if ((await attempt('apt-get', download, { cwd: work })).code !== 0) {
      await update();
      await run('apt-get', download, { cwd: work });
    }
    for (const deb of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', path.join(work, deb), folder]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function needDebian(packages) {
  if (onPath('apt-get')) return;
  throw new Failure(`this machine lacks ${packages.join(', ')} and has no apt-get to get it with`);
}

let updated = false;
async function update() {
  if (updated || process.getuid() !== 0) return;
  updated = true;
  say('apt-get update');
  const { code, output } = await attempt('apt-get', ['update']);
  // One unreachable source is no reason to stop: the install that follows knows whether it matters.
  if (code !== 0) say(`apt-get update failed, going on with the lists there are:\n${output.trimEnd()}`);
}

// ---- the engine

/**
 * The engine that DOCKER_HOST or the default socket leads to. If none answers, Docker is installed (if need be) and
 * started. `stop()` ends what was started here and nothing else: an engine that was there before goes on.
 */
export async function engine() {
  const found = await engineAnswers();
  if (found) return handle(found, false, async () => {});
  if (process.env.DOCKER_HOST) throw new Failure(`no engine answers at DOCKER_HOST=${dockerHost()}`);
  await installEngine();
  // Installing the package may have started it, where an init system is running.
  const stop = (await engineAnswers()) ? stopService : await startEngine();
  return handle(await engineAnswers(), true, stop);
}

function handle(version, started, stop) {
  say(`${started ? 'started' : 'using'} engine ${version.Version}, API ${version.ApiVersion}, at ${dockerHost()}`);
  return { dockerHost: dockerHost(), version, started, stop };
}

async function installEngine() {
  if (onPath('dockerd')) return;
  say('no Docker engine is installed');
  const packages = ['docker.io', 'iptables', 'ca-certificates'];
  if (!systemdRuns() && !cgroupsMounted()) packages.push('cgroupfs-mount');
  await install(packages);
}

async function startEngine() {
  if (process.getuid() !== 0) {
    throw new Failure('no Docker engine answers, and starting one takes root: start it, or set DOCKER_HOST');
  }
  if (systemdRuns()) {
    await run('systemctl', ['start', 'docker']);
    await untilEngineAnswers(() => undefined);
    return stopService;
  }
  if (!cgroupsMounted()) await run('cgroupfs-mount', []);
  return startDaemon();
}

async function startDaemon() {
  const log = path.join(cacheFolder(), 'dockerd.log');
  mkdirSync(path.dirname(log), { recursive: true });
  if (existsSync(log)) renameSync(log, `${log}.1`);
  const out = openSync(log, 'w');
  say(`starting dockerd, its log is ${log}`);
  // dockerd runs itself for the namespaces and the files of each container, and then spends most on collecting garbage.
  const env = { GOGC: '800', ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  // Detached, so that a Ctrl-C meant for the tests doesn't take the engine from under them.
  const daemon = spawn('dockerd', [], { detached: true, stdio: ['ignore', out, out], env });
  closeSync(out);
  let ended;
  const end = new Promise((resolve) => {
    daemon.on('error', resolve).on('exit', resolve);
  }).then((how) => {
    ended = `dockerd ended (${how instanceof Error ? how.message : how}):\n${tail(log)}`;
  });
  daemon.unref();
  await untilEngineAnswers(() => ended, log);
  return async () => {
    if (ended !== undefined) return;
    say('stopping dockerd');
    // The wait keeps our own process alive, although the child is unref'd.
    const alive = setInterval(() => {}, 1000);
    daemon.kill('SIGTERM');
    await end;
    clearInterval(alive);
  };
}

async function untilEngineAnswers(ended, log) {
  const deadline = Date.now() + 60_000;
  while (!(await engineAnswers())) {
    if (ended() !== undefined) throw new Failure(ended());
    if (Date.now() > deadline) {
      throw new Failure(`the engine did not answer within 60 s\n${log ? tail(log) : ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function tail(log) {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}

async function stopService() {
  say('stopping the docker service');
  if (systemdRuns()) await run('systemctl', ['stop', 'docker', 'docker.socket']);
  else await run('service', ['docker', 'stop']);
}

function systemdRuns() {
  return existsSync('/run/systemd/system');
}

function cgroupsMounted() {
  return /^\S+ \S+ cgroup2? /m.test(readFileSync('/proc/mounts', 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  exitWith(
    (async () => {
      await dependencies();
      await tools();
      await engine();
    })(),
  );
}

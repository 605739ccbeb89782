// The Docker engine that tests, the demo and the benchmark run on.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { dockerHost, engineAnswers } from './engine-http.mjs';
import { cacheFolder } from './prepare/cache.mjs';
import { aloneOnThisMachine, install, onPath } from './prepare/machine.mjs';
import { Failure, run, say } from './shell.mjs';

let installedHere = false;

/** Installs Docker if no engine answers: a part of the preparation, because it downloads. */
export async function installEngine() {
  if (process.env.DOCKER_HOST || onPath('dockerd') || (await engineAnswers())) return false;
  await install(() => (onPath('dockerd') ? [] : enginePackages()));
  installedHere = true;
  return true;
}

function enginePackages() {
  const packages = ['docker.io', 'iptables', 'ca-certificates'];
  if (!systemdRuns() && !cgroupsMounted()) packages.push('cgroupfs-mount');
  return packages;
}

/**
 * The engine that DOCKER_HOST or the default socket leads to, started if none answers. `stop()` ends an engine that was started
 * here; one that ran before goes on.
 */
export async function engine() {
  const found = await engineAnswers();
  // Installing the package starts the engine where an init system is running.
  if (found && !installedHere) return handle(found, false, async () => {});
  if (found) return handle(found, true, stopService);
  if (process.env.DOCKER_HOST) throw new Failure(`no engine answers at DOCKER_HOST=${dockerHost()}`);
  const stop = await aloneOnThisMachine('starts the engine', startUnlessAnswers);
  return handle(await engineAnswers(), true, stop);
}

function handle(version, started, stop) {
  say(`${started ? 'started' : 'using'} engine ${version.Version}, API ${version.ApiVersion}, at ${dockerHost()}`);
  return { dockerHost: dockerHost(), version, started, stop };
}

/** Another process may have started it while this one waited. */
async function startUnlessAnswers() {
  return (await engineAnswers()) ? async () => {} : startEngine();
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

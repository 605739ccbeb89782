// Programs that belong on a machine with an engine: installed by its own apt if they are missing, by one process at a time.
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Failure, say } from '../shell.mjs';
import { interruptible, runnerUntil } from './interrupt.mjs';
import { locked } from './lock.mjs';

/** By program, the Debian package that has it. */
const PROGRAMS = { nft: 'nftables', ip: 'iproute2', openssl: 'openssl', ssh: 'openssh-client' };

export function installPrograms() {
  return install(() => Object.keys(PROGRAMS).flatMap((program) => (onPath(program) ? [] : PROGRAMS[program])));
}

export function onPath(program) {
  // sbin is not on everybody's PATH, and these programs live there.
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

/**
 * `missing` says which packages are to be installed; it is asked again once no other process installs any. Resolves to true if
 * there were some.
 */
export async function install(missing) {
  if (missing().length === 0) return false;
  refuse(missing());
  await aloneOnThisMachine('installs packages or starts the engine', async (signal) => {
    if (missing().length > 0) await installPackages(missing(), signal);
  });
  return true;
}

/** Runs `work` while no other process changes this machine, whichever cache it uses. */
export function aloneOnThisMachine(what, work) {
  const lock = path.join(os.tmpdir(), 'swapctl-test-machine.lock');
  return interruptible((signal) => locked(lock, what, signal, () => work(signal)));
}

function refuse(packages) {
  if (!onPath('apt-get')) {
    throw new Failure(`this machine lacks ${packages.join(', ')} and has no apt-get to install them with`);
  }
  if (process.getuid() !== 0) {
    throw new Failure(`not installed: ${packages.join(', ')}. As root: apt-get install ${packages.join(' ')}`);
  }
}

async function installPackages(packages, signal) {
  await updateIndex(runnerUntil(signal));
  say(`apt-get install ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600'];
  await runnerUntil(signal)('apt-get', ['install', ...options, '--download-only', ...packages], { env });
  // Not interrupted: dpkg would have to be repaired by hand.
  await runnerUntil(new AbortController().signal)('apt-get', ['install', ...options, ...packages], { env });
}

async function updateIndex(run) {
  say('apt-get update');
  try {
    await run('apt-get', ['update']);
  } catch (error) {
    // One unreachable source is no reason to stop: the install that follows knows whether it matters.
    say(`going on with the package lists that are here: ${error.message}`);
  }
}

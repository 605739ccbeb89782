// An ssh server of the test's own, which leads to this machine: for DOCKER_HOST=ssh://…
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { unpackedTool } from './cache.ts';
import { accepts, freePort } from './port.ts';

export interface Sshd {
  /** `ssh://root@127.0.0.1:PORT` */
  dockerHost: string;
  /** To be put first in PATH: its `ssh` is the system's, with the test's key and known hosts instead of the user's. */
  bin: string;
  /** The known_hosts of that ssh; emptied, the host is an unknown one. */
  knownHosts: string;
  stop(): Promise<void>;
}

/** Root only. */
export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-sshd-'));
  const file = (name: string) => path.join(folder, name);
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
  }
  const port = await freePort('127.0.0.1');
  writeFileSync(file('passwd'), `${readFileSync('/etc/passwd', 'utf8')}sshd:x:65500:65534::/run/sshd:/bin/false\n`);
  writeFileSync(file('config'), serverConfig(folder, port));
  writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(file('host.pub'), 'utf8')}`);
  const bin = clientWrapper(folder);
  // sshd insists on this folder; made in the namespace it would show outside as well.
  const madeRun = mkdirSync('/run/sshd', { recursive: true });

  const sshd = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-euc', IN_NAMESPACE], {
    env: { ...process.env, SSHD: unpackedTool('usr/sbin/sshd'), LIBRARIES: libraries(), FOLDER: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  sshd.stderr.on('data', (text) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => void sshd.on('close', () => resolve()));
  const kill = () => void sshd.kill('SIGKILL');
  process.once('exit', kill);
  if (!(await accepts('127.0.0.1', port, () => sshd.exitCode === null))) throw new Error(`no sshd:\n${said}`);
  return {
    dockerHost: `ssh://root@127.0.0.1:${port}`,
    bin,
    knownHosts: file('known_hosts'),
    async stop() {
      process.off('exit', kill);
      sshd.kill('SIGTERM');
      await ended;
      if (madeRun) rmSync(madeRun, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// sshd wants a user of its own and a folder in /run. The user it gets in a mount namespace, so that the machine's own list stays as it is.
const IN_NAMESPACE = `
mount --bind "$FOLDER/passwd" /etc/passwd
export LD_LIBRARY_PATH="$LIBRARIES"
exec "$SSHD" -D -e -f "$FOLDER/config"`;

function libraries(): string {
  return [unpackedTool(`usr/lib/${multiarch()}`), unpackedTool(`lib/${multiarch()}`)].join(':');
}

function multiarch(): string {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
}

function serverConfig(folder: string, port: number): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/user.pub`,
    'PidFile none',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // The key is in the folder for temporary files, which others may write to.
    'StrictModes no',
    'UsePAM no',
    '',
  ].join('\n');
}

function clientWrapper(folder: string): string {
  const bin = path.join(folder, 'bin');
  const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  const options = `-F none -i ${folder}/user -o IdentitiesOnly=yes -o UserKnownHostsFile=${folder}/known_hosts`;
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'ssh'), `#!/bin/sh\nexec ${ssh} ${options} "$@"\n`);
  chmodSync(path.join(bin, 'ssh'), 0o755);
  return bin;
}

// An ssh server of the test's own, which leads to this machine (in one of its network namespaces, if need be): for
// DOCKER_HOST=ssh://…
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { unpackedTool } from './cache.ts';
import { enter } from './netns.ts';
import { accepts, freePort } from './port.ts';

export interface Sshd {
  /** `ssh://root@127.0.0.1:PORT` */
  dockerHost: string;
  /** To be put first in PATH: its `ssh` is the system's, with the test's key and known hosts instead of the user's. */
  bin: string;
  /** The known_hosts of that ssh; emptied, the host is an unknown one. */
  knownHosts: string;
  /** The private key that it lets in. */
  key: string;
  /** For `ssh://` without the wrapper in `bin`. */
  address: string;
  port: number;
  stop(): Promise<void>;
}

export interface SshdOptions {
  /** The network namespace that it lives in, and its address there. */
  netns?: string;
  address?: string;
}

/** Root only. */
export async function startSshd({ netns, address = '127.0.0.1' }: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-sshd-'));
  const file = (name: string) => path.join(folder, name);
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
  }
  const port = netns === undefined ? await freePort(address) : PORT_INSIDE;
  writeFileSync(file('passwd'), `${readFileSync('/etc/passwd', 'utf8')}sshd:x:65500:65534::/run/sshd:/bin/false\n`);
  writeFileSync(file('config'), serverConfig(folder, address, port));
  writeFileSync(file('known_hosts'), `[${address}]:${port} ${readFileSync(file('host.pub'), 'utf8')}`);
  const bin = clientWrapper(folder);
  // sshd insists on this folder; made in the namespace it would show outside as well.
  const madeRun = mkdirSync('/run/sshd', { recursive: true });

  const command = ['unshare', '--mount', '--propagation', 'private', 'sh', '-euc', IN_NAMESPACE];
  const [program = '', ...args] = enter(netns, command);
  const sshd = spawn(program, args, {
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
  if (!(await accepts(address, port, () => sshd.exitCode === null))) throw new Error(`no sshd:\n${said}`);
  return {
    dockerHost: `ssh://root@${address}:${port}`,
    bin,
    knownHosts: file('known_hosts'),
    key: file('user'),
    address,
    port,
    async stop() {
      process.off('exit', kill);
      sshd.kill('SIGTERM');
      await ended;
      if (madeRun) rmSync(madeRun, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// In a namespace of a test's own nobody else listens.
const PORT_INSIDE = 2222;

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

function serverConfig(folder: string, address: string, port: number): string {
  return [
    `Port ${port}`,
    `ListenAddress ${address}`,
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

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { unpackedTool } from '../../../lab/cache.ts';
import { eventually } from '../../../lab/waiting.ts';

const root = process.getuid?.() === 0;

/** Why no sshd can be run here, false if one can. */
export function noSshd(): string | false {
  if (spawnSync('ssh', ['-V']).status !== 0) return 'no ssh client';
  // As root, sshd needs a user and a folder of its own, which it gets in a mount namespace.
  if (root && spawnSync('unshare', ['-m', 'true']).status !== 0)
    return 'as root, sshd needs a mount namespace (CAP_SYS_ADMIN)';
  return false;
}

/** A real sshd on a free port of 127.0.0.1, and clients for it. */
export type FakeBox = {
  /** The `docker` of logins: it records its arguments in `calls` and joins stdin and stdout with the engine's socket. */
  readonly docker: string;
  readonly calls: () => string[];
  /** A program to use as `ssh`, whose config knows the host `box`; by default with the right key and known_hosts. */
  readonly client: (name: string, options?: { knownHosts?: string; key?: string }) => string;
  readonly keygen: (name: string) => string;
  readonly knownHosts: (publicKeyFile: string) => string;
};

/** Starts sshd in a folder, with throw-away keys, in front of an engine's unix socket. */
export async function fakeBox(t: TestContext, folder: string, engineSocket: string): Promise<FakeBox> {
  const at = (name: string) => join(folder, name);
  const port = await freePort();
  const keygen = (name: string): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    return at(name);
  };
  const hostKey = keygen('host-key');
  const userKey = keygen('user-key');
  const docker = writeDocker(folder, engineSocket);
  writeFileSync(at('sshd_config'), sshdConfig({ port, hostKey, authorized: `${userKey}.pub`, path: at('bin') }));
  await startSshd(t, folder, port);
  const knownHosts = (file: string): string => `[127.0.0.1]:${port} ${readFileSync(file, 'utf8')}`;
  const client: FakeBox['client'] = (name, options = {}) => {
    writeFileSync(at(`${name}.known`), options.knownHosts ?? knownHosts(`${hostKey}.pub`));
    writeFileSync(
      at(`${name}.conf`),
      sshConfig({ port, key: options.key ?? userKey, knownHosts: at(`${name}.known`) }),
    );
    return script(at(name), `exec ssh -F ${at(`${name}.conf`)} "$@"`);
  };
  const calls = () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : []);
  return { docker, calls, client, keygen, knownHosts };
}

/** Writes an executable shell script. */
export function script(file: string, body: string): string {
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

function writeDocker(folder: string, engineSocket: string): string {
  const dial = join(folder, 'dial.mjs');
  writeFileSync(
    dial,
    `import { connect } from 'node:net';
     const socket = connect({ path: ${JSON.stringify(engineSocket)}, allowHalfOpen: true });
     process.stdin.pipe(socket);
     socket.pipe(process.stdout, { end: false });
     socket.on('end', () => process.stdout.write('', () => process.exit(0)));`,
  );
  execFileSync('mkdir', [join(folder, 'bin')]);
  return script(join(folder, 'bin/docker'), `echo "$*" >> ${join(folder, 'calls')}\nexec ${process.execPath} ${dial}`);
}

function sshdConfig(at: { port: number; hostKey: string; authorized: string; path: string }): string {
  const lines = [
    `Port ${at.port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at.hostKey}`,
    `AuthorizedKeysFile ${at.authorized}`,
  ];
  lines.push(
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
  );
  return [...lines, 'PermitRootLogin prohibit-password', `SetEnv PATH=${at.path}`, ''].join('\n');
}

function sshConfig(at: { port: number; key: string; knownHosts: string }): string {
  const lines = [
    'Host box',
    'HostName 127.0.0.1',
    `Port ${at.port}`,
    `User ${userInfo().username}`,
    `IdentityFile ${at.key}`,
  ];
  lines.push(
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${at.knownHosts}`,
    'GlobalKnownHostsFile /dev/null',
  );
  return `${lines.join('\n')}\n`;
}

async function startSshd(t: TestContext, folder: string, port: number): Promise<void> {
  const command = `exec ${unpackedTool('usr/sbin/sshd')} -D -e -f ${join(folder, 'sshd_config')}`;
  const child = root
    ? spawn('unshare', ['-m', 'sh', '-ec', inNamespace(folder, command)], withLibraries())
    : spawn('sh', ['-c', command], withLibraries());
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  t.after(() => child.kill());
  await eventually('sshd answers', async () => {
    if (child.exitCode !== null) throw new Error(`sshd did not start: ${said}`);
    return answers(port);
  });
}

/** A user `sshd`, a plain shell for root, and /run/sshd, visible only for this sshd. */
function inNamespace(folder: string, command: string): string {
  const passwd = readFileSync('/etc/passwd', 'utf8').replace(/^(root:.*:)[^:]*$/m, '$1/bin/sh');
  const extra = /^sshd:/m.test(passwd) ? '' : 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n';
  writeFileSync(join(folder, 'passwd'), passwd + extra);
  return `mount --bind ${join(folder, 'passwd')} /etc/passwd; mount -t tmpfs tmpfs /run; mkdir /run/sshd; ${command}`;
}

function withLibraries(): { stdio: ['ignore', 'ignore', 'pipe']; env: NodeJS.ProcessEnv } {
  const lib = unpackedTool('usr/lib');
  const folders = readdirSync(lib).filter((name) => name.includes('linux'));
  const paths = folders.map((name) => join(lib, name)).join(':');
  return { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LD_LIBRARY_PATH: paths } };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

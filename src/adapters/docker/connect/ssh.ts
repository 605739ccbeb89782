import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { shellWord } from '../../../core/text/encode/shell.ts';
import type { Dial } from './agent.ts';
import type { Endpoint, SshTrust } from './endpoint.ts';

/** An endpoint reached over ssh. */
export type SshEndpoint = Endpoint & { kind: 'ssh' };

/** Why an ssh connection died: a sentence from ssh's stderr, and what to do about it. */
export type SshError = Error & { readonly code: 'ESSH'; readonly hint: string };

type Ssh = ChildProcessByStdio<Writable, Readable, Readable>;

/** The number of concurrent logins: sshd drops some above 10 (MaxStartups). */
const LOGINS_AT_ONCE = 4;
/** After this time a login without data counts as done; an engine may be silent for long on a `wait`. */
const LOGIN_SHOWS_MS = 2_000;
/** The time to read the rest of stderr after ssh has ended. */
const LAST_WORDS_MS = 200;

/**
 * Dials by starting the system's ssh (or `program`), which runs `docker system dial-stdio` on the other host; so ~/.ssh/config,
 * agents and known_hosts apply, and an unknown host key is refused. When a connection dies, its error is an SshError.
 */
export function sshDial(endpoint: SshEndpoint, timeoutMs: number, program = 'ssh'): Dial {
  const args = sshArgs(endpoint, timeoutMs);
  const gate = loginGate(LOGINS_AT_ONCE);
  return (done) => gate((loggedIn) => done(null, openSsh({ program, args, endpoint, loggedIn })));
}

/** The arguments of ssh: no questions, no terminal, and none of the forwardings and commands of an interactive Host block. */
export function sshArgs({ host, user, port, socket, trust }: SshEndpoint, timeoutMs: number): string[] {
  const options = ['BatchMode=yes', `ConnectTimeout=${Math.ceil(timeoutMs / 1000)}`, 'ServerAliveInterval=20'];
  options.push('ClearAllForwardings=yes', 'RemoteCommand=none', ...trustOptions(trust ?? {}));
  const login = [...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', `${port}`])];
  // ssh hands the command to a shell on the other side.
  const which = socket === undefined ? [] : ['--host', shellWord(`unix://${socket}`)];
  return [
    ...options.flatMap((option) => ['-o', option]),
    '-T',
    ...login,
    '--',
    host,
    'docker',
    ...which,
    'system',
    'dial-stdio',
  ];
}

/** Only the given files count: no other key is tried, no other list of hosts is read, and nothing is learnt. */
function trustOptions({ identityFile, knownHostsFile }: SshTrust): string[] {
  const login = identityFile
    ? [`IdentityFile=${quoted(identityFile)}`, 'IdentitiesOnly=yes', 'IdentityAgent=none']
    : [];
  const hosts = ['StrictHostKeyChecking=yes', 'UpdateHostKeys=no', 'GlobalKnownHostsFile=/dev/null'];
  return [...login, ...(knownHostsFile ? [`UserKnownHostsFile=${quoted(knownHostsFile)}`, ...hosts] : [])];
}

/** A path in an option is read as in ssh_config(5): spaces separate, and % is special. */
function quoted(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}

/** Runs `limit` logins at once and queues the others. */
function loginGate(limit: number): (start: (loggedIn: () => void) => void) => void {
  const waiting: (() => void)[] = [];
  let running = 0;
  const next = (): void => {
    running -= 1;
    waiting.shift()?.();
  };
  return (start) => {
    const run = () => {
      running += 1;
      start(once(next));
    };
    if (running < limit) run();
    else waiting.push(run);
  };
}

function once(action: () => void): () => void {
  let open = true;
  return () => {
    const first = open;
    open = false;
    if (first) action();
  };
}

/** One ssh process as a socket. Its own process group shields it from the terminal's Ctrl-C: the roll must be able to end first. */
function openSsh(call: { program: string; args: string[]; endpoint: SshEndpoint; loggedIn: () => void }): Duplex {
  const ssh: Ssh = spawn(call.program, call.args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const timer = setTimeout(call.loggedIn, LOGIN_SHOWS_MS).unref();
  const loggedIn = (): void => {
    clearTimeout(timer);
    call.loggedIn();
  };
  const socket = asSocket(ssh);
  ssh.stdout.once('data', loggedIn);
  ssh.once('error', (error: NodeJS.ErrnoException) => socket.destroy(cannotStart(call.program, error)));
  whenOver(ssh, (status, words) => {
    if (status === 0) socket.push(null);
    else socket.destroy(died(call.endpoint, status, words));
  });
  socket.once('close', loggedIn);
  return socket;
}

/** Reading, writing, half-closing and destroying, and the methods that http.Agent calls on a kept socket. */
function asSocket(ssh: Ssh): Duplex {
  const socket = new Duplex({
    read: () => void ssh.stdout.resume(),
    // If the pipe is broken, ssh has ended: the reason comes from its stderr, so no error here.
    write: (chunk, _encoding, done) => void ssh.stdin.write(chunk, (error) => error ?? done()),
    final: (done) => void ssh.stdin.end(() => done()),
    destroy: (error, done) => {
      end(ssh);
      done(error);
    },
  });
  ssh.stdin.on('error', () => {});
  ssh.stdout.on('data', (chunk) => socket.push(chunk) || ssh.stdout.pause());
  return Object.assign(socket, socketManners(socket, ssh));
}

/** Methods that http and docker-modem call on a socket beyond Duplex. */
function socketManners(socket: Duplex, ssh: Ssh): object {
  const handles = [ssh, ssh.stdin, ssh.stdout, ssh.stderr] as unknown as Pick<Socket, 'ref' | 'unref'>[];
  const same = () => socket;
  const each = (what: 'ref' | 'unref') => () => {
    for (const handle of handles) handle[what]();
    return socket;
  };
  return {
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
    ref: each('ref'),
    unref: each('unref'),
    destroySoon: () => socket.end(() => socket.destroy()),
  };
}

function end(ssh: Ssh): void {
  for (const pipe of [ssh.stdin, ssh.stdout, ssh.stderr]) pipe.destroy();
  ssh.kill();
  ssh.unref();
}

/**
 * Calls back with the exit status and stderr once ssh has ended and all of its output was read; waits for stderr only briefly,
 * since a ControlPersist process in the background can hold it open.
 */
function whenOver(ssh: Ssh, over: (status: number | null, words: string) => void): void {
  let words = '';
  ssh.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-4096);
  });
  ssh.once('exit', (status) => {
    const finish = once(() => over(status, words));
    whenEnded(ssh.stdout, () => {
      setTimeout(finish, LAST_WORDS_MS);
      whenEnded(ssh.stderr, finish);
    });
  });
}

function whenEnded(pipe: Readable, then: () => void): void {
  if (pipe.readableEnded || pipe.destroyed) then();
  else pipe.once('end', then);
}

function cannotStart(program: string, error: NodeJS.ErrnoException): SshError {
  const why = error.code === 'ENOENT' ? 'is not installed' : `can't be started (${error.code})`;
  return sshError(
    `the program ${program} ${why}`,
    'install the OpenSSH client (Debian: apt-get install openssh-client)',
  );
}

/** 255 is ssh's own failure, 127 a shell without `docker`, anything else comes from docker on the other host. */
function died(endpoint: SshEndpoint, status: number | null, words: string): SshError {
  const { host } = endpoint;
  const said = lastLines(words);
  const byHand = `ssh ${endpoint.port === undefined ? '' : `-p ${endpoint.port} `}${endpoint.user ? `${endpoint.user}@` : ''}${host}`;
  if (status === null) return sshError(`ssh to ${host} was killed`, 'run it again');
  if (status === 127)
    return sshError(
      `there is no docker command on ${host}: ${said}`,
      `install the Docker CLI there, so that this works: ${byHand} docker version`,
    );
  if (status !== 255) return sshError(`docker on ${host} failed: ${said}`, `try: ${byHand} docker version`);
  return sshError(`ssh to ${host} failed: ${said}`, sshHint(byHand, said));
}

function sshHint(byHand: string, said: string): string {
  if (/IDENTIFICATION HAS CHANGED|host key .*changed/i.test(said))
    return 'its key is not the one you trust: find out why before you change known_hosts';
  if (/host key verification failed/i.test(said))
    return `connect once by hand (${byHand}), compare the fingerprint, and accept the key`;
  if (/permission denied/i.test(said))
    return "load a key that the host accepts into your ssh agent: swapctl can't answer password prompts";
  return `try by hand: ${byHand} docker version`;
}

/** The end of stderr in one line, without ssh's banners of @. */
function lastLines(words: string): string {
  const lines = words.split(/\r?\n/).map((line) => line.trim());
  const useful = lines
    .filter((line) => line !== '' && !/^@+$/.test(line))
    .map((line) => line.replace(/^@\s*(.*?)\s*@$/, '$1'));
  return useful.slice(-4).join(' / ').slice(-400) || 'it said nothing';
}

function sshError(message: string, hint: string): SshError {
  return Object.assign(new Error(message), { code: 'ESSH' as const, hint });
}

// A Docker host without an engine: a network namespace with a bridge, and containers that are processes with a network namespace
// and a cgroup of their own. The program that calls inOwnNetwork() is in the host's namespace.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { APP_KEY, APP_PORT, type Box, NETWORK } from '../contract/host.ts';
import { inTime } from './waiting.ts';

/** A process that serves and connects, wherever it is. */
export interface Program {
  readonly pid: number;
  /** Connects; resolves with the name of the server, or undefined if the connection is refused. */
  connect(number: number, host: string, port: number): Promise<string | undefined>;
  echo(number: number): Promise<boolean>;
  /** Sends what is never answered. */
  ask(number: number): Promise<void>;
  close(number: number): Promise<void>;
  end(): Promise<void>;
}

const HOST = '172.29.0.1';
const SUBNET = '172.29.0.0/24';
const DEVICE = 'br-swtest';
export const BRIDGES = [{ device: DEVICE, subnets: [SUBNET] }];
/** The host's address for clients on other hosts (198.18.0.0/15 is for tests of networks: RFC 2544). */
export const FAR_HOST = '198.18.0.1';
const FAR_CLIENT = '198.18.0.2';

/**
 * Whether this process is in a network namespace of its own, which it may change at will. If not, it runs its program again in
 * one, to its end.
 */
export function inOwnNetwork(): boolean {
  const here = readlinkSync('/proc/self/ns/net');
  const outside = process.env[OUTSIDE];
  if (outside !== undefined && outside !== here) return true;
  const [, ...args] = process.argv;
  // The kernel kills the other process with this one, which a test runner may end at any time.
  const command = ['--pdeathsig=KILL', 'unshare', '--net', process.execPath, ...process.execArgv, ...args];
  const { status } = spawnSync('setpriv', command, { stdio: 'inherit', env: { ...process.env, [OUTSIDE]: here } });
  process.exitCode = status ?? 1;
  return false;
}

const OUTSIDE = 'SWAPCTL_TEST_OUTSIDE';

/** Gives this process's namespace a bridge, and lets it pass packets on. */
export function makeBridge(): void {
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  ip(`link set lo up\nlink add ${DEVICE} type bridge\naddr add ${HOST}/24 dev ${DEVICE}\nlink set ${DEVICE} up`);
}

let last = 1;

/** Starts a container with an address on the bridge; `hostPort`: published by `publish`. */
export async function startBox(
  name: string,
  hostPort?: number,
): Promise<{ readonly box: Box; readonly program: Program }> {
  const program = await startProgram(name);
  const number = ++last;
  const [address, mac] = [`172.29.0.${number}`, `02:42:ac:1d:00:${number.toString(16).padStart(2, '0')}`];
  const id = randomBytes(32).toString('hex');
  const ended = joinCgroup(id, program.pid);
  const link = `sw${number}`;
  ip(`link add ${link} type veth peer name eth0 netns ${program.pid} address ${mac}
    link set ${link} master ${DEVICE} up`);
  inside(
    program.pid,
    `addr add ${address}/24 dev eth0\nlink set lo up\nlink set eth0 up\nroute add default via ${HOST}`,
  );
  const published = hostPort === undefined ? [] : [{ containerPort: APP_KEY, hostIp: '0.0.0.0', hostPort }];
  const networks = { [NETWORK]: { IPAddress: address, MacAddress: mac, Gateway: HOST, GlobalIPv6Address: '' } };
  const end = async () => {
    await program.end();
    ended();
  };
  return { box: { id, pid: program.pid, name, networks, published }, program: { ...program, end } };
}

/** Starts a client on another host. */
export async function startFarClient(): Promise<Program> {
  const program = await startProgram('far');
  ip(`link add far type veth peer name eth0 netns ${program.pid}\naddr add ${FAR_HOST}/30 dev far\nlink set far up`);
  inside(program.pid, `addr add ${FAR_CLIENT}/30 dev eth0\nlink set eth0 up\nroute add default via ${FAR_HOST}`);
  return program;
}

/** Publishes ports as the engine does, and those only. */
export function publish(boxes: readonly Box[]): void {
  const rules = boxes.flatMap(({ published, networks }) =>
    published.map(
      ({ hostPort }) =>
        `    fib daddr type local tcp dport ${hostPort} dnat ip to ${networks[NETWORK]?.IPAddress}:${APP_PORT}`,
    ),
  );
  const chain = ['  chain pre {', '    type nat hook prerouting priority -100; policy accept;', ...rules, '  }'];
  const table = ['table ip engine', 'delete table ip engine', 'table ip engine {', ...chain, '}', ''].join('\n');
  run('nft', ['-f', '-'], table);
}

/** Removes all rules. */
export function clearRules(): void {
  run('nft', ['flush', 'ruleset']);
}

async function startProgram(name: string): Promise<Program> {
  const file = fileURLToPath(new URL('apps/echo.mjs', import.meta.url));
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child = spawn('unshare', ['--net', process.execPath, file, name], { stdio: [...stdio] });
  await inTime(new Promise((resolve) => child.once('message', resolve)), `the program ${name} listens`);
  return programOf(child);
}

function programOf(child: ChildProcess): Program {
  let count = 0;
  const waiting = new Map<number, (answer: unknown) => void>();
  child.on('message', ({ id, answer }: { id: number; answer: unknown }) => waiting.get(id)?.(answer));
  const ask = async <T>(call: string, rest: object): Promise<T> => {
    const id = ++count;
    const answer = new Promise((resolve) => waiting.set(id, resolve));
    child.send({ id, call, ...rest });
    return (await inTime(answer, `${call} is answered`)) as T;
  };
  return {
    pid: child.pid ?? 0,
    connect: (number, host, port) => ask('connect', { number, host, port }),
    echo: (number) => ask('echo', { number }),
    ask: (number) => ask('ask', { number }),
    close: (number) => ask('close', { number }),
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

// The path of a container's cgroup names it, in both versions of cgroups; of the first, one hierarchy is enough.
function joinCgroup(id: string, pid: number): () => void {
  const root = ['/sys/fs/cgroup', '/sys/fs/cgroup/pids'].find((folder) =>
    existsSync(path.join(folder, 'cgroup.procs')),
  );
  const folder = path.join(root ?? '', `swtest-${id}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'cgroup.procs'), String(pid));
  return () => {
    if (existsSync(folder)) rmdirSync(folder);
  };
}

function ip(batch: string): void {
  run('ip', ['-batch', '-'], batch);
}

function inside(pid: number, batch: string): void {
  run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-batch', '-'], batch);
}

function run(program: string, args: string[], input = ''): void {
  execFileSync(program, args, { input, stdio: ['pipe', 'ignore', 'pipe'] });
}

import type { Connection, Diagnosis } from '../../core/traffic/connections.ts';
import { type Ending, runProgram } from './program.ts';

// A machine with a hundred thousand connections takes ss about a second.
const LONGEST_MS = 10_000;
const MOST_WORDS = 200;
// /proc/net/tcp has the queues, but not when data last moved: only sock_diag(7) has, and ss (iproute2) reads it.
const ASK = ['ss', '-H', '-t', '-n', '-i', 'state', 'listening', 'state', 'established', 'state', 'syn-recv'];

/** Asks the kernel about the connections to the listening ports of a process' network namespace. */
export async function diagnoseSockets(pid: number): Promise<Diagnosis> {
  const ending = await runProgram('nsenter', [`--net=/proc/${pid}/ns/net`, ...ASK], '', LONGEST_MS);
  if (ending.kind !== 'exited' || ending.status !== 0) return unavailable(ending, 'see whether ss -ti works as root');
  const connections = parseDiagnostics(ending.stdout);
  if (connections) return { available: true, connections };
  const advice = 'load the kernel module tcp_diag (modprobe tcp_diag)';
  return { available: false, why: 'the kernel does not say when data last moved in a connection', advice };
}

/**
 * The connections to listening ports in the output of ss; undefined if the kernel told ss nothing beyond /proc/net/tcp, as
 * without the module tcp_diag.
 */
export function parseDiagnostics(text: string): Connection[] | undefined {
  const sockets = socketsIn(text);
  const listening = new Set(sockets.filter(({ state }) => state === 'LISTEN').map(({ local }) => portOf(local)));
  const open = sockets.filter(({ state, local }) => state !== 'LISTEN' && listening.has(portOf(local)));
  if (open.some(({ state, info }) => state === 'ESTAB' && !/\bcwnd:\d/.test(info))) return undefined;
  return open.map(connectionOf);
}

interface Row {
  readonly state: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly local: string;
  readonly peer: string;
  info: string;
}

// A socket is a line, and what is known of it follows in lines that begin with a tab (or on the same one, with -O).
function socketsIn(text: string): Row[] {
  const rows: Row[] = [];
  for (const line of text.split('\n')) {
    const last = rows.at(-1);
    if (/^\s/.test(line) && last) last.info += line;
    else if (line !== '') rows.push(rowOf(line));
  }
  return rows;
}

function rowOf(line: string): Row {
  const [state = '', received, sent, local = '', peer = '', ...info] = line.split(/\s+/);
  return { state, receiveQueue: Number(received), sendQueue: Number(sent), local, peer, info: info.join(' ') };
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

function connectionOf({ state, receiveQueue, sendQueue, local, peer, info }: Row): Connection {
  const figure = (name: string): number => Number(new RegExp(`\\b${name}:(\\d+)`).exec(info)?.[1] ?? 0);
  return {
    ends: `${local} ${peer}`,
    ...(state === 'ESTAB' ? queues(receiveQueue, sendQueue, figure('notsent')) : { queued: 0, unacked: 0 }),
    // bytes_sent needs Linux 4.19.
    sent: figure('bytes_sent') || figure('bytes_acked'),
    received: figure('bytes_received'),
    // ss leaves out what is zero.
    sinceSent: figure('lastsnd'),
    sinceReceived: figure('lastrcv'),
    sinceAck: figure('lastack'),
    // A client's late acknowledgements increase the average, but not the round trip.
    roundTrip: Number((/\bminrtt:([\d.]+)/.exec(info) ?? /\brtt:([\d.]+)/.exec(info))?.[1] ?? 0),
  };
}

// ss counts what is on its way to the client as queued: a client acknowledges an answer up to 40 ms later, or with its next request.
function queues(received: number, sent: number, notSent: number): Pick<Connection, 'queued' | 'unacked'> {
  return { queued: received + notSent, unacked: sent - notSent };
}

type Unavailable = Extract<Diagnosis, { available: false }>;

/** Why ss gave no answer. */
export function unavailable(ending: Ending, advice: string): Unavailable {
  switch (ending.kind) {
    case 'missing':
      return missing('nsenter', 'util-linux');
    case 'killed':
      return { available: false, why: `ss was killed by ${ending.signal}`, advice };
    case 'timeout':
      return { available: false, why: `ss did not answer within ${ending.afterMs} ms`, advice };
    case 'exited':
      return refused(ending.stderr, advice);
  }
}

function refused(stderr: string, advice: string): Unavailable {
  if (/^nsenter: failed to execute/m.test(stderr)) return missing('ss', 'iproute2');
  const words = stderr.trim().replace(/\s+/g, ' ').slice(0, MOST_WORDS);
  if (!/^nsenter: /.test(words)) return { available: false, why: `ss failed: ${words}`, advice };
  const rights = 'run swapctl as root in the host pid namespace';
  return { available: false, why: `the network of a container can't be entered (${words})`, advice: rights };
}

function missing(program: string, debian: string): Unavailable {
  return { available: false, why: `${program} is not installed`, advice: `install the package ${debian}` };
}

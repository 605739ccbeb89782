/** One open connection of a container, as the kernel's socket diagnostics show it. Times in milliseconds, sizes in bytes. */
export interface Connection {
  /** Both ends, written the same way in every observation. */
  readonly ends: string;
  /** Received but not yet read by the app, or written by the app but not yet sent. */
  readonly queued: number;
  /** Sent, but not yet acknowledged by the client. */
  readonly unacked: number;
  readonly sent: number;
  readonly received: number;
  /** Time since the last data in each direction; since the connection was made if there was none. */
  readonly sinceSent: number;
  readonly sinceReceived: number;
  /** Time since the client's last packet that acknowledged something. */
  readonly sinceAck: number;
  /** The minimum time for a packet to the client and back. */
  readonly roundTrip: number;
}

/** The open connections of a container one by one, or why they are unknown. */
export type Diagnosis =
  | { readonly available: true; readonly connections: readonly Connection[] }
  | { readonly available: false; readonly why: string; readonly advice: string };

/** The result of one observation of a draining container's connections. */
export interface Look {
  readonly open: number;
  /** The number of open connections from outside the container. */
  readonly fromOutside: number;
  /** Connections that the drain waits for: a request is in progress, or data moves. */
  readonly waitedFor: readonly string[];
  /** True: as far as the kernel shows, no connection carries a request at this moment. */
  readonly calm: boolean;
  /** Connections from outside that are between two requests, so the drain does not wait for them. */
  readonly resting: readonly string[];
}

/** The result of closing connections: the number closed, or why it is impossible. */
export type Closed =
  | { readonly available: true; readonly closed: number }
  | { readonly available: false; readonly why: string; readonly advice: string };

/** A shorter silence means nothing: an app may pause in the middle of an answer, a client before its first request. */
export const QUIET_MS = 500;
// The kernel's times are as coarse as its timer (1 to 10 ms). If a request and an answer fall into the same tick, the last one is
// unknown; a request in progress for longer than this may then look finished.
const UNCLEAR_MS = 2000;
// A client acknowledges an answer without a new request within this time (delayed acknowledgement, tcp(7)); anything later is a
// keep-alive probe, which means nothing.
const DELAYED_ACK_MS = 250;
// At most two ticks of the kernel's timer: an answer written in pieces pauses for less.
const REST_MS = 20;
// After so many round trips the client of a resting connection has the whole answer, even if it acknowledges that only with its
// next request.
const ROUND_TRIPS = 5;

interface Known {
  readonly received: number;
  /** True: the present activity began after the first observation: the connection is new, or its client has sent more. */
  later: boolean;
  /** The last observation of it between two requests. */
  restedAt: number;
}

/**
 * Judges the connections of one container in successive observations. A drain waits for the requests in progress at its first
 * observation, and for anything that lasts. Waiting for a silent client, or for endless short requests, would gain nothing.
 */
export function watchConnections(): (seen: readonly Connection[], now: number) => Look {
  const known = new Map<string, Known>();
  let isFirst = true;
  return (seen, now) => {
    const judged = seen.map((one) => ({ one, state: stateOf(one), before: note(known, one, now, !isFirst) }));
    isFirst = false;
    const waitedFor = judged.filter(({ one, state, before }) => isWaitedFor(one, state, before, now));
    return {
      open: seen.length,
      fromOutside: seen.filter((one) => !isInside(one)).length,
      waitedFor: waitedFor.map(({ one }) => one.ends),
      calm: judged.every(({ one, state }) => state !== 'asked' && !isFresh(one)),
      resting: judged
        .filter((each) => !waitedFor.includes(each) && isResting(each.one) && !isFresh(each.one))
        .map(({ one }) => one.ends),
    };
  };
}

/** asked: a request is in progress; answered: the app sent last; unused: no data yet; unclear: the kernel does not show it. */
export type State = 'asked' | 'answered' | 'unused' | 'unclear';

export function stateOf(one: Connection): State {
  const { queued, unacked, sent, received, sinceSent, sinceReceived, sinceAck } = one;
  if (queued > 0 || (unacked > 0 && sinceSent > DELAYED_ACK_MS)) return 'asked';
  if (sent === 0) return received === 0 ? 'unused' : 'asked';
  if (received === 0 || sinceSent < sinceReceived) return 'answered';
  if (sinceReceived < sinceSent) return 'asked';
  // A request after that answer would have acknowledged it.
  if (unacked > 0) return 'answered';
  const ackAfter = sinceSent - sinceAck;
  return ackAfter > 0 && ackAfter <= DELAYED_ACK_MS ? 'answered' : 'unclear';
}

function note(known: Map<string, Known>, one: Connection, now: number, later: boolean): Known {
  const before = known.get(one.ends);
  const isSame = before !== undefined && before.received <= one.received;
  const after = isSame ? before : { received: one.received, later, restedAt: later ? now : Number.NEGATIVE_INFINITY };
  if (one.received > after.received) after.later = true;
  if (stateOf(one) !== 'asked') after.restedAt = now;
  known.set(one.ends, after);
  return after;
}

function isWaitedFor(one: Connection, state: State, { later, restedAt }: Known, now: number): boolean {
  const isShort = later && one.sinceReceived < QUIET_MS;
  switch (state) {
    case 'asked':
      return !(isShort && now - restedAt < QUIET_MS);
    case 'answered':
      return one.sinceSent < QUIET_MS && !isShort;
    case 'unclear':
      return one.sinceSent < UNCLEAR_MS && !isShort;
    case 'unused':
      return isFresh(one) && !isShort;
  }
}

// From one process of the container to another (a web server and its app, a cache): the requests from outside need it until they
// end.
function isInside({ ends }: Connection): boolean {
  const [local, peer] = ends.split(' ').map(hostOf);
  return peer !== undefined && (peer === local || peer.startsWith('127.'));
}

function hostOf(end: string): string {
  return end.slice(0, end.lastIndexOf(':')).replace(/^\[(::ffff:)?|\]$/g, '');
}

// A reset would cut an answer that is still on its way to the client. Consecutive requests are short: one that falls into the
// same tick as the previous answer has ended.
function isResting(one: Connection): boolean {
  const { unacked, sinceSent, sinceReceived, roundTrip } = one;
  if (stateOf(one) === 'asked' || isInside(one)) return false;
  const hasArrived = unacked === 0 || sinceSent >= ROUND_TRIPS * roundTrip;
  return hasArrived && Math.min(sinceSent, sinceReceived) >= REST_MS;
}

// Its first request may still be on its way from the client.
function isFresh(one: Connection): boolean {
  return stateOf(one) === 'unused' && one.sinceReceived < QUIET_MS;
}

/** One open connection of a container, as the kernel's socket diagnostics show it. Times in milliseconds, sizes in bytes. */
export interface Connection {
  /** Both ends, in the same words at every look. */
  readonly ends: string;
  /** Received and not read by the app yet, or written by it and not sent yet. */
  readonly queued: number;
  /** Sent, and not acknowledged by the client yet. */
  readonly unacked: number;
  readonly sent: number;
  readonly received: number;
  /** Since the last data in each direction; since the connection was made where there was none. */
  readonly sinceSent: number;
  readonly sinceReceived: number;
  /** Since the last packet of the client that acknowledged something. */
  readonly sinceAck: number;
  /** How long a packet takes to the client and back at least. */
  readonly roundTrip: number;
}

/** The open connections of a container one by one, or why they can't be had. */
export type Diagnosis =
  | { readonly available: true; readonly connections: readonly Connection[] }
  | { readonly available: false; readonly why: string; readonly advice: string };

/** What one look at the connections of a draining container says. */
export interface Look {
  readonly open: number;
  /** How many of the open ones come from outside of the container. */
  readonly fromOutside: number;
  /** Connections that the drain waits for: a request is under way, or data moves. */
  readonly waitedFor: readonly string[];
  /** No connection carries a request at this moment, as far as can be told. */
  readonly calm: boolean;
  /** Connections from outside that are between two requests, and that the drain does not wait for. */
  readonly resting: readonly string[];
}

/** One attempt to close connections: how many were closed, or why that can't be done. */
export type Closed =
  | { readonly available: true; readonly closed: number }
  | { readonly available: false; readonly why: string; readonly advice: string };

/** Less silence than this says nothing: an app may pause in the middle of an answer, a client before its first request. */
export const QUIET_MS = 500;
// The kernel's times are as coarse as its timer (1 to 10 ms). If a request and an answer fall into the same tick, the kernel does
// not tell which came last; a request that is then under way for longer than this passes for none.
const UNCLEAR_MS = 2000;
// A client that acknowledges an answer without a request of its own does so at most this long afterwards (delayed
// acknowledgement, tcp(7)); anything later is a keep-alive probe, which says nothing.
const DELAYED_ACK_MS = 250;
// Two ticks of the kernel's timer at the most: an answer that is written in pieces pauses for less.
const REST_MS = 20;
// The client of a connection that rests has got all of the answer, even if it acknowledges that with its next request only.
const ROUND_TRIPS = 5;

interface Known {
  readonly received: number;
  /** Whether what happens in it began after the first look: it is new since then, or its client has sent more. */
  later: boolean;
  /** When it was last seen between two requests. */
  restedAt: number;
}

/**
 * Judges the connections of one container, look by look. A drain waits for what was under way at its first look, and for anything
 * that lasts. It gains nothing by waiting for a silent client, nor for short requests that follow each other without an end.
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

/** asked: a request is under way; answered: the app sent last; unused: no data yet; unclear: the kernel does not tell. */
export type State = 'asked' | 'answered' | 'unused' | 'unclear';

export function stateOf(one: Connection): State {
  const { queued, unacked, sent, received, sinceSent, sinceReceived, sinceAck } = one;
  if (queued > 0 || (unacked > 0 && sinceSent > DELAYED_ACK_MS)) return 'asked';
  if (sent === 0) return received === 0 ? 'unused' : 'asked';
  if (received === 0 || sinceSent < sinceReceived) return 'answered';
  if (sinceReceived < sinceSent) return 'asked';
  // A request behind that answer would have acknowledged it.
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

// From one process of the container to another (a web server and its app, a cache): the requests from outside need it to the end.
function isInside({ ends }: Connection): boolean {
  const [local, peer] = ends.split(' ').map(hostOf);
  return peer !== undefined && (peer === local || peer.startsWith('127.'));
}

function hostOf(end: string): string {
  return end.slice(0, end.lastIndexOf(':')).replace(/^\[(::ffff:)?|\]$/g, '');
}

// Of an answer that is on its way to the client, a reset would take the rest. Requests that follow each other are short: one that
// falls into the same tick as the answer before it is not under way any more.
function isResting(one: Connection): boolean {
  const { unacked, sinceSent, sinceReceived, roundTrip } = one;
  if (stateOf(one) === 'asked' || isInside(one)) return false;
  const hasArrived = unacked === 0 || sinceSent >= ROUND_TRIPS * roundTrip;
  return hasArrived && Math.min(sinceSent, sinceReceived) >= REST_MS;
}

// Its first request may still be in the client's hands.
function isFresh(one: Connection): boolean {
  return stateOf(one) === 'unused' && one.sinceReceived < QUIET_MS;
}

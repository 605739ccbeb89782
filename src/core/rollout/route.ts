import type { ContainerSummary } from '../model/container.ts';
import { SwapError } from '../model/error.ts';
import type { Proxied } from '../proxy/proxied.ts';
import type { ObservedRoute, Server, Wanted } from '../proxy/route.ts';
import { decodeState } from '../service/labels.ts';
import type { Policy } from '../settings/policy.ts';
import { answers } from './address-redirect.ts';
import type { Desired, Observed, Replica, SeenRoute, WantedProxy } from './observed.ts';
import type { Step, StepOf } from './step.ts';

type Seen = Pick<Observed, 'incumbent' | 'candidate' | 'standIn' | 'names' | 'route'>;
type Watched = Seen & Pick<Observed, 'watched'>;

/** True: new requests go to the candidate. From then on the roll is finished, unless the candidate fails. */
export function hasSwitched(seen: Seen): boolean {
  const { candidate, names, route } = seen;
  if (candidate?.verdict.kind !== 'healthy') return false;
  return route?.wanted.kind === 'servers' ? isRedirectedTo(seen, candidate) : candidate.name === names.slotName;
}

// A share of the requests does not count as a switch.
function isRedirectedTo({ incumbent, route }: Seen, candidate: Replica): boolean {
  return route !== undefined && isReady(route, candidate) && !(incumbent?.running && isReady(route, incumbent));
}

/** Why the roll must not begin: another roll changes the route, or the proxy can't reach the candidate. */
export function whyNoRoute({ proxy, roll, recoveryOnly }: Desired, { candidate, route }: Seen): SwapError | undefined {
  if (!proxy || !route) return undefined;
  if (route.foreign || (!recoveryOnly && isOfAnother(route, roll))) return occupied(proxy, route);
  if (candidate && answers(candidate) && route.addresses[candidate.id] === undefined)
    return new SwapError('step-failed', `${candidate.name} has no address that the proxy ${proxy.name} can reach`);
  return undefined;
}

/** The refusal of a route that another roll changes. */
export function occupied(proxy: Pick<WantedProxy, 'name' | 'route'>, route: ObservedRoute): SwapError {
  return new SwapError('busy', `another roll (${overlayOf(route)}) changes the route ${proxy.route} of ${proxy.name}`, {
    hint: 'wait for its end; if it was interrupted, run swapctl recover',
  });
}

/** Ends an overlay that a dead roll left behind, if nothing else of that roll remains. */
export function endStale(desired: Desired, seen: Seen): Step | undefined {
  return seen.route && isOfAnother(seen.route, desired.roll) ? endRoute(desired, seen) : undefined;
}

/** The roll of an overlay; undefined if there is none. */
export function overlayOf({ wanted }: ObservedRoute): string | undefined {
  return wanted.kind === 'baseline' ? undefined : wanted.roll;
}

/** True if the overlay belongs to a roll of another service than this one (its key), by the labels of containers. */
export function isForeignTo(service: string, route: ObservedRoute, all: readonly ContainerSummary[]): boolean {
  const roll = overlayOf(route);
  if (roll === undefined) return false;
  const states = all.map(({ labels }) => decodeState(labels));
  return states.some((state) => state?.roll === roll && state.service !== service);
}

function isOfAnother(route: ObservedRoute, roll: string): boolean {
  const overlay = overlayOf(route);
  return overlay !== undefined && overlay !== roll;
}

/** The settings of the desired roll for the proxy in front. */
export function wantedProxy(
  proxied: Proxied | undefined,
  { proxyHoldMs, canary }: Pick<Policy, 'proxyHoldMs' | 'canary'>,
): WantedProxy | undefined {
  if (!proxied) return undefined;
  const { name, route, facts } = proxied;
  const holdMs = facts && facts.hold !== 'no' ? Math.min(proxyHoldMs, facts.longestHoldMs ?? proxyHoldMs) : 0;
  return { name, route, holdMs, canary: facts?.weights ? canary : undefined };
}

/**
 * Keeps requests with the incumbent from before the candidate starts until it is healthy: by the service name, a proxy would find
 * both.
 */
export function keepRoute(desired: Desired, seen: Seen): Step | undefined {
  const { incumbent, candidate, route } = seen;
  if (!route || !candidate || candidate.strategy !== 'start-first' || !incumbent?.running) return undefined;
  // An earlier process has proven it; only its failure moves the requests away again.
  return isReady(route, candidate) ? undefined : sendTo(desired, seen, incumbent);
}

/** The next step to send requests to a healthy candidate, at the end by the proxy's own configuration. */
export function routeToCandidate(desired: Desired, seen: Watched): Step | undefined {
  const { incumbent, candidate, standIn, names, route } = seen;
  if (!route || !candidate || !answers(candidate)) return undefined;
  if (incumbent?.running) return share(desired, seen, incumbent, candidate) ?? sendTo(desired, seen, candidate);
  const isAlone = candidate.name === names.slotName && !standIn;
  // A proxy that has already resolved the name learns the new address from the overlay.
  const isKnown = candidate.strategy === 'start-first' && route.wanted.kind === 'baseline';
  return isAlone && (candidate.settled || isKnown) ? endRoute(desired, seen) : sendTo(desired, seen, candidate);
}

// A rollback is urgent, so it takes no canary.
function share(
  { proxy, roll, back }: Desired,
  seen: Watched,
  incumbent: Replica,
  candidate: Replica,
): Step | undefined {
  const { route, names, watched } = seen;
  const [old, young] = [incumbent, candidate].map(({ id }) => route?.addresses[id]);
  const isOver = !route || back || watched.includes(candidate.id) || isRedirectedTo(seen, candidate);
  if (!proxy?.canary || isOver || old === undefined || young === undefined) return undefined;
  const { percent, ms } = proxy.canary;
  const others = othersOf(route);
  const weights = weightsOf(percent, 1 + others.filter(({ state }) => state === 'ready').length);
  const servers = [
    { ...server(young, 'ready'), weight: weights.candidate },
    ...[server(old, 'ready'), ...others].map((one) => ({ ...one, weight: weights.each })),
  ];
  const wanted: Wanted = { kind: 'servers', roll, servers };
  if (isInForce(route, wanted))
    return { kind: 'canary', container: candidate.id, name: candidate.name, percent, of: 'requests', ms };
  const to = [`${candidate.name} (${percent}%)`, incumbent.name];
  return { kind: 'route', name: names.slotName, proxy: proxy.name, route: proxy.route, to, wanted };
}

const MOST_WEIGHT = 256;

// The candidate gets its share of the requests of all replicas.
function weightsOf(percent: number, replicas: number): { readonly candidate: number; readonly each: number } {
  const [candidate, each] = [percent * replicas, 100 - percent];
  const scale = Math.min(1, MOST_WEIGHT / Math.max(candidate, each));
  const whole = (weight: number): number => Math.max(1, Math.round(weight * scale));
  return { candidate: whole(candidate), each: whole(each) };
}

/**
 * Before an incumbent stops to make room: send requests to the other replicas, or let them wait in the proxy, and let those in
 * progress end. Undefined once that is done, or if it is impossible.
 */
export function leaveRoute(desired: Desired, seen: Seen): Step | undefined {
  const { proxy, roll } = desired;
  const { incumbent, names, route } = seen;
  if (!proxy || !route || !incumbent || route.addresses[incumbent.id] === undefined) return undefined;
  const others = othersOf(route);
  const servers = [server(route.addresses[incumbent.id] ?? '', 'draining'), ...others];
  const isServed = others.some(({ state }) => state === 'ready');
  if (!isServed && proxy.holdMs === 0) return undefined;
  const wanted: Wanted = isServed
    ? { kind: 'servers', roll, servers }
    : { kind: 'held', roll, servers, longestMs: proxy.holdMs };
  if (!isInForce(route, wanted))
    return { kind: 'route', name: names.slotName, proxy: proxy.name, route: proxy.route, to: [], wanted };
  return incumbent.drained ? undefined : { kind: 'drain', container: incumbent.id, name: incumbent.name };
}

/**
 * Returns the route to the proxy as soon as the incumbent has stopped, before its addresses are released: the proxy's probes of a
 * draining server would look like a client that keeps an old address.
 */
export function endDrained(desired: Desired, seen: Observed): Step | undefined {
  const { incumbent, candidate, failures, giveUp, hooks } = seen;
  const goesBack = hooks.failed ?? giveUp ?? failures.find(({ roll }) => roll === candidate?.roll);
  if (goesBack || incumbent?.running || !candidate?.settled) return undefined;
  const step = routeToCandidate(desired, seen);
  return step?.kind === 'route' && step.wanted.kind === 'baseline' ? step : undefined;
}

/** Before a stopped incumbent starts again: requests stay with a candidate that answers. */
export function keepReturn(desired: Desired, seen: Seen): Step | undefined {
  const { candidate } = seen;
  return candidate && answers(candidate) ? sendTo(desired, seen, candidate) : undefined;
}

/** The next step to send requests to the incumbent again. */
export function routeBack(desired: Desired, seen: Seen): Step | undefined {
  const { incumbent, candidate, route } = seen;
  if (!route || !incumbent?.running || (!candidate?.running && route.wanted.kind === 'baseline')) return undefined;
  const { id: container, name, verdict } = incumbent;
  if (verdict.kind === 'waiting' && mayHaveStopped(route, incumbent, candidate))
    return { kind: 'await-healthy', container, name };
  return sendTo(desired, seen, incumbent);
}

// Without a start of the candidate, only the overlay shows that the incumbent was to make room for it.
function mayHaveStopped(route: SeenRoute, incumbent: Replica, candidate: Replica | undefined): boolean {
  if (!candidate) return false;
  if (candidate.startedAt > 0) return incumbent.startedAt > candidate.startedAt;
  return route.wanted.kind !== 'baseline' && !isReady(route, incumbent);
}

/** Returns the route to the proxy's own configuration; undefined once that is in force. */
export function endRoute({ proxy }: Desired, { names, route }: Seen): Step | undefined {
  if (!proxy || !route || route.wanted.kind === 'baseline') return undefined;
  return {
    kind: 'route',
    name: names.slotName,
    proxy: proxy.name,
    route: proxy.route,
    to: [],
    wanted: { kind: 'baseline' },
  };
}

function sendTo({ proxy, roll }: Desired, seen: Seen, to: Replica): Step | undefined {
  const { incumbent, candidate, names, route } = seen;
  const ready = route?.addresses[to.id];
  if (!proxy || !route || ready === undefined) return undefined;
  const leaving = [incumbent, candidate].flatMap((one) => (one && one.id !== to.id ? leavingOf(route, one) : []));
  const servers = [server(ready, 'ready'), ...leaving, ...othersOf(route)];
  const wanted: Wanted = { kind: 'servers', roll, servers };
  if (isInForce(route, wanted)) return undefined;
  return { kind: 'route', name: names.slotName, proxy: proxy.name, route: proxy.route, to: [to.name], wanted };
}

// A server that got no requests has nothing to drain.
function leavingOf(route: SeenRoute, { id }: Replica): Server[] {
  const address = route.addresses[id];
  if (address === undefined) return [];
  const known = route.servers.find((one) => one.address === address && route.wanted.kind !== 'baseline');
  const hadRequests = route.wanted.kind === 'baseline' || (known !== undefined && known.state !== 'off');
  return [server(address, hadRequests ? 'draining' : 'off')];
}

function othersOf(route: SeenRoute): Server[] {
  return route.others.flatMap(({ address, fit }) => {
    if (fit) return [server(address, 'ready')];
    const isKnown = route.servers.some((one) => one.address === address && one.state !== 'off');
    return isKnown ? [server(address, 'draining')] : [];
  });
}

function server(address: string, state: Server['state']): Server {
  return { address, state, weight: 1 };
}

/** True: requests already go where they should. Servers without requests make no difference. */
export function isInForce(route: ObservedRoute, wanted: Wanted): boolean {
  if (route.wanted.kind !== wanted.kind) return false;
  if (route.wanted.kind === 'baseline' || wanted.kind === 'baseline') return true;
  return route.wanted.roll === wanted.roll && sendsTo(route.servers) === sendsTo(wanted.servers);
}

function sendsTo(servers: readonly Server[]): string {
  const ready = servers.filter(({ state }) => state === 'ready');
  return JSON.stringify(ready.map(({ address, weight }) => [address, weight]).sort());
}

function isReady(route: SeenRoute, { id }: Pick<Replica, 'id'>): boolean {
  const address = route.addresses[id];
  return (
    route.wanted.kind === 'servers' && route.servers.some((one) => one.address === address && one.state === 'ready')
  );
}

/** True: a container gets no new requests but had some, which may be under way. */
export function hadRequests({ route }: Seen, { id }: Replica): boolean {
  const address = route?.addresses[id];
  return (
    address !== undefined && route?.servers.some((one) => one.address === address && one.state === 'draining') === true
  );
}

/** The harm that a step would do because of the route in front of a slot; undefined: none. */
export function routeHarm(seen: Seen, step: StepOf<'route' | 'start' | 'stop' | 'remove'>): string | undefined {
  const { route, incumbent, candidate } = seen;
  if (!route) return undefined;
  switch (step.kind) {
    case 'route':
      return step.wanted.kind === 'baseline' ? exposed(seen) : unready(seen, step.wanted);
    case 'start':
      return step.container === candidate?.id ? unkept(seen, candidate) : undefined;
    case 'stop':
      return hasRequests(seen, step.container) ? 'the proxy sends requests to it' : undefined;
    case 'remove':
      return [incumbent?.id, candidate?.id].includes(step.container) && route.wanted.kind !== 'baseline'
        ? 'the proxy does not act by its own configuration yet'
        : undefined;
  }
}

// By the service name, a proxy finds every running container of the slot.
function exposed({ incumbent, candidate, route }: Seen): string | undefined {
  return isReached(incumbent, route) && isReached(candidate, route)
    ? 'the proxy would find both containers'
    : undefined;
}

function unready(
  { incumbent, candidate, route }: Seen,
  wanted: Exclude<Wanted, { kind: 'baseline' }>,
): string | undefined {
  const ready = wanted.servers.flatMap(({ address, state }) => (state === 'ready' ? [address] : []));
  const wrong = candidate && !answers(candidate) && ready.includes(route?.addresses[candidate.id] ?? '');
  if (wrong) return 'the new container is not healthy';
  if (wanted.kind === 'held') return incumbent?.running ? undefined : 'requests would wait for nobody';
  const known = [incumbent, candidate].flatMap((one) => (one?.running ? [route?.addresses[one.id]] : []));
  const fit = route?.others.flatMap((one) => (one.fit ? [one.address] : [])) ?? [];
  return ready.some((one) => known.includes(one) || fit.includes(one)) ? undefined : 'nobody would get the requests';
}

function unkept({ incumbent, route }: Seen, { strategy }: Replica): string | undefined {
  const isKept = strategy !== 'start-first' || !isReached(incumbent, route) || route?.wanted.kind === 'servers';
  return isKept ? undefined : 'the proxy would find it before it is healthy';
}

function isReached(one: Replica | undefined, route: SeenRoute | undefined): boolean {
  return one?.running === true && route?.addresses[one.id] !== undefined;
}

function hasRequests({ incumbent, candidate, route }: Seen, container: string): boolean {
  const [one, other] = container === incumbent?.id ? [incumbent, candidate] : [candidate, incumbent];
  // A container that no request can reach takes none over.
  if (one?.id !== container || !route || !isReached(one, route) || !isReached(other, route)) return false;
  return route.wanted.kind === 'baseline' || isReady(route, one);
}

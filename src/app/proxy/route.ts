import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { fail, messageOf, SwapError } from '../../core/model/error.ts';
import { whyForbidden } from '../../core/proxy/check.ts';
import { type Proxied, reachedAt } from '../../core/proxy/proxied.ts';
import type { ObservedRoute, Wanted } from '../../core/proxy/route.ts';
import type { SeenRoute } from '../../core/rollout/observed.ts';
import { isForeignTo, isInForce, overlayOf } from '../../core/rollout/route.ts';
import type { Step } from '../../core/rollout/step.ts';
import { groupServices } from '../../core/service/service.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { listed } from '../select/own.ts';
import { type OpenProxy, openProxy } from './open.ts';
import { isUnreachable, patiently } from './timeouts.ts';

/** The route in front of a slot, whose containers are `members`; undefined: swapctl drives no proxy. */
export async function routeOf(
  run: SlotRun,
  all: readonly ContainerSummary[],
  members: readonly Container[],
): Promise<SeenRoute | undefined> {
  const { proxy } = run;
  if (!proxy) return undefined;
  const seen = await lookThrough(run, proxy, all, members.length);
  if (!seen) return undefined;
  const { route, networks } = seen;
  const found = members.map((one) => [one.id, addressOf(one, networks, proxy)] as const);
  const addresses = Object.fromEntries(found.flatMap(([id, at]) => (at === undefined ? [] : [[id, at]])));
  const others = await othersOf(run, proxy, networks, all);
  return {
    ...route,
    addresses,
    others,
    foreign: overlayOf(route) !== run.desired.roll && isForeignTo(run.service, route, all),
  };
}

type Look = Pick<OpenProxy, 'driver' | 'networks'> & { readonly route: ObservedRoute };

async function lookThrough(
  run: SlotRun,
  proxied: Proxied,
  all: readonly ContainerSummary[],
  members: number,
): Promise<Look | undefined> {
  try {
    // The container of the proxy may be another one after a wait.
    let known: readonly ContainerSummary[] | undefined = all;
    return await patiently(run, async () => {
      const now = known ?? (await listed(run.ports.engine));
      known = undefined;
      return look(run, proxied, now);
    });
  } catch (error) {
    const isUnderWay = members > 1 || run.memory.steps.length > 0;
    if (!isUnderWay || !(error instanceof SwapError)) throw error;
    if (needsNoProxy(run, members)) return goWithout(run, error);
    const message = `${run.names.slotName}: its proxy fails in the middle of the roll: ${error.message}`;
    const hint = 'both containers stay as they are; once the proxy works, run swapctl recover';
    throw new SwapError('attention', message, { hint, cause: error });
  }
}

// If one container makes room for the other, a longer wait would leave the service without both. In the end the proxy uses its own
// configuration already.
function needsNoProxy({ desired, memory }: SlotRun, members: number): boolean {
  return desired.choice.strategy !== 'start-first' || (members === 1 && memory.routed?.wanted.kind === 'baseline');
}

function goWithout(run: SlotRun, { message }: SwapError): undefined {
  const { memory, names, ports } = run;
  const text = `${names.slotName}: the roll goes on without its proxy, and swapctl recover ends what is left there: ${message}`;
  if (!memory.proxyAway) ports.report({ kind: 'note', text });
  memory.proxyAway = true;
  memory.notes.add(text);
}

async function look(run: SlotRun, proxied: Proxied, all?: readonly ContainerSummary[]): Promise<Look> {
  const { driver, networks } = openProxy(
    run.ports,
    run.service,
    proxied.place,
    all ?? (await listed(run.ports.engine)),
  );
  const route = await driver.route(proxied.route, run.lost);
  return { driver, networks, route: route ?? noRoute(proxied) };
}

function noRoute({ name, route }: Proxied): never {
  return fail('proxy-config', `the proxy ${name} has no route ${route} any more`, {
    hint: 'put it back into the configuration of the proxy',
  });
}

// A stopped container has none.
function addressOf(one: Container, networks: OpenProxy['networks'], { port }: Proxied): string | undefined {
  return reachedAt(one, networks, port);
}

function isFit({ status, health }: Container): boolean {
  return status === 'running' && (health === undefined || health.status === 'healthy');
}

// The other replicas of the service share the route.
async function othersOf(
  run: SlotRun,
  proxied: Proxied,
  networks: OpenProxy['networks'],
  all: readonly ContainerSummary[],
): Promise<SeenRoute['others']> {
  const slots = groupServices(all).find(({ key }) => key === run.service)?.slots ?? [];
  const names = slots.map(({ slotName }) => slotName).filter((slotName) => slotName !== run.names.slotName);
  const containers = await Promise.all(names.map((name) => run.ports.engine.container(name)));
  return containers.flatMap((one) => {
    const address = one && addressOf(one, networks, proxied);
    if (!one || address === undefined) return [];
    return [{ address, fit: isFit(one) }];
  });
}

/** Changes the route in front of a slot. Raises the proxy's errors. */
export async function applyRoute(run: SlotRun, { wanted }: Extract<Step, { kind: 'route' }>): Promise<void> {
  const proxied = run.proxy ?? fail('attention', `${run.names.slotName} has no proxy any more`);
  await patiently(run, () => changeRoute(run, proxied, wanted));
  run.memory.routed = { wanted, at: run.ports.clock.now() };
}

async function changeRoute(run: SlotRun, proxied: Proxied, wanted: Wanted): Promise<void> {
  const all = await listed(run.ports.engine);
  const { driver, route } = await look(run, proxied, all);
  const running = all.filter(({ status }) => status === 'running');
  const isDown = (address: string): boolean => !running.some(({ addresses }) => addresses.includes(ipOf(address)));
  const why = whyForbidden(proxied.route, route, wanted, isDown);
  if (why !== undefined)
    fail('step-failed', `the route ${proxied.route} of ${proxied.name} must not be changed: ${why}`);
  await keepPace(run, proxied);
  await driver.apply(proxied.route, wanted, run.lost);
  const now = await driver.route(proxied.route, run.lost);
  if (!now || !isInForce(now, wanted))
    fail(
      'proxy-refused',
      `the proxy ${proxied.name} took a change of the route ${proxied.route} and does not act by it`,
    );
  if (wanted.kind === 'baseline' && now.leftovers) noteLeftovers(run, proxied, now.leftovers);
}

function noteLeftovers({ memory, names, ports }: SlotRun, { name }: Proxied, leftovers: readonly string[]): void {
  const text = `${names.slotName}: ${name} keeps ${leftovers.join(', ')} of the roll without new requests, since it has connections; the next roll removes it`;
  memory.notes.add(text);
  ports.report({ kind: 'note', text });
}

function ipOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

async function keepPace({ memory: { routed }, ports: { clock } }: SlotRun, { facts }: Proxied): Promise<void> {
  const next = (routed?.at ?? 0) + (facts?.minMsBetween ?? 0);
  if (next > clock.now()) await clock.sleep(next - clock.now());
}

const LOOK_EVERY_MS = 2000;

/** Restores the overlay of a roll during a wait, if the proxy was restarted or reloaded and has lost it. */
export async function restoreRoute(run: SlotRun): Promise<void> {
  const { proxy, memory, ports } = run;
  const { routed } = memory;
  if (!proxy || !routed || routed.wanted.kind === 'baseline' || ports.clock.now() < routed.at + LOOK_EVERY_MS) return;
  memory.routed = { ...routed, at: ports.clock.now() };
  try {
    const { driver, route } = await look(run, proxy);
    if (route.wanted.kind !== 'baseline' || isInForce(route, routed.wanted)) return;
    await driver.apply(proxy.route, routed.wanted, run.lost);
    ports.report({
      kind: 'note',
      text: `${run.names.slotName}: ${proxy.name} had lost the overlay of the roll; it is back`,
    });
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    ports.report({ kind: 'debug', text: `${run.names.slotName}: ${proxy.name}: ${messageOf(error)}` });
  }
}

const ASK_EVERY_MS = 100;

/**
 * Waits until the proxy has no request in progress in a container, with a time limit. Resolves with the maximum and the last number of
 * them; undefined: the proxy does not count them.
 */
export async function drainRequests(
  run: SlotRun,
  container: Container,
  mostMs: number,
): Promise<{ readonly busy: number; readonly cut: number } | undefined> {
  const { proxy, ports } = run;
  if (!proxy) return undefined;
  const end = ports.clock.now() + mostMs;
  let busy = 0;
  for (;;) {
    const left = await inFlight(run, proxy, container);
    if (left === undefined) return undefined;
    busy = Math.max(busy, left);
    if (left === 0 || ports.clock.now() >= end) return { busy, cut: left };
    const what = `${left} request${left > 1 ? 's' : ''} under way`;
    ports.report({ kind: 'waiting', slot: run.names.slotName, what });
    await ports.clock.sleep(Math.min(ASK_EVERY_MS, end - ports.clock.now()));
    await restoreRoute(run);
  }
}

// A stopped proxy has none, and its clients retry.
async function inFlight(run: SlotRun, proxied: Proxied, container: Container): Promise<number | undefined> {
  try {
    const { route, networks } = await look(run, proxied);
    const address = addressOf(container, networks, proxied);
    const known = route.servers.find((one) => one.address === address);
    if (!known) return proxied.facts?.countsInFlight ? 0 : undefined;
    return known.inFlight;
  } catch (error) {
    if (isUnreachable(error)) return undefined;
    throw error;
  }
}

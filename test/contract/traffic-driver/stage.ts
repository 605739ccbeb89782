// The stage of a test of the contract: a proxy with two routes, and the servers behind them.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObservedRoute, ProxyFacts, Server, ServerState, Wanted } from '../../../src/core/proxy/route.ts';
import type { ProxyAccess } from '../../../src/ports/proxy-access.ts';
import type { TrafficDriver } from '../../../src/ports/traffic-driver.ts';
import { type Backend, startBackend } from '../../lab/backend.ts';
import { askMany } from '../../lab/client.ts';

/** The start of a proxy for the suite; each driver's test file has its own. */
export interface ProxyUnderTest {
  /** With its version: a line of the table. */
  readonly name: string;
  readonly skip?: string | false | undefined;
  /** Points that this proxy cannot meet, each with the reason; they are measured and printed, not asserted. */
  /** A new process can't see the roll of an overlay. */
  readonly forgetsRolls?: boolean;
  readonly cannot?: Readonly<Partial<Record<number, string>>>;
  driver(access: ProxyAccess): TrafficDriver;
  /** Starts the proxy with two routes, `web` and `api`, each with the owner's one server; resolves once it serves. */
  start(t: TestContext, routes: Readonly<Record<'web' | 'api', string>>): Promise<RunningProxy>;
}

export interface RunningProxy {
  readonly access: ProxyAccess;
  /** The URL of a route for clients, with a slash at the end. */
  url(route: 'web' | 'api'): string;
  /** Ends the proxy as its owner would. */
  stop(): Promise<void>;
  /** Stops it and starts it again; resolves once it serves. */
  restart(): Promise<void>;
  /** A text that changes whenever the proxy loads a configuration or changes a server. */
  generation(): Promise<string>;
  /** All files of its configuration, also hidden ones, by name. */
  files(): Promise<Readonly<Record<string, string>>>;
  /** Writes something invalid into its configuration, as its owner. */
  spoil(): Promise<void>;
  /** Reverts that. */
  repair(): Promise<void>;
  /** Makes the proxy refuse the next change of `web`, with words that match. */
  refuse(): Promise<{ readonly wanted?: Wanted; readonly words: RegExp }>;
}

/** One test of the suite. */
export interface Stage {
  readonly proxy: RunningProxy;
  readonly facts: ProxyFacts;
  /** The incumbent of `web`, which its owner named; a candidate; the server of `api`. */
  readonly old: Backend;
  readonly next: Backend;
  readonly api: Backend;
  readonly signal: AbortSignal;
  readonly forgetsRolls: boolean;
  /** A driver in a new process of swapctl. */
  fresh(): TrafficDriver;
  /** The same with another access. */
  by(change: (access: ProxyAccess) => ProxyAccess): TrafficDriver;
  /** Applies servers to `web`, after the pause that the proxy needs since the last change. */
  apply(...servers: readonly Server[]): Promise<void>;
  baseline(): Promise<void>;
  /** Applies any state to any route, as soon as the proxy allows. */
  change(driver: TrafficDriver, route: string, wanted: Wanted): Promise<void>;
  /** Notes a figure of this point for the table. */
  figure(text: string): void;
}

export const ROLL = 'r0ll1';

export function server(backend: Backend, state: ServerState, weight = 1): Server {
  return { address: backend.address, state, weight };
}

export function servers(...all: readonly Server[]): Wanted {
  return { kind: 'servers', roll: ROLL, servers: all };
}

/** Sends fresh requests for `web`, and asserts that they all went to this server. */
export async function assertOnly({ proxy }: Stage, backend: Backend, requests: number): Promise<void> {
  const names = await askMany(proxy.url('web'), requests);
  assert.deepEqual([...names], [[backend.name, requests]]);
}

/** Asserts the overlay of a route, without the weights of servers that get no requests; the order of servers means nothing. */
export function assertWanted({ forgetsRolls }: Stage, seen: ObservedRoute | undefined, wanted: Wanted): void {
  const plain = (one: Wanted | undefined): unknown => {
    if (one === undefined || one.kind === 'baseline') return one;
    const all = one.servers.map(({ address, state, weight }) =>
      [address, state, state === 'ready' ? weight : 1].join(' '),
    );
    return { kind: one.kind, roll: forgetsRolls ? '' : one.roll, servers: all.sort() };
  };
  assert.deepEqual(plain(seen?.wanted), plain(wanted));
}

/** A point of the contract. */
export interface Point {
  readonly number: number;
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

export async function openStage(t: TestContext, under: ProxyUnderTest, figure: (text: string) => void): Promise<Stage> {
  const [old, next, api] = await Promise.all(['old', 'next', 'api'].map((name) => startBackend(t, name)));
  assert.ok(old && next && api);
  const proxy = await under.start(t, { web: old.address, api: api.address });
  const { signal } = t;
  const fresh = (): TrafficDriver => under.driver(proxy.access);
  const facts = await fresh().facts(signal);
  const kept = fresh();
  let changed = Number.NEGATIVE_INFINITY;
  const change: Stage['change'] = async (driver, route, wanted) => {
    // The throttle of a proxy concerns all of its routes.
    await sleep(Math.max(0, changed + facts.minMsBetween - performance.now()));
    changed = performance.now();
    await driver.apply(route, wanted, signal);
  };
  return {
    proxy,
    facts,
    old,
    next,
    api,
    signal,
    forgetsRolls: under.forgetsRolls ?? false,
    fresh,
    by: (changes) => under.driver(changes(proxy.access)),
    change,
    apply: (...all) => change(kept, 'web', servers(...all)),
    baseline: () => change(kept, 'web', { kind: 'baseline' }),
    figure,
  };
}

// One process of swapctl on a machine in memory: the shipped use cases, and every fault of one of their calls.

import { remembered } from '../../src/adapters/docker/engine/facts.ts';
import { type App, createApp } from '../../src/app/app.ts';
import { EngineError } from '../../src/core/model/engine-error.ts';
import { SwapError } from '../../src/core/model/error.ts';
import type { Progress } from '../../src/core/report/progress.ts';
import { type Config, NO_CONFIG } from '../../src/core/settings/config.ts';
import { RuleError, type RuleTrouble } from '../../src/core/traffic/kernel-layer.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { sha256 } from '../lab/sha256.ts';
import { memoryTraffic } from './clients.ts';
import { CHANGING, memoryEngine } from './engine.ts';
import { memoized, memoryRegistry, type Remote } from './images.ts';
import { memoryKernel, type Rules } from './kernel.ts';
import type { Machine } from './machine.ts';
import { type MemoryProxy, memoryProxies, newProxy } from './proxy.ts';

/** The fault of a call: a refusal, a connection that breaks before it or loses the answer, or an answer that never comes. */
export type Failure = 404 | 409 | 500 | 'cut before' | 'answer lost' | 'timeout' | 'disk full';

/** The moment of a process's death: before a call reaches the engine, with its answer, or while the engine works. */
export type Death = 'before' | 'after' | 'answer lost';

/** One call of a process, in its order; `what` is the port's method (`engine.start`). */
export interface CallMade {
  readonly what: string;
  readonly changes: boolean;
}

/** The place of processes, and the live ones. */
export interface Place {
  readonly machine: Machine;
  readonly remote: Remote;
  readonly rules: Rules;
  readonly living: Set<string>;
  /** The one proxy in front, if any. */
  readonly proxy?: MemoryProxy | undefined;
  /** The content of the one YAML file of this machine. */
  readonly yaml: unknown;
  /** False: others may write to that file. */
  readonly trusted?: boolean;
  count: number;
}

export interface Process {
  readonly app: App;
  readonly ports: Ports;
  readonly progress: Progress[];
  readonly calls: CallMade[];
  /** Resolves when it dies. */
  readonly died: Promise<void>;
  /** Makes the nth call (from 1) of a kind, or of all, fail. */
  fail(call: string | undefined, nth: number, how: Failure): void;
  /** Kills the process at a call. */
  crashAt(call: string | undefined, nth: number, when: Death): void;
  /** Acts just before a call, while the process stands still. */
  before(call: string | undefined, nth: number, act: () => void | Promise<void>): void;
  /** Dies at once. */
  kill(): void;
  /** Its end: the result of the work, or that it died first. */
  run<T>(work: (app: App) => Promise<T>): Promise<{ readonly value: T } | 'died'>;
}

export interface ProcessOptions {
  /** True: other processes can't know if it lives, as from another machine. */
  readonly remote?: boolean;
  readonly config?: Config;
}

interface Happens {
  readonly call: string | undefined;
  readonly nth: number;
  readonly fail?: Failure;
  readonly death?: Death;
  readonly act?: () => void | Promise<void>;
}

// Each waits for a promise of its own: a shared one would hold every waiter for ever.
function never(): Promise<never> {
  return new Promise(() => {});
}

export function openProcess(place: Place, { remote = false, config = NO_CONFIG }: ProcessOptions = {}): Process {
  const { machine, living } = place;
  const number = ++place.count;
  const holder = `memory ${remote ? `elsewhere-${number}` : 'here'} ${number}`;
  living.add(holder);
  const script: Happens[] = [];
  const counts = new Map<string, number>();
  const calls: CallMade[] = [];
  const progress: Progress[] = [];
  const state = { alive: true };
  let over: () => void = () => {};
  const died = new Promise<void>((resolve) => {
    over = resolve;
  });

  const kill = (): void => {
    state.alive = false;
    living.delete(holder);
    over();
  };

  const happensAt = (what: string): Happens[] => {
    const nth = (counts.get(what) ?? 0) + 1;
    counts.set(what, nth);
    if (script.length === 0) return [];
    return script.filter((one) =>
      one.call === undefined ? one.nth === calls.length : one.call === what && one.nth === nth,
    );
  };

  const through = async (what: string, changes: boolean, call: () => Promise<unknown>): Promise<unknown> => {
    if (!state.alive) return never();
    calls.push({ what, changes });
    const happening = happensAt(what);
    try {
      for (const { act } of happening) await act?.();
      if (!state.alive) return never();
      const answer = await (happening.length === 0 ? call() : disturbed(machine, what, happening, kill, call));
      return state.alive ? answer : never();
    } catch (error) {
      // A dead process gets no error either.
      if (!state.alive) return never();
      throw error;
    }
  };

  const wrapped = <T extends object>(calls: readonly PortCall[]): T => {
    const result: Record<string, unknown> = {};
    for (const { name, what, changes, call } of calls) {
      const plain = name === 'close' || name === 'events';
      result[name] = plain ? call : (...args: unknown[]) => through(what, changes, () => call(...args));
    }
    return result as T;
  };

  const outside = outsideOf(place);
  const engine = wrapped<Ports['engine']>(outside.engine);
  engine.facts = remembered(engine.facts, machine.clock.now);
  const ports = {
    ...OUTSIDE,
    engine,
    kernel: wrapped(outside.kernel),
    proxies: (driver: string, at: string) =>
      wrapped(callsOf('proxy', outside.proxies(driver, at), (name) => name === 'apply')),
    registry: wrapped(outside.registry),
    traffic: outside.traffic,
    clock: {
      now: () => machine.clock.now(),
      monotonic: () => machine.clock.now(),
      sleep: async (ms: number, signal?: AbortSignal) => {
        if (!state.alive) return never();
        await machine.clock.sleep(ms, signal);
        return state.alive ? undefined : never();
      },
    },
    host: hostOf(place, holder, number),
    config: () => config,
    report: (one: Progress) => void (state.alive && progress.push(one)),
  } as unknown as Ports;
  const app = createApp(ports);
  return {
    app,
    ports,
    progress,
    calls,
    died,
    fail: (call, nth, how) => void script.push({ call, nth, fail: how }),
    crashAt: (call, nth, death) => void script.push({ call, nth, death }),
    before: (call, nth, act) => void script.push({ call, nth, act }),
    kill,
    // Not at once: the test must let time pass for this process before its first call.
    run: (work) =>
      endOf(
        Promise.resolve().then(() => work(app)),
        died,
      ),
  };
}

interface PortCall {
  readonly name: string;
  readonly what: string;
  readonly changes: boolean;
  readonly call: (...args: unknown[]) => Promise<unknown>;
}

/** The calls of all processes of a place. */
interface Outside {
  readonly engine: readonly PortCall[];
  readonly kernel: readonly PortCall[];
  readonly registry: readonly PortCall[];
  readonly proxies: Ports['proxies'];
  readonly traffic: Ports['traffic'];
}

const OUTSIDES = new WeakMap<Place, Outside>();

function outsideOf(place: Place): Outside {
  const { machine, remote, rules } = place;
  const known = OUTSIDES.get(place);
  if (known) return known;
  const outside = {
    engine: callsOf('engine', memoryEngine(machine, remote), (name) => CHANGING.has(name)),
    kernel: callsOf('kernel', memoryKernel(machine, rules), (name) =>
      /^(set|hold|end|halt|clear|shut|open|forward$|sweep)/.test(name),
    ),
    registry: callsOf('registry', memoryRegistry(remote), () => false),
    proxies: memoryProxies(machine, place.proxy ?? newProxy()),
    traffic: memoryTraffic(machine, rules),
  };
  OUTSIDES.set(place, outside);
  return outside;
}

function callsOf(port: string, real: object, changing: (name: string) => boolean): PortCall[] {
  return Object.entries(real).map(([name, call]) => ({
    name,
    what: `${port}.${name}`,
    changes: changing(name),
    call,
  }));
}

async function endOf<T>(work: Promise<T>, died: Promise<void>): Promise<{ readonly value: T } | 'died'> {
  return Promise.race([work.then((value) => ({ value })), died.then(() => 'died' as const)]);
}

async function disturbed(
  machine: Machine,
  what: string,
  happening: readonly Happens[],
  kill: () => void,
  call: () => Promise<unknown>,
): Promise<unknown> {
  const death = happening.find((one) => one.death)?.death;
  const fail = happening.find((one) => one.fail)?.fail;
  if (death === 'before') {
    kill();
    return never();
  }
  if (death === 'answer lost') {
    // The engine continues its work; nobody gets the result.
    call().catch(() => {});
    kill();
    return never();
  }
  const answer = await (fail === undefined ? call() : failed(machine, what, fail, call));
  if (death === 'after') kill();
  return answer;
}

const TIMEOUT_MS = 30_000;

async function failed(machine: Machine, what: string, how: Failure, call: () => Promise<unknown>): Promise<unknown> {
  if (!what.startsWith('engine.')) return failedElsewhere(machine, what, how, call);
  switch (how) {
    case 404:
      throw new EngineError(404, 'No such thing (a test says so)');
    case 409:
      throw new EngineError(409, 'Conflict (a test says so)');
    case 500:
      throw new EngineError(500, 'a fault of the engine (a test says so)');
    case 'disk full':
      throw new EngineError(500, 'write /var/lib/docker/tmp: no space left on device');
    case 'cut before':
      throw new EngineError(0, 'socket hang up');
    case 'answer lost':
      await call().catch(() => {});
      throw new EngineError(0, 'socket hang up');
    case 'timeout':
      await call().catch(() => {});
      await machine.clock.sleep(TIMEOUT_MS);
      throw new EngineError(0, 'no answer within 30 s');
  }
}

// The kernel and the registries report their own errors.
async function failedElsewhere(
  machine: Machine,
  what: string,
  how: Failure,
  call: () => Promise<unknown>,
): Promise<never> {
  if (how === 'answer lost' || how === 'timeout') await call().catch(() => {});
  if (how === 'timeout') await machine.clock.sleep(TIMEOUT_MS);
  if (what.startsWith('proxy.')) throw proxyTrouble(what, how);
  throw what.startsWith('kernel.')
    ? new RuleError(troubleBy(how))
    : new SwapError('registry-unreachable', 'the registry does not answer (a test says so)');
}

// A proxy that refuses a change is within reach.
function proxyTrouble(what: string, how: Failure): SwapError {
  if (what === 'proxy.apply' && typeof how === 'number')
    return new SwapError('proxy-refused', 'the proxy refuses it (a test says so)');
  return new SwapError('proxy-unreachable', 'the proxy does not answer (a test says so)');
}

// If nft was killed, or is late, its script may be in force.
function troubleBy(how: Failure): RuleTrouble {
  if (how === 'timeout') return { kind: 'timeout', afterMs: TIMEOUT_MS };
  if (how === 'answer lost') return { kind: 'killed', signal: 'SIGKILL' };
  return { kind: 'refused', words: 'a test says so' };
}

const knownSha256 = memoized(sha256);

function hostOf({ machine, living, yaml, trusted = true }: Place, holder: string, number: number): Ports['host'] {
  return {
    holder,
    isAlive: (other) => (other.includes('elsewhere') ? undefined : living.has(other)),
    containerId: undefined,
    call: { program: ['node', 'swapctl'], args: [], options: [] },
    sha256: knownSha256,
    randomId: () => `${number.toString(16)}${(++machine.count).toString(16)}`.padStart(12, '0'),
    logins: async () => [],
    readYaml: async () => yaml,
    isTrusted: async () => trusted,
  };
}

const absent = (): never => {
  throw new SwapError('config', 'there is no such program here');
};

// Not needed by any roll here.
const OUTSIDE = {
  compose: { read: async () => absent(), services: async () => undefined },
  builder: { build: async () => absent(), outline: async () => absent() },
  git: { head: async () => absent(), tree: async () => absent() },
  sources: { watch: async () => absent(), list: async () => [], pack: absent },
  schedules: { next: async () => undefined },
  notify: async () => [],
  post: async (url: string) => {
    if (new URL(url).hostname === 'down.test') throw new Error('down.test: connect ECONNREFUSED');
  },
  reloadConfig: async () => {},
};

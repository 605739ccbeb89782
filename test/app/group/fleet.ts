// Several engines in memory with one registry and the same service.
import assert from 'node:assert/strict';
import { createApp } from '../../../src/app/app.ts';
import { createGroup, type GroupApp } from '../../../src/app/group/group.ts';
import type { GroupReport } from '../../../src/core/group/report.ts';
import { groupConcerns } from '../../../src/core/group/report.ts';
import { type GroupConfig, hostGroup } from '../../../src/core/inventory/inventory.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import { statusOfErrors } from '../../../src/fronts/common/failure.ts';
import { type App as Program, SOUND } from '../../memory/apps.ts';
import { answering } from '../../memory/clients.ts';
import { type VirtualClock, virtualClock } from '../../memory/clock.ts';
import { create } from '../../memory/containers.ts';
import { memoryEngine } from '../../memory/engine.ts';
import { newRemote, push, type Remote } from '../../memory/images.ts';
import { newRules } from '../../memory/kernel.ts';
import { start } from '../../memory/lifecycle.ts';
import { addNetwork, BEGIN, type Machine, newMachine } from '../../memory/machine.ts';
import { openProcess, type Place, type Process } from '../../memory/process.ts';

export const IMAGE = 'registry.test/app:live';
const NETWORK = 'net';
const PORT = 8080;
const FEW = 10_000;

/** One host of a fleet. */
export interface FleetHost {
  readonly name: string;
  readonly place: Place;
  readonly machine: Machine;
  /** Instants without an answer. */
  readonly outages: number[];
  /** True: nothing can connect to it. */
  away: boolean;
}

/** A process that works on a fleet. */
export interface Operator {
  readonly app: GroupApp;
  readonly processes: ReadonlyMap<string, Process>;
  readonly progress: Progress[];
  /** The hooks that ran, as `host event`. */
  readonly hooked: string[];
  /** A hook for which this is true fails. */
  hookFails: (host: string, event: string) => boolean;
  kill(): void;
  /** Begins work that ends with the process; the caller lets time pass. */
  begin<T>(work: (app: GroupApp) => Promise<T>): Promise<T | 'died'>;
  /** The same, and lets time pass until it is settled. */
  run<T>(work: (app: GroupApp) => Promise<T>): Promise<T | 'died'>;
}

interface OperatorOptions {
  /** The name of the group. */
  readonly name?: string;
  readonly skipUnreachable?: boolean;
  /** True: all names lead to one engine. */
  readonly sameEngine?: boolean;
  /** The hosts whose engines answer, but cannot list their containers. */
  readonly listless?: readonly string[];
}

export interface Fleet {
  readonly clock: VirtualClock;
  readonly remote: Remote;
  readonly hosts: readonly FleetHost[];
  host(name: string): FleetHost;
  /** Pushes an image; resolves with its digest. */
  push(program?: Partial<Program>): string;
  /** A process that works on all hosts, or on the named ones. */
  operator(group?: Partial<GroupConfig>, options?: OperatorOptions): Operator;
  /** The digest that the service runs on each host; the containers have to be healthy and alone. */
  runs(): string[];
}

export const NEVER = new AbortController().signal;
export const REQUEST = { signal: NEVER, overrides: {} } as const;

/** A fleet on which every host runs the first image. */
export async function fleetOf(count: number): Promise<Fleet & { readonly first: string }> {
  const clock = virtualClock(BEGIN);
  const remote = newRemote();
  const builder = newMachine(clock);
  const pushed = (program: Partial<Program> = {}): string => push(builder, remote, IMAGE, madeOf(program));
  const first = pushed();
  const names = Array.from({ length: count }, (_, at) => `web${at + 1}`);
  const hosts: FleetHost[] = [];
  for (const name of names) hosts.push(await hostOf(name, clock, remote));
  await clock.run(clock.sleep(1000));
  clock.watch(() => hosts.forEach(noteOutage));
  const host = (name: string): FleetHost => hosts.find((one) => one.name === name) ?? assert.fail(name);
  return {
    clock,
    remote,
    hosts,
    host,
    first,
    push: pushed,
    operator: (group = {}, options = {}) => operatorOf({ clock, hosts, host }, group, options),
    runs: () => hosts.map((one) => runsOn(one)),
  };
}

function madeOf(program: Partial<Program>) {
  return { config: { ExposedPorts: { [`${PORT}/tcp`]: {} } }, app: { ...SOUND, stopMs: 150, ...program } };
}

async function hostOf(name: string, clock: VirtualClock, remote: Remote): Promise<FleetHost> {
  const machine = newMachine(clock);
  // No two engines give the same id to a container.
  machine.count = FEW * Number(name.slice('web'.length));
  addNetwork(machine, NETWORK);
  const place: Place = { machine, remote, rules: newRules(true), living: new Set(), yaml: undefined, count: 0 };
  await clock.run(memoryEngine(machine, remote).pull(IMAGE, () => {}, NEVER));
  const labels = {
    'swapctl.settle': '100ms',
    'swapctl.drain.timeout': '300ms',
    'swapctl.health.http': `${PORT}/healthz`,
    'swapctl.health.timeout': '5s',
    'swapctl.enable': 'true',
  };
  const config = { Image: IMAGE, Labels: labels, StopTimeout: 1 };
  const host = { NetworkMode: NETWORK, RestartPolicy: { Name: 'always' as const, MaximumRetryCount: 0 } };
  start(machine, create(machine, { name: 'web', config, host, networks: { [NETWORK]: { Aliases: ['app'] } } }));
  return { name, place, machine, outages: [], away: false };
}

function noteOutage({ machine, place, outages }: FleetHost): void {
  if (!machine.up) return;
  if (answering(machine, place.rules, { kind: 'name', network: NETWORK, name: 'app' }) === undefined)
    outages.push(machine.clock.now());
}

function runsOn({ name, machine }: FleetHost): string {
  const boxes = [...machine.boxes.values()].filter(({ status }) => status === 'running');
  assert.equal(boxes.length, 1, `${name} runs ${boxes.map((box) => box.name).join(', ')}`);
  const [box] = boxes;
  assert.equal(box?.name, 'web', name);
  return box?.image.digests[0]?.split('@')[1] ?? '';
}

/** Every host is whole: one container that answers, no lock, and no unanswered client. */
export function assertWhole({ hosts, runs }: Fleet): void {
  runs();
  for (const { name, machine, outages } of hosts) {
    assert.deepEqual(outages, [], `${name} was silent`);
    assert.deepEqual([...machine.names.keys()], ['web'], `${name} has leftovers`);
  }
}

function operatorOf(
  { clock, hosts, host }: Pick<Fleet, 'clock' | 'hosts' | 'host'>,
  group: Partial<GroupConfig>,
  { name = 'web', skipUnreachable = false, sameEngine = false, listless = [] }: OperatorOptions,
): Operator {
  const progress: Progress[] = [];
  const hooked: string[] = [];
  const processes = new Map(hosts.map((one) => [one.name, openProcess(one.place, { remote: true })]));
  const config: GroupConfig = {
    hosts: hosts.map((one) => one.name),
    canary: undefined,
    bakeMs: 0,
    atOnce: 1,
    onFailure: 'halt',
    beforeHost: [],
    afterHost: [],
    ...group,
  };
  const inventory = {
    hosts: Object.fromEntries(hosts.map((one) => [one.name, { kind: 'context' as const, context: one.name }])),
    groups: { [name]: config },
  };
  let dead = (): void => {};
  const died = new Promise<'died'>((resolve) => {
    dead = () => resolve('died');
  });
  const app = createGroup({
    group: hostGroup(inventory, name),
    skipUnreachable,
    clock,
    report: (one) => void progress.push(one),
    post: async () => {},
    run: async (_, __, { env }) => {
      const told = `${env.SWAPCTL_ON_HOST} ${env.SWAPCTL_EVENT}`;
      hooked.push(told);
      if (operator.hookFails(env.SWAPCTL_ON_HOST ?? '', env.SWAPCTL_EVENT ?? '')) throw new Error('it ended with 1');
    },
    open: async (one) => {
      const { away, machine } = host(one);
      if (away || !machine.up) throw new SwapError('engine-unreachable', `no Docker Engine answers at ${one}`);
      const { ports } = processes.get(sameEngine ? 'web1' : one) ?? assert.fail(one);
      const app = createApp(ports);
      const containers = () => Promise.reject(new EngineError(500, 'the list is locked'));
      const held = listless.includes(one) ? { ...app.held, containers } : app.held;
      return { app: { ...app, held }, close: () => {} };
    },
  });
  const kill = (): void => {
    for (const process of processes.values()) process.kill();
    dead();
  };
  for (const process of processes.values()) void process.died.then(kill);
  const operator: Operator = {
    app,
    processes,
    progress,
    hooked,
    hookFails: () => false,
    kill,
    begin: (work) => {
      const working = Promise.resolve().then(() => work(app));
      working.catch(() => {});
      return Promise.race([working, died]);
    },
    run: (work) => clock.run(operator.begin(work)),
  };
  return operator;
}

/** Rolls the service on a group, and checks that the process lived. */
export async function rolled(operator: Operator, signal: AbortSignal = NEVER): Promise<GroupReport> {
  const reports = await operator.run((app) => app.roll(['web'], { ...REQUEST, signal }));
  if (reports === 'died') return assert.fail('the process died');
  const [report] = reports;
  return report ?? assert.fail('there is no report');
}

export const outcomes = ({ hosts }: GroupReport): Record<string, string> =>
  Object.fromEntries(hosts.map(({ host, outcome }) => [host, outcome]));

export const exitOf = (report: GroupReport): number => statusOfErrors(groupConcerns(report));

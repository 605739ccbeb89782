// A machine in memory with a running service, ready to be rolled.
import assert from 'node:assert/strict';
import type { App } from '../../src/app/app.ts';
import type { Container, CreateRequest, HostConfig } from '../../src/core/model/container.ts';
import { EngineError } from '../../src/core/model/engine-error.ts';
import { SwapError } from '../../src/core/model/error.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import type { RecoveredItem } from '../../src/core/report/status.ts';
import { encodeState } from '../../src/core/service/labels.ts';
import { failureName } from '../../src/core/service/names.ts';
import { IDLE, type App as Program, SOUND } from '../memory/apps.ts';
import type { Entrance } from '../memory/clients.ts';
import { virtualClock } from '../memory/clock.ts';
import { create, inspected } from '../memory/containers.ts';
import { memoryEngine } from '../memory/engine.ts';
import { build, nameImage, newRemote, push } from '../memory/images.ts';
import { newRules } from '../memory/kernel.ts';
import { start } from '../memory/lifecycle.ts';
import { addNetwork, BEGIN, type Box, type Machine, newMachine } from '../memory/machine.ts';
import { openProcess, type Place, type Process, type ProcessOptions } from '../memory/process.ts';
import { addRoute, DRIVER, EDGE, type MemoryProxy, newProxy, targetsOf } from '../memory/proxy.ts';
import { goesBack, type Setup } from './setups.ts';
import { type Watch, watchClients } from './watch.ts';

export interface Stage {
  readonly setup: Setup;
  readonly place: Place;
  readonly machine: Machine;
  /** Its name for swapctl. */
  readonly service: string;
  /** The slot names of its containers, and then of its dependent. */
  readonly slots: readonly string[];
  readonly own: readonly string[];
  readonly follows: string;
  /** Images: the one at first, and the one in the end. */
  readonly from: string;
  readonly to: string;
  /** Ids of the first containers, by slot. */
  readonly before: ReadonlyMap<string, string>;
  /** The setup of each container. */
  readonly specs: ReadonlyMap<string, string>;
  readonly ways: readonly Entrance[];
  readonly watch: Watch;
  open(options?: ProcessOptions): Process;
}

const NETWORK = 'net';
export const PORT = 8080;
const LOCAL = 'app';
const REMOTE = 'registry.test/app';

/** A running service of that setup, and a newer image under its reference. */
export async function stageOf(setup: Setup): Promise<Stage> {
  const clock = virtualClock(BEGIN);
  const machine = newMachine(clock);
  const place: Place = {
    machine,
    remote: newRemote(),
    rules: newRules(setup.kernel),
    living: new Set(),
    proxy: setup.told ? newProxy(setup.lacking) : undefined,
    yaml: setup.files ? COMPOSE_FILE : undefined,
    count: 0,
  };
  addNetwork(machine, NETWORK);
  if (place.proxy) serveEdge(machine, place.proxy);
  const follows = setup.command === 'update' ? `${REMOTE}:live` : `${LOCAL}:live`;
  const first = await firstImage(setup, place, follows);
  const service = isComposed(setup) ? 'shop/web' : 'web';
  const own = isComposed(setup) ? Array.from({ length: setup.replicas }, (_, at) => `shop-web-${at + 1}`) : ['web'];
  const slots = setup.mate ? [...own, 'mate'] : own;
  for (const [at, name] of own.entries()) serve(machine, setup, name, follows, at + 1);
  if (setup.mate) liveWith(machine, own[0] ?? '', follows);
  await clock.run(clock.sleep(1000));
  const second = newerImage(setup, place, follows);
  const base = { setup, place, machine, service, slots, own, follows, open: openerOf(place) };
  if (goesBack(setup)) await rollFirst(base);
  if (setup.remembered) remember(machine, own[0] ?? '');
  if (setup.copies) looseCopy(machine, own[0] ?? '');
  for (const name of own) connect(machine, name, setup);
  const [from, to] = goesBack(setup) ? [second, first] : [first, second];
  const ways: Entrance[] = [
    { kind: 'name', network: NETWORK, name: 'app' },
    ...(setup.kernel && setup.strategy !== 'stop-first'
      ? [{ kind: 'each address', network: NETWORK, name: 'app' } as const]
      : []),
    ...(setup.proxied ? [{ kind: 'engine', network: NETWORK, name: 'app' } as const] : []),
    ...(place.proxy ? [throughProxy(machine, place.proxy)] : []),
    ...(setup.published ? [{ kind: 'port', hostPort: PORT } as const] : []),
  ];
  const before = new Map(slots.map((slot) => [slot, machine.names.get(slot)?.id ?? '']));
  const specs = new Map(slots.map((slot) => [slot, specOf(machine, slot)]));
  const watch = watchClients(machine, place.rules, ways, setup);
  return { ...base, from, to, before, specs, ways, watch };
}

function openerOf(place: Place): (options?: ProcessOptions) => Process {
  return (options) => openProcess(place, options);
}

function isComposed({ files, replicas }: Setup): boolean {
  return files || replicas > 1;
}

// ---- images

async function firstImage(setup: Setup, place: Place, follows: string): Promise<string> {
  const { machine, remote } = place;
  const made = { config: configOf(setup, '1'), app: programOf(setup, undefined) };
  if (setup.command !== 'update') return nameTwice(machine, build(machine, `${LOCAL}:1`, made), follows);
  push(machine, remote, follows, made);
  await machine.clock.run(memoryEngine(machine, remote).pull(follows, () => {}));
  return machine.tags.get(follows) ?? '';
}

function newerImage(setup: Setup, { machine, remote }: Place, follows: string): string {
  const made = { config: configOf(setup, '2'), app: programOf(setup, goesBack(setup) ? undefined : setup.bad) };
  if (setup.command === 'update') return remote.images.get(push(machine, remote, follows, made))?.id ?? '';
  const id = build(machine, `${LOCAL}:2`, made);
  nameImage(machine, id, `${LOCAL}:newest`);
  return nameTwice(machine, id, follows);
}

function nameTwice(machine: Machine, id: string, follows: string): string {
  nameImage(machine, id, follows);
  return id;
}

/** The interval of the engine's probes. */
export const INTERVAL_MS = 1000;

function configOf({ health, proxied, bringsCheck }: Setup, version: string): Container['config'] {
  const check = { Test: ['CMD', 'healthcheck'], Interval: INTERVAL_MS * 1e6, Retries: 2 };
  return {
    Env: [`VERSION=${version}`],
    Labels: { 'org.example.version': version },
    ExposedPorts: { [`${PORT}/tcp`]: {} },
    ...((health === 'check' || proxied) && !(bringsCheck && version === '1') && { Healthcheck: check }),
  };
}

function programOf({ volume, health }: Setup, bad: Setup['bad']): Program {
  const app: Program = {
    ...SOUND,
    stopMs: 150,
    ...(health === 'none' && { readyMs: 60 }),
    ...(volume && { writes: 'data' }),
    prints: ['up'],
  };
  switch (bad) {
    case 'ends':
      return { ...app, readyMs: Infinity, ends: { afterMs: 40, code: 3 } };
    case 'sick':
      return { ...app, readyMs: Infinity };
    case 'missing':
      return { ...app, missing: true };
    case 'hook':
    case undefined:
      return app;
  }
}

// ---- containers

function serve(machine: Machine, setup: Setup, name: string, image: string, number: number): void {
  const id = create(machine, requestOf(setup, name, image, number));
  if (setup.files) machine.boxes.get(id)?.files.set('/etc/motd', 'hello');
  start(machine, id);
}

function requestOf(setup: Setup, name: string, image: string, number: number): CreateRequest {
  const { autoRemove, restart, volume, published } = setup;
  const host: HostConfig = {
    NetworkMode: NETWORK,
    AutoRemove: autoRemove,
    RestartPolicy: { Name: restart, MaximumRetryCount: 0 },
    ...(volume && { Binds: [`data-${number}:/data`] }),
    ...(published && { PortBindings: { [`${PORT}/tcp`]: [{ HostIp: '0.0.0.0', HostPort: String(PORT) }] } }),
  };
  const labels = {
    ...labelsOf(setup),
    ...hooksOf(setup, name),
    ...(isComposed(setup) && composeLabels(number, setup)),
  };
  const config = { Image: image, Labels: labels, Env: ['OWN=1'], StopTimeout: 1 };
  return { name, config, host, networks: { [NETWORK]: { Aliases: ['app'] } } };
}

function labelsOf({
  strategy,
  health,
  copies,
  keep,
  rehearsal,
  proxied,
  told,
  holds,
  canary,
}: Setup): Record<string, string> {
  return {
    'swapctl.strategy': strategy,
    'swapctl.settle': '100ms',
    'swapctl.drain.timeout': '300ms',
    ...(health === 'http' && { 'swapctl.health.http': `${PORT}/healthz` }),
    ...(health === 'http' && { 'swapctl.health.timeout': '5s' }),
    ...(copies && { 'swapctl.backup.volumes': 'true', 'swapctl.backup.keep': String(keep) }),
    ...(proxied && { 'traefik.enable': 'true' }),
    ...(told && { 'swapctl.proxy': `${DRIVER}:${EDGE}`, 'swapctl.proxy.route': ROUTE }),
    ...(canary && { 'swapctl.canary': '10% for 2s' }),
    ...(holds && { 'swapctl.proxy.hold': '10m' }),
    ...(!rehearsal && { 'swapctl.rehearsal': 'false' }),
  };
}

function hooksOf({ bad, hooked }: Setup, name: string): Record<string, string> {
  if (bad === 'hook') return { 'swapctl.on-switch': 'exec gone true', 'swapctl.on-switch.failure': 'undo' };
  return hooked ? { 'swapctl.on-switch': `signal CONT ${name}` } : {};
}

const COMPOSE = 'com.docker.compose.';

function composeLabels(number: number, { waitsFor }: Setup): Record<string, string> {
  return {
    [`${COMPOSE}project`]: 'shop',
    [`${COMPOSE}service`]: 'web',
    [`${COMPOSE}container-number`]: String(number),
    [`${COMPOSE}oneoff`]: 'False',
    [`${COMPOSE}project.config_files`]: '/shop/compose.yml',
    [`${COMPOSE}project.working_dir`]: '/shop',
    [`${COMPOSE}config-hash`]: 'hash',
    ...(waitsFor && { [`${COMPOSE}depends_on`]: `${waitsFor}:service_completed_successfully:false` }),
  };
}

const COMPOSE_FILE = {
  services: { web: { configs: [{ source: 'motd', target: '/etc/motd' }] } },
  configs: { motd: { content: 'hello' } },
};

const ROUTE = 'app';

function serveEdge(machine: Machine, proxy: MemoryProxy): void {
  build(machine, 'edge:1', { app: IDLE });
  const host = { NetworkMode: NETWORK, RestartPolicy: { Name: 'always' } };
  const config = { Image: 'edge:1', Labels: { 'swapctl.proxy.allow': '*' } };
  start(machine, create(machine, { name: EDGE, config, host, networks: { [NETWORK]: {} } }));
  addRoute(proxy, ROUTE, { network: NETWORK, name: 'app', port: PORT });
}

function throughProxy(machine: Machine, proxy: MemoryProxy): Entrance {
  return { kind: 'proxy', route: ROUTE, targets: () => targetsOf(machine, proxy, ROUTE) };
}

function liveWith(machine: Machine, owner: string, image: string): void {
  const mode = `container:${machine.names.get(owner)?.id}`;
  const labels = { 'swapctl.strategy': 'stop-first', 'swapctl.settle': '100ms' };
  const host = { NetworkMode: mode, RestartPolicy: { Name: 'always' } };
  build(machine, 'mate:1', { app: IDLE });
  void image;
  start(machine, create(machine, { name: 'mate', config: { Image: 'mate:1', Labels: labels }, host, networks: {} }));
}

function connect(machine: Machine, name: string, { busyMs, keptMs }: Setup): void {
  const box = machine.names.get(name);
  if (!box) return;
  box.busyUntil = machine.clock.now() + busyMs;
  box.idleUntil = machine.clock.now() + keptMs;
}

// Of a third image.
function remember(machine: Machine, slotName: string): void {
  const bad = `sha256:${'e'.repeat(64)}`;
  const failure = { code: 'not-healthy', reason: 'it was a bad one', health: [], log: [] } as const;
  const at = new Date(machine.clock.now()).toISOString();
  const labels = encodeState({
    role: 'failed',
    service: slotName,
    slot: slotName,
    roll: 'earlier',
    at,
    image: bad,
    failure,
  });
  const name = failureName(slotName, 'earlier');
  machine.volumes.set(name, { name, labels, anonymous: false, files: new Map() });
}

// Without a marker of completeness.
function looseCopy(machine: Machine, slotName: string): void {
  const at = new Date(machine.clock.now() - 60_000).toISOString();
  const labels = encodeState({ role: 'backup', service: slotName, slot: slotName, roll: 'earlier', at });
  const name = `data-1.swapctl-backup-earlier`;
  machine.volumes.set(name, { name, labels, anonymous: false, files: new Map() });
}

async function rollFirst(base: Pick<Stage, 'open' | 'machine' | 'service' | 'follows'>): Promise<void> {
  const report = await asked(base, base.open(), (app) => app.roll([base.service], REQUEST));
  if (report === 'died' || report.outcome !== 'rolled') assert.fail(`the first roll: ${JSON.stringify(report)}`);
}

// ---- what swapctl is asked for

const NO_SIGNAL = new AbortController().signal;
const REQUEST = { signal: NO_SIGNAL, overrides: {}, pull: 'never' } as const;

/** The command of the setup. */
export function command(
  stage: Stage,
  process: Process,
  signal: AbortSignal = NO_SIGNAL,
): Promise<ServiceReport | 'died'> {
  const { setup, service } = stage;
  const request = { ...REQUEST, signal };
  return asked(stage, process, async (app) => {
    switch (setup.command) {
      case 'roll':
        return app.roll([service], request);
      case 'rollback':
        return [await app.rollback(service, request)];
      case 'rollback with volumes':
        return [await app.rollback(service, { ...request, withVolumes: true })];
      case 'update':
        return updated(app, service, signal);
    }
  });
}

/** A roll to the tracked image, whatever happened before. */
export function rollAgain(stage: Stage, process: Process): Promise<ServiceReport | 'died'> {
  const { setup, service } = stage;
  return asked(stage, process, (app) =>
    setup.command === 'update' ? updated(app, service, NO_SIGNAL) : app.roll([service], REQUEST),
  );
}

async function updated(app: App, service: string, signal: AbortSignal): Promise<ServiceReport[]> {
  const { services } = await app.update([service], { signal });
  const [line] = services;
  if (!line) return assert.fail('update says nothing of the service');
  const { outcome, report, error } = line;
  if (report) return [report];
  if (outcome === 'current') return [{ service, outcome: 'unchanged', timings: { total: 0 } }];
  const reason = error ?? { code: outcome === 'held' ? 'known-bad' : 'busy', message: line.because };
  return [{ service, outcome: 'failed', timings: { total: 0 }, error: reason } as ServiceReport];
}

async function asked(
  { machine, service }: Pick<Stage, 'machine' | 'service'>,
  process: Process,
  ask: (app: App) => Promise<ServiceReport[]>,
): Promise<ServiceReport | 'died'> {
  try {
    const end = await machine.clock.run(process.run(ask));
    return end === 'died' ? 'died' : (end.value[0] ?? assert.fail('no report'));
  } catch (error) {
    // Before there was a service to report on.
    if (!(error instanceof EngineError || error instanceof SwapError)) throw error;
    const code = error instanceof SwapError ? error.code : 'engine-unreachable';
    return { service, outcome: 'failed', timings: { total: 0 }, error: { code, message: error.message } };
  } finally {
    // A process ends with its command.
    process.kill();
  }
}

export async function recovered({ machine }: Stage, process: Process): Promise<readonly RecoveredItem[]> {
  const end = await machine.clock.run(process.run((app) => app.recover([], NO_SIGNAL)));
  return end === 'died' ? assert.fail('the recovery died') : end.value;
}

// ---- what it was set up as

const OURS = /^(swapctl\.state\.|com\.docker\.compose\.(image|replace|container-number$))/;

/** Everything in a container that a roll must keep, in comparable form. */
export function specOf(machine: Machine, name: string): string {
  const found = inspected(machine, name);
  if (!found) return 'gone';
  const { config, host, networks, mounts } = found;
  return JSON.stringify({
    labels: Object.entries(config.Labels ?? {})
      .filter(([key]) => !OURS.test(key) && key !== 'org.example.version')
      .sort(),
    env: (config.Env ?? []).filter((pair) => !/^(VERSION|PATH)=/.test(pair)).sort(),
    restart: host.RestartPolicy?.Name,
    autoRemove: host.AutoRemove ?? false,
    ports: host.PortBindings ?? {},
    network: ownerName(machine, host.NetworkMode ?? ''),
    networks: Object.entries(networks).map(([network, { Aliases }]) => [
      network,
      [...(Aliases ?? [])].filter((one) => one !== name),
    ]),
    mounts: mounts.map(({ target, name: volume, writable }) => [target, volume, writable]).sort(),
    stopTimeout: config.StopTimeout,
  });
}

// A container in another's network names it by its id, which changes.
function ownerName(machine: Machine, mode: string): string {
  if (!mode.startsWith('container:')) return mode;
  return `container:${machine.boxes.get(mode.slice('container:'.length))?.name ?? 'one that is gone'}`;
}

/** The container with the slot name. */
export function boxAt({ machine }: Stage, slot: string): Box | undefined {
  return machine.names.get(slot);
}

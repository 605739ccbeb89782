// A machine on which other users have containers, volumes and images with any labels, beside one service of the user.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cronSchedules } from '../../src/adapters/host/schedules.ts';
import { encodeState } from '../../src/core/service/labels.ts';
import { failureName, slotNames } from '../../src/core/service/names.ts';
import { NO_CONFIG } from '../../src/core/settings/config.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { sha256 } from '../lab/sha256.ts';
import { SOUND } from './apps.ts';
import { type VirtualClock, virtualClock } from './clock.ts';
import { memoryEngine } from './engine.ts';
import { build, memoryRegistry, newRemote } from './images.ts';
import { BEGIN, type Box, type Machine, newMachine } from './machine.ts';

const { slotName: _, ...OWN_NAMES } = slotNames('web');
// A roll of web needs these, and ends if another container has one of them.
const NEEDED = [...Object.values(OWN_NAMES), 'web.swapctl-lock'];
const OTHERS = [
  'web.swapctl-backup-r',
  'web.swapctl-failed-r',
  'stranger.swapctl-old',
  'stranger.swapctl-next',
  'stranger',
  'shop-web-2',
];
const NO_CLIENTS: Omit<Ports['traffic'], 'reachable'> = {
  sharesNetwork: async () => undefined,
  connections: async () => 0,
  diagnose: async () => ({ available: true, connections: [] }),
  closer: async () => ({ close: async () => ({ available: true, closed: 0 }), end: () => {} }),
  listening: async () => [],
};
const ROLES = ['replica', 'rehearsal', 'stand-in', 'failed', 'lock', 'helper', 'backup', 'copying'] as const;

/** A container of another user: its name, its state, and the labels of its image. */
const stranger = fc.record({
  name: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...NEEDED) },
    { weight: 6, arbitrary: fc.constantFrom(...OTHERS) },
  ),
  runs: fc.boolean(),
  mounts: fc.boolean(),
  role: fc.option(fc.constantFrom(...ROLES), { nil: undefined }),
  slot: fc.constantFrom('web', 'stranger'),
  compose: fc.boolean(),
  swarm: fc.boolean(),
  settings: fc.constantFrom(
    {},
    { 'swapctl.enable': 'true' },
    { 'swapctl.backup.keep': '0', 'swapctl.keep': '0', 'swapctl.backup.volumes': 'all' },
    { 'swapctl.track': 'regex:(', 'swapctl.schedule': 'every 1m', 'swapctl.depends-on': 'web' },
  ),
});

/** A volume of another user, with forged labels of a failed image or another record of swapctl. */
const forgedVolume = fc.record({
  name: fc.constantFrom('theirs-1', failureName('web', 'r'), failureName('stranger', 'r')),
  role: fc.constantFrom('failed', 'backup'),
  slot: fc.constantFrom('web', 'stranger'),
  roll: fc.constantFrom('r', 'another'),
});

type Stranger = typeof stranger extends fc.Arbitrary<infer T> ? T : never;

/** The possible objects of other users, and the user's own. */
export const anyWorld = fc.record({
  strangers: fc.uniqueArray(stranger, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
  volumes: fc.uniqueArray(forgedVolume, { selector: ({ name }) => name, maxLength: 3 }),
  // True: one more container has labels of its own that make it a replica of web, from another repository.
  joins: fc.boolean(),
  composed: fc.boolean(),
  copied: fc.boolean(),
  // Set: the image of web itself has all those labels, too.
  infected: fc.option(stranger, { nil: undefined }),
  sick: fc.boolean(),
});

type Setting = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;

/** A machine with that setting. */
export interface Place {
  readonly machine: Machine;
  readonly clock: VirtualClock;
  readonly ports: Ports;
  /** The name of web for swapctl. */
  readonly key: string;
  readonly copied: boolean;
  /** A new image of the user under a tag; resolves with its id. */
  build(reference: string): string;
}

/** Sets up a machine. */
export async function placeOf(setting: Setting): Promise<Place> {
  const { strangers, composed, copied, infected, sick, joins } = setting;
  const clock = virtualClock(BEGIN);
  const machine = newMachine(clock);
  const remote = newRemote();
  const engine = memoryEngine(machine, remote);
  const theirs: Theirs = { before: build(machine, 'theirs:0'), now: build(machine, 'theirs:1'), web: '' };
  const Labels = infected ? saidBy(infected, theirs) : {};
  const app = { ...SOUND, readyMs: 10 };
  const built = (reference: string, ill: boolean): string =>
    build(machine, reference, {
      app: ill ? { ...app, ends: { afterMs: 5, code: 1 } } : app,
      config: { Labels },
    });
  built('app:1', false);
  built('app:2', sick);
  const setUp = async (): Promise<void> => {
    for (const name of ['data', 'theirs', 'data.swapctl-backup-r']) await engine.createVolume(name, {});
    theirs.web = await engine.create(webOf(setting));
    await engine.start(theirs.web);
    for (const one of strangers) await settle(machine, engine, one, theirs);
    if (joins && composed) await joinIn(machine, engine);
    for (const one of setting.volumes) await keepVolume(machine, engine, one);
  };
  await clock.run(setUp());
  return {
    machine,
    clock,
    copied,
    ports: portsOf(engine, clock, memoryRegistry(remote)),
    key: composed ? 'shop/web' : 'web',
    build: (reference) => built(reference, sick),
  };
}

function webOf({ composed, copied }: Setting) {
  const labels = {
    ...(composed ? composedAs('1') : {}),
    ...(copied ? { 'swapctl.backup.volumes': 'true' } : {}),
    'swapctl.settle': '100ms',
    'swapctl.drain.timeout': '100ms',
  };
  const host = copied ? { Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }] } : {};
  return { name: 'web', config: { Image: 'app:1', Labels: labels }, host, networks: {} };
}

/** The knowledge of other users about the machine: their images, and the user's container. */
interface Theirs {
  readonly before: string;
  readonly now: string;
  web: string;
}

function saidBy(
  { role, slot, compose, swarm, settings }: Stranger,
  { before, now, web }: Theirs,
): Record<string, string> {
  const copies = [{ volume: 'theirs', copy: 'theirs', bytes: 0, files: 0 }];
  const tags = { follows: 'theirs:1', image: now, tagBefore: before, imageBefore: before };
  const state = { service: slot, slot, roll: 'r', copies, replaces: web, incumbents: [web], ...tags };
  return {
    ...(role ? encodeState({ ...state, role }) : {}),
    ...(compose ? composedAs('0') : {}),
    ...(swarm ? { 'com.docker.swarm.task.id': 't' } : {}),
    ...settings,
  };
}

function composedAs(number: string): Record<string, string> {
  const names = { project: 'shop', service: 'web', 'container-number': number, oneoff: 'False' };
  return Object.fromEntries(Object.entries(names).map(([key, value]) => [`com.docker.compose.${key}`, value]));
}

async function settle(machine: Machine, engine: Ports['engine'], one: Stranger, theirs: Theirs): Promise<void> {
  const image = `theirs/${one.name.replace(/[^a-z0-9]/g, '')}:1`;
  build(machine, image, { app: SOUND, config: { Labels: saidBy(one, theirs) } });
  const host = one.mounts ? { Mounts: [{ Type: 'volume', Source: 'theirs', Target: '/t' }] } : {};
  const id = await engine.create({ name: one.name, config: { Image: image }, host, networks: {} });
  if (one.runs) await engine.start(id);
}

// A perfect forgery can't be told from swapctl's own volume, so a container of theirs uses it.
async function keepVolume(
  machine: Machine,
  engine: Ports['engine'],
  { name, role, slot, roll }: Setting['volumes'][number],
): Promise<void> {
  const failure = { code: 'not-healthy', reason: 'a stranger says so', health: [], log: [] } as const;
  const image = `sha256:${'9'.repeat(64)}`;
  await engine.createVolume(name, encodeState({ role, service: slot, slot, roll, image, at: 'then', failure }));
  if (role !== 'failed' || name !== failureName(slot, roll)) return;
  build(machine, 'theirs/user:1', { app: SOUND });
  const host = { Mounts: [{ Type: 'volume', Source: name, Target: '/t' }] };
  await engine.create({ name: `user-of-${name}`, config: { Image: 'theirs/user:1' }, host, networks: {} });
}

async function joinIn(machine: Machine, engine: Ports['engine']): Promise<void> {
  build(machine, 'theirs/joining:1', { app: SOUND });
  const config = { Image: 'theirs/joining:1', Labels: composedAs('0') };
  await engine.start(await engine.create({ name: 'joining', config, host: {}, networks: {} }));
}

const THEIR_VOLUMES = [
  'theirs',
  'data.swapctl-backup-r',
  'theirs-1',
  ...['web', 'stranger'].map((slot) => failureName(slot, 'r')),
];

/** Everything that is not web's. */
export function belongings({ boxes, volumes, tags, images }: Machine): unknown {
  const isTheirs = ({ config }: Box): boolean => config.Image?.startsWith('theirs') === true;
  const shown = (box: Box) => ({ ...box, shown: undefined, image: box.image.id, health: undefined, logs: undefined });
  const named = [...tags].filter(([name]) => name.includes('theirs'));
  return structuredClone({
    containers: [...boxes.values()].filter(isTheirs).map(shown),
    volumes: THEIR_VOLUMES.map((name) => volumes.get(name)),
    images: named.map(([name, id]) => [name, id, images.has(id)]),
  });
}

/** Fails for an empty list: comparing nothing proves nothing. */
export function mustHaveSome(found: unknown): void {
  assert.ok((found as { containers: unknown[] }).containers.length > 0);
}

function portsOf(engine: Ports['engine'], clock: Ports['clock'], registry: Ports['registry']): Ports {
  let rolls = 0;
  const no = async (): Promise<undefined> => undefined;
  const none = async function* (): AsyncGenerator<Uint8Array> {};
  return {
    engine,
    clock,
    registry,
    config: () => NO_CONFIG,
    reloadConfig: async () => {},
    schedules: cronSchedules(),
    report: () => {},
    notify: async () => [],
    traffic: { ...NO_CLIENTS, reachable: async () => ({ ok: true, reached: true, output: '' }) },
    kernel: {
      layer: async () => ({ available: false, why: 'a test' }),
      portRedirect: async () => 'none',
      clearPortRedirect: no,
    },
    compose: { services: no },
    builder: { outline: async () => ({ ignored: [], files: [] }) },
    sources: { pack: none, list: async () => [], watch: no },
    host: {
      holder: 'a test',
      isAlive: () => undefined,
      containerId: undefined,
      randomId: () => `roll${++rolls}`,
      sha256,
      readYaml: no,
      isTrusted: no,
      logins: async () => [],
      call: { program: [], args: [], options: [] },
    },
  } as unknown as Ports;
}

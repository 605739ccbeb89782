// Whatever containers, images and volumes of others say, no use case changes any of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createApp } from '../../src/app.ts';
import { NO_CONFIG } from '../../src/core/config.ts';
import { encodeState } from '../../src/core/labels.ts';
import { slotNames } from '../../src/core/names.ts';
import type { Ports } from '../../src/ports.ts';
import { cronSchedules } from '../../src/system/schedules.ts';
import { sha256 } from '../lab/sha256.ts';
import { SOUND } from './apps.ts';
import { virtualClock } from './clock.ts';
import { memoryEngine } from './engine.ts';
import { build, newRemote } from './images.ts';
import { BEGIN, type Box, type Machine, newMachine } from './machine.ts';

const { home: _, ...OWN_NAMES } = slotNames('web');
const NAMES = [
  ...Object.values(OWN_NAMES),
  'web.swapctl-lock',
  'web.swapctl-backup-r',
  'web.swapctl-failed-1',
  'stranger',
];
const ROLES = ['replica', 'rehearsal', 'stand-in', 'failed', 'lock', 'helper', 'backup', 'copying'] as const;
const COPIES = [{ volume: 'theirs', copy: 'theirs', bytes: 0, files: 0 }];

/** A container of somebody else: what it is called, whether it runs, and what its image says of it. */
const stranger = fc.record({
  name: fc.constantFrom(...NAMES),
  runs: fc.boolean(),
  mounts: fc.boolean(),
  role: fc.option(fc.constantFrom(...ROLES), { nil: undefined }),
  slot: fc.constantFrom('web', 'stranger'),
  compose: fc.boolean(),
  swarm: fc.boolean(),
  settings: fc.constantFrom({}, { 'swapctl.enable': 'true' }, { 'swapctl.backup.keep': '0', 'swapctl.keep': '0' }),
});

type Stranger = typeof stranger extends fc.Arbitrary<infer T> ? T : never;

const world = fc.record({
  strangers: fc.uniqueArray(stranger, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
  composed: fc.boolean(),
  copied: fc.boolean(),
  // Whether the image of web itself says all that, too.
  infected: fc.option(stranger, { nil: undefined }),
  sick: fc.boolean(),
});

function saidBy({ role, slot, compose, swarm, settings }: Stranger): Record<string, string> {
  const state = { service: slot, slot, roll: 'r', copies: COPIES, tagBefore: EVIL, follows: 'theirs:1', replaces: 'x' };
  return {
    ...(role ? encodeState({ ...state, role }) : {}),
    ...(compose ? composedAs('0') : {}),
    ...(swarm ? { 'com.docker.swarm.task.id': 't' } : {}),
    ...settings,
  };
}

const EVIL = `sha256:${'e'.repeat(64)}`;

function composedAs(number: string): Record<string, string> {
  const names = { project: 'shop', service: 'web', 'container-number': number, oneoff: 'False' };
  return Object.fromEntries(Object.entries(names).map(([key, value]) => [`com.docker.compose.${key}`, value]));
}

test('no use case changes what strangers have', { timeout: 600_000 }, async (t) => {
  let worlds = 0;
  await fc.assert(
    fc.asyncProperty(world, async (setting) => {
      worlds++;
      await tried(setting);
    }),
    { numRuns: 400, endOnFailure: true },
  );
  t.diagnostic(`${worlds} worlds, each with roll, update, recover and rollback`);
});

async function tried({
  strangers,
  composed,
  copied,
  infected,
  sick,
}: typeof world extends fc.Arbitrary<infer T> ? T : never) {
  const clock = virtualClock(BEGIN);
  const machine = newMachine(clock);
  const engine = memoryEngine(machine, newRemote());
  const setUp = async (): Promise<void> => {
    const Labels = infected ? saidBy(infected) : {};
    const answers = { ...SOUND, readyMs: 10 };
    const runs = build(machine, 'app:1', { app: answers, config: { Labels } });
    build(machine, 'app:2', { app: sick ? { ...SOUND, ends: { afterMs: 5, code: 1 } } : answers, config: { Labels } });
    const labels = {
      ...(composed ? composedAs('1') : {}),
      ...(copied ? { 'swapctl.backup.volumes': 'true' } : {}),
      'swapctl.settle': '100ms',
      'swapctl.drain.timeout': '100ms',
    };
    const mine = copied ? { Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }] } : {};
    await engine.createVolume('data', {});
    await engine.createVolume('theirs', {});
    await engine.createVolume('data.swapctl-backup-r', {});
    const web = await engine.create({
      name: 'web',
      config: { Image: 'app:1', Labels: labels },
      host: mine,
      networks: {},
    });
    assert.ok(runs);
    await engine.start(web);
    for (const one of strangers) await settle(machine, engine, one);
  };
  await clock.run(setUp());
  const before = look(machine);
  const app = createApp(portsOf(engine, clock));
  const signal = new AbortController().signal;
  const request = { pull: 'never' as const, signal };
  const quiet = (work: Promise<unknown>): Promise<unknown> => clock.run(work.catch((raised) => raised));
  await quiet(app.roll([composed ? 'shop/web' : 'web'], { ...request, image: 'app:2' }));
  await quiet(app.update([], { signal, all: true, here: true, dryRun: false }));
  await quiet(app.recover([], signal));
  await quiet(app.rollback(composed ? 'shop/web' : 'web', { ...request, withVolumes: copied }));
  await quiet(app.recover([], signal));
  assert.deepEqual(look(machine), before);
}

async function settle(machine: Machine, engine: Ports['engine'], one: Stranger): Promise<void> {
  const image = `theirs:${one.name.replace(/[^a-z0-9]/g, '')}`;
  build(machine, image, { app: SOUND, config: { Labels: saidBy(one) } });
  const host = one.mounts ? { Mounts: [{ Type: 'volume', Source: 'theirs', Target: '/t' }] } : {};
  const id = await engine.create({ name: one.name, config: { Image: image }, host, networks: {} });
  if (one.runs) await engine.start(id);
}

/** All that is not web's. */
function look({ boxes, volumes, tags, images }: Machine): unknown {
  const isTheirs = ({ config }: Box): boolean => config.Image?.startsWith('theirs') === true;
  const shown = ({ id, name, status, startedAt, restartCount, host, config }: Box) => ({
    id,
    name,
    status,
    startedAt,
    restartCount,
    restart: host.RestartPolicy,
    labels: config.Labels,
  });
  const named = [...tags].filter(([name]) => name.includes('theirs'));
  return {
    containers: [...boxes.values()].filter(isTheirs).map(shown),
    volumes: ['theirs', 'data.swapctl-backup-r'].map((name) => volumes.get(name)),
    images: named.map(([name, id]) => [name, id, images.has(id)]),
  };
}

function portsOf(engine: Ports['engine'], clock: Ports['clock']): Ports {
  let rolls = 0;
  const no = async (): Promise<undefined> => undefined;
  return {
    engine,
    clock,
    config: () => NO_CONFIG,
    reloadConfig: async () => {},
    schedules: cronSchedules(),
    report: () => {},
    registry: { digest: () => Promise.reject(new Error('no registry')), tags: async () => [], close: () => {} },
    traffic: { connections: async () => 0, reachable: async () => ({ ok: true, output: '' }) },
    kernel: { layer: async () => ({ available: false, why: 'a test' }), cover: async () => 'none', clearCover: no },
    compose: { services: no },
    host: {
      holder: 'a test',
      isAlive: () => undefined,
      containerId: undefined,
      randomId: () => `roll${++rolls}`,
      sha256,
      readYaml: no,
      call: { program: [], args: [], options: [] },
    },
  } as unknown as Ports;
}

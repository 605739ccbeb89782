// The invariants after a roll, after its recovery, and after one more roll.

import assert from 'node:assert/strict';
import { isRejection } from '../../src/core/health/blame.ts';
import { exitStatus } from '../../src/core/model/error.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import { decodeState } from '../../src/core/service/labels.ts';
import { keepRepository } from '../../src/core/service/names.ts';
import { own } from '../core/own.ts';
import { sha256 } from '../lab/sha256.ts';
import { answering, type Entrance } from '../memory/clients.ts';
import type { Process } from '../memory/process.ts';
import { EDGE } from '../memory/proxy.ts';
import { recordsOn, roleOf, stateOf } from './boxes.ts';
import { goesBack, hasGap, type Setup } from './setups.ts';
import { boxAt, type Stage, specOf } from './stage.ts';
import { type Watch, writerOf } from './watch.ts';

interface Excused {
  /** Volumes that record a bad image may exist. */
  readonly memories: boolean;
  /** True: a user changed its data and its tags. */
  readonly meddled?: boolean;
  /** True: rules with a lifetime may still exist. */
  readonly soon?: boolean;
  /** False: old images may remain until the next roll. */
  readonly tags?: boolean;
  /** False: a user changed its setup. */
  readonly as?: boolean;
  /** Volumes that swapctl reported as left. */
  readonly left?: readonly string[];
}

/** Exactly one container per slot, set up as before, running and answering, and nothing beside it. Returns its image. */
export function assertSafe(
  stage: Stage,
  { memories, meddled = false, soon = false, as = true, tags = true, left = [] }: Excused,
): string {
  assertNotKilled(stage);
  assertAlone(stage);
  if (!memories) assertForgotten(stage, left);
  for (const slot of stage.slots) assertServes(stage, slot, as);
  const [image, ...others] = new Set(imagesOf(stage));
  assert.ok(image !== undefined && others.length === 0, 'all replicas run the same image');
  for (const way of as ? stage.ways : []) {
    // If a user removed the other one, the engine's verdict comes later.
    if (meddled && way.kind === 'engine') continue;
    const box = answering(stage.machine, stage.place.rules, way);
    assert.ok(box, `somebody answers by ${JSON.stringify(way)}`);
    assert.equal(box.image.id, image, 'what runs is what answers');
  }
  assertNoRules(stage, soon);
  assertOwnRoutes(stage);
  if (!meddled && tags) assertTags(stage, image);
  if (!stage.watch.meddled && !meddled) assertData(stage);
  assertVolumes(stage, memories || meddled, left);
  if (!meddled) assertBlame(stage);
  return image;
}

// A user may have started it again: then its program gets another stop signal.
function assertNotKilled({ machine, before }: Stage): void {
  const killed = machine.killedByRemoval.filter((id) => [...before.values()].includes(id));
  assert.deepEqual(killed, [], 'a container that served is stopped before it is removed');
}

function assertForgotten({ machine }: Stage, left: readonly string[]): void {
  const rejected = recordsOn(machine).filter(({ volume, failure }) => isRejection(failure) && !left.includes(volume));
  assert.deepEqual(rejected, [], 'no image is rejected');
}

function assertAlone({ machine, slots }: Stage): void {
  // A container that a user renamed belongs to the user; a container marks each backup.
  const found = [...machine.boxes.values()].filter(
    (box) => roleOf(box) !== 'backup' && box.name !== 'elsewhere' && box.name !== EDGE,
  );
  assert.deepEqual(
    found.map(({ name }) => name).sort(),
    [...slots].sort(),
    'one container a slot, and nothing beside them',
  );
}

function assertServes(stage: Stage, slot: string, as: boolean): void {
  const box = boxAt(stage, slot);
  assert.equal(box?.status, 'running', `${slot} runs`);
  if (as) assert.equal(specOf(stage.machine, slot), stage.specs.get(slot), `${slot} is as it was set up`);
}

/** The images of the service's replicas, by slot name; undefined if none runs. */
export function imagesOf(stage: Stage): (string | undefined)[] {
  return stage.own.map((slot) => {
    const box = boxAt(stage, slot);
    return box?.status === 'running' || box?.status === 'restarting' ? box.image.id : undefined;
  });
}

function assertNoRules({ machine, place, slots }: Stage, soon: boolean): void {
  const { portRedirects, forwards, gates, holds } = place.rules;
  const now = machine.clock.now();
  assert.deepEqual([...portRedirects.keys()], [], 'no rules that lead ports are left');
  assert.deepEqual([...holds.keys()], [], 'no rules that drop connections are left');
  assert.deepEqual(
    soon ? [] : forwards.filter(({ until, open }) => until > now || open === 0),
    [],
    'no rules that lead from one to another are left',
  );
  for (const slot of slots) {
    const pid = machine.names.get(slot)?.pid ?? 0;
    assert.ok((gates.get(pid) ?? 0) <= now, `${slot} is open`);
  }
}

function assertOwnRoutes({ place }: Stage): void {
  for (const [name, { wanted }] of place.proxy?.routes ?? [])
    assert.equal(wanted.kind, 'baseline', `the proxy acts by its own configuration for ${name}`);
}

// Only an image that failed by itself, or that a user rolled back from, is rejected.
function assertBlame({ machine, setup, from, to }: Stage): void {
  const bad = new Set([`sha256:${'e'.repeat(64)}`, ...(setup.bad ? [to] : []), ...(goesBack(setup) ? [from] : [])]);
  for (const { volume, state, failure } of recordsOn(machine))
    assert.ok(!isRejection(failure) || bad.has(state.image), `${volume}: its image did nothing wrong`);
}

// keep: 1. The tracked reference names the running image, or the one that the user tagged.
function assertTags({ machine, setup, service, follows, to }: Stage, image: string): void {
  const names = [...machine.tags.keys()].filter((tag) => tag.includes(`/${keepRepository(service, sha256)}:`));
  const most = 1 + setup.keep;
  assert.ok(names.length <= most, `at most ${most} images are kept as the way back: ${names}`);
  const means = [...machine.tags].find(([tag]) =>
    tag.endsWith(follows.startsWith('app:') ? `/library/${follows}` : follows),
  )?.[1];
  assert.ok(
    means === undefined || means === image || means === to,
    'the tag means what runs, or what the user made it mean',
  );
}

// Its volume has its own data and that of its predecessors, nothing else, and nothing is missing.
function assertData({ machine, setup, watch, own }: Stage): void {
  assert.deepEqual(watch.wrongs, []);
  if (!setup.copies) return;
  for (const slot of own) {
    const box = machine.names.get(slot);
    const [mount] = box?.mounts ?? [];
    if (!box || !mount) continue;
    const entries = [...(machine.volumes.get(mount.name)?.files.keys() ?? [])];
    const lineage = watch.lineage(box.id);
    for (const entry of entries) assert.ok(lineage.has(writerOf(entry)), `${slot} finds what ${entry} wrote`);
    if (setup.command === 'rollback with volumes') continue;
    for (const [id, written] of watch.written)
      if (lineage.has(id.slice(0, 12)))
        for (const one of written) assert.ok(entries.includes(one), `what ${one} is, was lost`);
  }
}

// Backups count only with their marker container. If backups are kept, an incomplete one goes once there is a newer one.
function assertVolumes({ machine, setup, own: slots }: Stage, failed: boolean, left: readonly string[]): void {
  const known = new Set(left);
  const backups = [...machine.boxes.values()].filter((box) => roleOf(box) === 'backup');
  for (const box of backups) for (const { copy } of stateOf(box)?.copies ?? []) known.add(copy);
  const copies = [...machine.volumes.keys()].filter((name) => name.includes('.swapctl-backup-'));
  const madeAt = (name: string): string => decodeState(own(machine.volumes.get(name)?.labels ?? {}))?.at ?? '';
  const isOver = (name: string): boolean =>
    setup.keep === 0 || backups.some((box) => (stateOf(box)?.at ?? '') > madeAt(name));
  const loose = copies.filter((name) => !known.has(name) && !name.endsWith('-earlier') && isOver(name));
  if (!failed) assert.deepEqual(loose, [], 'no copies are left that nothing says to be complete');
  const most = (setup.keep + (setup.keep > 0 ? 1 : 0) + 1) * slots.length;
  assert.ok(backups.length <= most, `at most ${most} copies are left: ${backups.map(({ name }) => name)}`);
}

/** The loop came to its end, and never to a step that would break an invariant. */
export function assertSound(report: ServiceReport): void {
  assert.doesNotMatch(
    JSON.stringify(report.error ?? {}),
    /this is a bug in swapctl|still not done after/,
    `the loop stopped itself: ${report.error?.message}`,
  );
}

/** The same as assertTrue, if a user may have removed the serving container: nothing wrong serves. */
export function assertTrueMeanwhile(stage: Stage, { outcome, error }: ServiceReport): void {
  const running = new Set(imagesOf(stage).filter((image) => image !== undefined));
  if (outcome === 'rolled' || outcome === 'rolled-back')
    assert.deepEqual(running, new Set([stage.to]), 'the new image serves');
  if (outcome !== 'failed' || exitStatus(error?.code ?? 'attention') !== 1) return;
  assert.deepEqual(running, new Set([stage.from]), `the old image serves: ${error?.code} ${error?.message}`);
}

/** The report states the present situation, before any recovery. */
export function assertTrue(stage: Stage, report: ServiceReport): void {
  const { outcome, error } = report;
  const said = JSON.stringify(report);
  assertSound(report);
  if (outcome === 'unchanged') return;
  if (outcome !== 'failed') {
    assertRolled(stage, report);
    return;
  }
  // Every report except "needs attention" promises that the old version serves as before, or that nothing was touched.
  if (exitStatus(error?.code ?? 'attention') === 3) return;
  assert.deepEqual(new Set(imagesOf(stage)), new Set([stage.from]), `the old image serves: ${said}`);
  if (stage.setup.autoRemove || report.replicas) return;
  assert.equal(boxAt(stage, stage.own[0] ?? '')?.id, stage.before.get(stage.own[0] ?? ''), `as before: ${said}`);
}

function assertRolled(stage: Stage, report: ServiceReport): void {
  const { from, to } = report.replicas?.[0] ?? report;
  const slot = stage.own[0] ?? '';
  const said = JSON.stringify(report);
  assert.deepEqual(new Set(imagesOf(stage)), new Set([stage.to]), said);
  assert.equal(from?.container, stage.before.get(slot)?.slice(0, 12), said);
  // An engine that was away at the end could not be asked.
  if (to) assert.equal(to.container, boxAt(stage, slot)?.id.slice(0, 12), said);
}

/** No client waited in vain, except in a gap, and then for no longer than the report says. */
export function assertAnswered(stage: Stage, report: ServiceReport | undefined): void {
  const { watch, setup, machine } = stage;
  const now = machine.clock.now();
  const told = outagesOf(watch, (way) => !isByName(setup, way));
  if (!hasGap(setup)) assert.deepEqual(told, [], 'somebody answered all the time');
  if (!hasGap(setup) || !report || report.error?.code === 'attention') return;
  const longest = Math.max(
    0,
    ...stage.ways.map((way) =>
      sum(watch.outages.filter((one) => one.way === way).map(({ from, to }) => (to ?? now) - from)),
    ),
  );
  assert.ok(
    longest <= Math.max(report.gap ?? 0, 0) + 5,
    `nobody answered for ${longest} ms, and the report says ${report.gap}`,
  );
}

// During a handover a driven proxy uses the addresses of the name, too.
function isByName({ strategy }: Setup, { kind }: Entrance): boolean {
  return kind === 'each address' || (kind === 'proxy' && strategy === 'handover');
}

/**
 * The same for clients that use each address in turn. A swapctl that dies while the engine starts a container leaves it without a gate.
 */
export function assertAnsweredAtEach({ watch, setup }: Stage): void {
  assert.deepEqual(
    outagesOf(watch, (way) => isByName(setup, way)),
    [],
    'each address was answered all the time',
  );
}

function outagesOf({ outages }: Watch, meant: (way: Entrance) => boolean): string[] {
  const found = outages.filter(({ way }) => meant(way));
  return found.map(({ way, from, to }) => `${way.kind}: ${from} to ${to ?? 'now'}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The log of the run, for the search of a failure's cause. */
export function storyOf({ progress, calls }: Process): string {
  const lines = progress.flatMap((one) => {
    if (one.kind === 'step') return [`==> ${one.slot}: ${JSON.stringify(one.step)}`];
    return one.kind === 'note' || one.kind === 'debug' ? [`    ${one.text}`] : [];
  });
  return [...lines, `${calls.length} calls`].join('\n');
}

/** True: a user renamed a container of the stage. */
export function hasStray({ machine }: Stage): boolean {
  return machine.names.has('elsewhere');
}

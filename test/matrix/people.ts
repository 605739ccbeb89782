// People, prunes, compose, other rolls and the daemon do things to the containers of a roll, between any two of its calls.

import { slotNames } from '../../src/core/names.ts';
import { remove, rename } from '../memory/containers.ts';
import { imageNamed, nameImage, unname } from '../memory/images.ts';
import { daemonComes, daemonGoes, end, pause, start, stop } from '../memory/lifecycle.ts';
import { type Box, changed, isUp, type Machine } from '../memory/machine.ts';
import { disconnect } from '../memory/networks.ts';
import { roleOf } from './boxes.ts';
import { rollAgain, type Stage } from './stage.ts';

/** Resolves with false where there is nothing to do it to. */
type Deed = (stage: Stage) => boolean | Promise<boolean>;

const DOWN_MS = 1500;

/** What is done, just before a call. */
export const DEEDS = {
  'old one stopped': (stage) => toUp(stage, oldOne(stage), (box) => stop(stage.machine, box)),
  'new one stopped': (stage) => toUp(stage, newOne(stage), (box) => stop(stage.machine, box)),
  'old one killed': (stage) => toUp(stage, oldOne(stage), (box) => end(stage.machine, box, 137)),
  'old one started': (stage) => toDown(stage, oldOne(stage)),
  'new one started': (stage) => toDown(stage, newOne(stage)),
  'old one paused': (stage) => toUp(stage, oldOne(stage), (box) => pause(stage.machine, box)),
  'new one paused': (stage) => toUp(stage, newOne(stage), (box) => pause(stage.machine, box)),
  'old one removed': (stage) => toAny(stage, oldOne(stage), (box) => remove(stage.machine, box, { force: true })),
  'new one removed': (stage) => toAny(stage, newOne(stage), (box) => remove(stage.machine, box, { force: true })),
  'old one renamed': (stage) => toAny(stage, oldOne(stage), (box) => renamed(stage.machine, box, ELSEWHERE)),
  'new one renamed': (stage) => toAny(stage, newOne(stage), (box) => renamed(stage.machine, box, ELSEWHERE)),
  'new one gets the name': (stage) =>
    toAny(stage, newOne(stage), (box) => renamed(stage.machine, box, stage.slots[0] ?? '')),
  'old one disconnected': (stage) => toAny(stage, oldOne(stage), (box) => disconnected(stage.machine, box)),
  'stand-in stopped': (stage) => toUp(stage, helper(stage, 'standIn'), (box) => stop(stage.machine, box)),
  'stand-in removed': (stage) =>
    toAny(stage, helper(stage, 'standIn'), (box) => remove(stage.machine, box, { force: true })),
  'rehearsal stopped': (stage) => toUp(stage, helper(stage, 'rehearsal'), (box) => stop(stage.machine, box)),
  'rehearsal removed': (stage) =>
    toAny(stage, helper(stage, 'rehearsal'), (box) => remove(stage.machine, box, { force: true })),
  'lock removed': (stage) =>
    toAny(stage, withRole(stage, 'lock'), (box) => remove(stage.machine, box, { force: true })),
  'copies pruned': (stage) => toAny(stage, withRole(stage, 'backup'), (box) => pruned(stage.machine, box)),
  'note of copies pruned': (stage) => toAny(stage, withRole(stage, 'backup'), (box) => remove(stage.machine, box)),
  'images pruned': ({ machine }) => pruneImages(machine),
  'tag moved': (stage) => tagMoved(stage),
  'rules lost': (stage) => rulesLost(stage),
  'another roll': (stage) => otherRoll(stage).then(() => true),
  'compose down': (stage) => composeDown(stage),
} satisfies Record<string, Deed>;

export type DeedName = keyof typeof DEEDS;
const ELSEWHERE = 'elsewhere';

/** Whether a deed takes away, or stops, what serves or is to serve. */
export function isHarm(deed: DeedName): boolean {
  return !/^(lock|copies|note|images|tag|another|rehearsal|old one started)/.test(deed);
}

/** The daemon is gone for a while. */
export async function outage({ machine }: Stage, going: 'stopped' | 'killed', liveRestore: boolean): Promise<void> {
  machine.liveRestore = liveRestore;
  await daemonGoes(machine, going);
  machine.clock.alarm(machine.clock.now() + DOWN_MS, () => daemonComes(machine));
}

/** A container of the slot by what it is to the roll. */
function oldOne({ machine, slots, before }: Stage): Box | undefined {
  return machine.boxes.get(before.get(slots[0] ?? '') ?? '');
}

function newOne(stage: Stage): Box | undefined {
  const { machine, slots } = stage;
  const names = slotNames(slots[0] ?? '');
  const old = oldOne(stage);
  return [names.home, names.next]
    .map((name) => machine.names.get(name))
    .find((box) => box !== undefined && box !== old);
}

function helper({ machine, slots }: Stage, which: 'standIn' | 'rehearsal'): Box | undefined {
  return machine.names.get(slotNames(slots[0] ?? '')[which]);
}

function withRole({ machine }: Stage, role: string): Box | undefined {
  return [...machine.boxes.values()].find((box) => roleOf(box) === role);
}

type Act = (box: Box) => unknown;

async function toAny(_stage: Stage, box: Box | undefined, act: Act): Promise<boolean> {
  if (!box || box.status === 'removing') return false;
  await act(box);
  return true;
}

function toUp(stage: Stage, box: Box | undefined, act: Act): Promise<boolean> | false {
  return box?.status === 'running' && toAny(stage, box, act);
}

function toDown({ machine }: Stage, box: Box | undefined): boolean {
  if (!box || isUp(box) || box.status === 'removing') return false;
  try {
    start(machine, box.id);
    return true;
  } catch {
    // Its port is taken, say.
    return false;
  }
}

function renamed(machine: Machine, box: Box, to: string): void {
  if (!machine.names.has(to)) rename(machine, box.id, to);
}

function disconnected(machine: Machine, box: Box): void {
  for (const network of Object.keys(box.networks)) disconnect(machine, box, network);
  changed(machine, box);
}

function pruned(machine: Machine, box: Box): void {
  remove(machine, box);
  for (const { name } of box.mounts) machine.volumes.delete(name);
}

// As `docker image prune --all` does: every tag and image that no container uses.
function pruneImages(machine: Machine): boolean {
  const used = new Set([...machine.boxes.values()].map(({ image }) => image.id));
  const loose = [...machine.tags].filter(([, id]) => !used.has(id));
  for (const [tag] of loose) unname(machine, tag);
  for (const id of machine.images.keys()) if (!used.has(id)) machine.images.delete(id);
  return loose.length > 0;
}

function tagMoved({ machine, follows }: Stage): boolean {
  const other = imageNamed(machine, 'mate:1') ?? imageNamed(machine, follows);
  if (other) nameImage(machine, other.id, follows);
  return other !== undefined;
}

function rulesLost({ place }: Stage): boolean {
  const { rules } = place;
  const some = rules.covers.size + rules.forwards.length + rules.gates.size > 0;
  rules.covers.clear();
  rules.gates.clear();
  rules.forwards = [];
  return some;
}

async function otherRoll(stage: Stage): Promise<void> {
  const report = await rollAgain(stage, stage.open());
  const said = report === 'died' ? report : (report.error?.code ?? report.outcome);
  if (!/^(busy|known-bad|unchanged|rolled)$/.test(said)) throw new Error(`the other roll: ${JSON.stringify(report)}`);
}

async function composeDown({ machine, own }: Stage): Promise<boolean> {
  const all = [...machine.boxes.values()].filter(
    ({ config }) => config.Labels?.['com.docker.compose.project'] === 'shop',
  );
  for (const box of all) {
    await stop(machine, box);
    if (machine.boxes.has(box.id)) remove(machine, box, { force: true });
  }
  return all.length > 0 && own.length > 0;
}

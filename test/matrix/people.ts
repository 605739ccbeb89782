// Users, prunes, compose, other rolls and the daemon act on the containers of a roll, between any two of its calls.
import { slotNames } from '../../src/core/service/names.ts';
import { remove, rename } from '../memory/containers.ts';
import { imageNamed, nameImage, unname } from '../memory/images.ts';
import { daemonComes, daemonGoes, end, pause, start, stop } from '../memory/lifecycle.ts';
import { type Box, changed, isUp, type Machine, type StoredImage } from '../memory/machine.ts';
import { disconnect } from '../memory/networks.ts';
import { roleOf } from './boxes.ts';
import { BAD_ENDS } from './setups.ts';
import { rollAgain, type Stage } from './stage.ts';

/** An action just before a call. */
interface ChangeActions {
  /** Its object; undefined if there is none. */
  target(stage: Stage): Box | true | undefined;
  /** Does it. Resolves with false if the engine refuses. */
  act(stage: Stage, target: Box | true): unknown;
}

type Find = (stage: Stage) => Box | undefined;
type Act = (stage: Stage, box: Box) => unknown;

const DOWN_MS = 1500;
const stopped: Act = ({ machine }, box) => stop(machine, box);
const paused: Act = ({ machine }, box) => pause(machine, box);
const removed: Act = ({ machine }, box) => remove(machine, box, { force: true });
const movedAway: Act = ({ machine }, box) => renamed(machine, box, ELSEWHERE);

export const ACTIONS = {
  'old one stopped': toUp(incumbentOf, stopped),
  'new one stopped': toUp(candidateOf, stopped),
  'old one killed': toUp(incumbentOf, ({ machine }, box) => end(machine, box, 137)),
  'old one started': toDown(incumbentOf),
  'new one started': toDown(candidateOf),
  'old one paused': toUp(incumbentOf, paused),
  'new one paused': toUp(candidateOf, paused),
  'old one removed': toAny(incumbentOf, removed),
  'new one removed': toAny(candidateOf, removed),
  'old one renamed': toAny(incumbentOf, movedAway),
  'new one renamed': toAny(candidateOf, movedAway),
  'new one gets the name': toAny(candidateOf, ({ machine, slots }, box) => renamed(machine, box, slots[0] ?? '')),
  'old one disconnected': toAny(incumbentOf, ({ machine }, box) => disconnected(machine, box)),
  'stand-in stopped': toUp(helper('standIn'), stopped),
  'stand-in removed': toAny(helper('standIn'), removed),
  'rehearsal stopped': toUp(helper('rehearsal'), stopped),
  'rehearsal removed': toAny(helper('rehearsal'), removed),
  'lock removed': toAny(withRole('lock'), removed),
  'copies pruned': toAny(withRole('backup'), ({ machine }, box) => pruned(machine, box)),
  'note of copies pruned': toAny(withRole('backup'), ({ machine }, box) => remove(machine, box)),
  'images pruned': { target: ({ machine }) => looseTags(machine).length > 0 || undefined, act: pruneImages },
  'tag moved': { target: (stage) => otherImage(stage) && true, act: tagMoved },
  'rules lost': { target: hasRules, act: loseRules },
  'another roll': { target: () => true, act: otherRoll },
  'compose down': { target: ({ machine }) => composed(machine).length > 0 || undefined, act: composeDown },
} satisfies Record<string, ChangeActions>;

export type ActionName = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as ActionName[];
const ELSEWHERE = 'elsewhere';

/** The possible actions now. */
export function possibleActions(stage: Stage): ActionName[] {
  return ACTION_NAMES.filter((name) => ACTIONS[name].target(stage) !== undefined);
}

/** Does it; resolves with true if there was an object. */
export async function doAction(stage: Stage, name: ActionName): Promise<boolean> {
  const action: ChangeActions = ACTIONS[name];
  const target = action.target(stage);
  return target !== undefined && (await action.act(stage, target)) !== false;
}

/** True: the action removes or stops the serving container, or the one that is to serve. */
export function isHarm(action: ActionName): boolean {
  return !/^(lock|copies|note|images|tag|another|rehearsal|old one started)/.test(action);
}

/** The daemon is gone for a while. */
export async function outage({ machine }: Stage, going: 'stopped' | 'killed', liveRestore: boolean): Promise<void> {
  machine.liveRestore = liveRestore;
  await daemonGoes(machine, going);
  machine.clock.alarm(machine.clock.now() + DOWN_MS, () => daemonComes(machine));
}

/** A container of the slot by its role in the roll. */
function incumbentOf({ machine, slots, before }: Stage): Box | undefined {
  return machine.boxes.get(before.get(slots[0] ?? '') ?? '');
}

function candidateOf(stage: Stage): Box | undefined {
  const { machine, slots } = stage;
  const names = slotNames(slots[0] ?? '');
  const old = incumbentOf(stage);
  return [names.slotName, names.next]
    .map((name) => machine.names.get(name))
    .find((box) => box !== undefined && box !== old);
}

function helper(which: 'standIn' | 'rehearsal'): Find {
  return ({ machine, slots }) => machine.names.get(slotNames(slots[0] ?? '')[which]);
}

function withRole(role: string): Find {
  return ({ machine }) => [...machine.boxes.values()].find((box) => roleOf(box) === role);
}

function toAny(find: Find, act: Act, fits: (box: Box) => boolean = () => true): ChangeActions {
  return {
    target: (stage) => {
      const box = find(stage);
      return box && box.status !== 'removing' && fits(box) ? box : undefined;
    },
    act: (stage, target) => target !== true && act(stage, target),
  };
}

function toUp(find: Find, act: Act): ChangeActions {
  return toAny(find, act, ({ status }) => status === 'running');
}

function toDown(find: Find): ChangeActions {
  return toAny(find, startedBy, (box) => !isUp(box));
}

function startedBy({ machine }: Stage, box: Box): boolean {
  try {
    start(machine, box.id);
    return true;
  } catch {
    // Its port may be taken.
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

// As `docker image prune --all` does: every unused tag and image.
function pruneImages({ machine }: Stage): void {
  for (const tag of looseTags(machine)) unname(machine, tag);
  const used = usedImages(machine);
  for (const id of machine.images.keys()) if (!used.has(id)) machine.images.delete(id);
}

function looseTags(machine: Machine): string[] {
  const used = usedImages(machine);
  return [...machine.tags].flatMap(([tag, id]) => (used.has(id) ? [] : [tag]));
}

function usedImages({ boxes }: Machine): ReadonlySet<string> {
  return new Set([...boxes.values()].map(({ image }) => image.id));
}

function tagMoved(stage: Stage): void {
  nameImage(stage.machine, otherImage(stage)?.id ?? '', stage.follows);
}

function otherImage({ machine, follows }: Stage): StoredImage | undefined {
  return imageNamed(machine, 'mate:1') ?? imageNamed(machine, follows);
}

function hasRules({ place: { rules } }: Stage): true | undefined {
  return rules.portRedirects.size + rules.forwards.length + rules.gates.size > 0 || undefined;
}

function loseRules({ place: { rules } }: Stage): void {
  rules.portRedirects.clear();
  rules.gates.clear();
  rules.forwards = [];
}

// While the first holds the lock, the second changes nothing.
async function otherRoll(stage: Stage): Promise<void> {
  const held = withRole('lock')(stage) !== undefined;
  const report = await rollAgain(stage, stage.open());
  const said = report === 'died' ? report : (report.error?.code ?? report.outcome);
  const alone = said === 'rolled' || (stage.setup.bad !== undefined && BAD_ENDS.test(said));
  if (!/^(busy|known-bad|unchanged)$/.test(said) && (held || !alone))
    throw new Error(`the other roll: ${JSON.stringify(report)}`);
}

async function composeDown({ machine }: Stage): Promise<void> {
  for (const box of composed(machine)) {
    await stop(machine, box);
    if (machine.boxes.has(box.id)) remove(machine, box, { force: true });
  }
}

function composed({ boxes }: Machine): Box[] {
  return [...boxes.values()].filter(({ config }) => config.Labels?.['com.docker.compose.project'] === 'shop');
}

import { engineVerdictFor } from '../../core/health/engine-verdict.ts';
import { failuresIn } from '../../core/health/failures.ts';
import { selfNamedNote } from '../../core/health/self-named.ts';
import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { COMPOSE_FILES, COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { type ImageRef, isImageId, parseReference } from '../../core/model/reference.ts';
import type { Successors } from '../../core/model/references.ts';
import { proxyNotes, switchedBy } from '../../core/proxy/notes.ts';
import type { Proxied } from '../../core/proxy/proxied.ts';
import { inlineFiles, likelyInlineFiles } from '../../core/recreate/compose.ts';
import { needsHost } from '../../core/recreate/start-check.ts';
import { attachedNote } from '../../core/service/attached.ts';
import { hooksNote } from '../../core/service/compose-hooks.ts';
import { whyNotOne } from '../../core/service/one-service.ts';
import { refuseStrangers } from '../../core/service/ownership.ts';
import { type Service, type Slot, whyNotRollable } from '../../core/service/service.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { whyNoCanary } from '../../core/strategy/canary.ts';
import { type Choice, chooseStrategy } from '../../core/strategy/choose.ts';
import { fixedPorts } from '../../core/strategy/exclusive.ts';
import { layerNotes } from '../../core/traffic/kernel-layer.ts';
import { givenReference, type RollTarget } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { composeHooksOf } from '../compose/hooks.ts';
import { prepareProxy } from '../proxy/proxied.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { imageCache, imageOf, type Look, ownOf, stateOf } from '../select/own.ts';
import { servedOf } from '../select/served.ts';
import { settingsOf, uncountedIn } from '../select/settings.ts';
import { kernelLayerFor } from '../traffic/kernel-layer.ts';
import type { PreparedSlot } from './prepared-slot.ts';
import { freshMemory } from './slot-run.ts';
import { answeredPorts } from './steps/answered-ports.ts';
import { knownUserSet } from './steps/create.ts';
import { prepareVolumes } from './steps/volumes.ts';
import { surroundingsOf } from './surroundings.ts';

export interface PrepareOptions {
  /** Settings of the command line, by label key without the prefix. */
  readonly overrides: Readonly<Record<string, string>>;
  readonly target: RollTarget;
  /** Files of the old container that the new one is to have too, beside those that compose copied. */
  readonly carry?: readonly string[] | undefined;
  /** Id of the image whose volume backup is to be restored. */
  readonly volumesOf?: string | undefined;
  /** The successors of replaced containers with which it shares something. */
  readonly successors?: Successors | undefined;
  /** True: it may have stopped together with the container in whose namespaces it lives: it ran before that one was stopped. */
  readonly fell?: boolean;
}

/** Inspects every slot of a service before the first change. Raises `refused` and `config` with the reason. */
export async function prepareService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: PrepareOptions,
): Promise<PreparedSlot[]> {
  const rollable = service.slots.filter((slot) => !isOff(slot) || service.slots.length === 1);
  const off = service.slots.length - rollable.length;
  if (off > 0)
    ports.report({
      kind: 'note',
      text: `${service.key}: ${off} stopped replica${off > 1 ? 's are' : ' is'} left as ${off > 1 ? 'they are' : 'it is'}`,
    });
  if (rollable.length === 0)
    return fail('refused', `no replica of ${service.key} is running`, { hint: 'start it, then roll it' });
  const prepared = await Promise.all(rollable.map((slot) => prepareSlot(ports, service.key, slot, all, options)));
  const why = whyNotOne(prepared.map(({ slotName, tracked }) => ({ slotName, follows: tracked })));
  return why ? fail('refused', `${service.key}: ${why.message}`, { hint: why.hint }) : prepared;
}

/** Inspects one slot of the service with that key. */
export async function prepareSlot(
  ports: Ports,
  service: string,
  slot: Slot,
  all: readonly ContainerSummary[],
  options: PrepareOptions,
): Promise<PreparedSlot> {
  refuseStrangers(all, slot.slotName);
  const container = await containerOf(ports, slot, options.fell);
  const memory = freshMemory();
  const look = { ports, images: imageCache() };
  const own = await ownOf(look, container);
  const policy = settingsOf(ports, service, own, options.overrides);
  const kernel = await kernelLayerFor(ports, container);
  const proxy = await proxyIn(ports, service, container, policy, all, options);
  const backup = await prepareVolumes(
    ports,
    { container, own, slotName: slot.slotName, service },
    policy,
    all,
    options.volumesOf,
  );
  const served = await servedOf(look, container, all);
  const choice = strategyFor(slot.slotName, container, policy, kernel, { copies: backup.volumes.length > 0, served });
  if (!options.successors) refuseCanary(slot.slotName, policy, whyNoCanary(proxy, choice.strategy, container, kernel));
  if (!(await knownUserSet(look, container))) {
    const text = `the image of ${container.name} is gone (a build took its tag?), so there will be no way back to it`;
    ports.report({ kind: 'note', text });
  }
  noteUncounted(ports, container, uncountedIn(ports, service, own));
  const composeHooks = await composeHooksOf(ports, own, container);
  const notes = [
    ...layerNotes(kernel, fixedPorts(container).length > 0),
    attachedNote(container, own),
    ...proxyNotes(proxy, choice.strategy, policy),
    besides(choice) ? selfNamedNote(container, policy.probe) : undefined,
    hooksNote(own[COMPOSE_SERVICE] ?? service, composeHooks),
  ];
  for (const note of notes) if (note !== undefined) memory.notes.add(note);
  const looked = { slotName: slot.slotName, container, own, policy, memory };
  const given = givenReference(options.target);
  const { dependents, predecessors } = await surroundingsOf(ports, looked, all, options.successors);
  return {
    slotName: slot.slotName,
    container,
    policy,
    choice: { ...choice, because: `${choice.because}${switchedBy(proxy, choice.strategy)}` },
    kernel,
    track: given === undefined ? policy.track : { kind: 'digest' },
    follows: given ?? (await trackedReference(look, container)),
    tracked: await trackedIn(look, container),
    failures: failuresIn(await recordedFailures(ports.engine), slot.slotName),
    dependents,
    answered: await answeredPorts(ports, container, policy, all),
    predecessors,
    inlineFiles: [...(await copiedFiles(ports, container, own)), ...(options.carry ?? [])],
    composeHooks,
    backup,
    checksStart: needsHost(container) || dependents.length > 0,
    engineVerdict: engineVerdictFor(container, own, policy, all, ports.host.containerId),
    proxy,
    images: look.images,
    memory,
  };
}

function strategyFor(slotName: string, ...facts: Parameters<typeof chooseStrategy>): Choice {
  const choice = chooseStrategy(...facts);
  return choice.kind === 'refuse' ? fail('refused', `${slotName}: ${choice.message}`, { hint: choice.hint }) : choice;
}

function refuseCanary(slotName: string, { canary }: Policy, reason: string | undefined): void {
  if (!canary || reason === undefined) return;
  fail('refused', `swapctl.canary is impossible for ${slotName}: ${reason}`, { hint: 'remove swapctl.canary' });
}

// A dependent that follows its owner does not change who serves.
async function proxyIn(
  ports: Ports,
  service: string,
  container: Container,
  policy: Policy,
  all: readonly ContainerSummary[],
  { successors }: PrepareOptions,
): Promise<Proxied | undefined> {
  return successors ? undefined : prepareProxy(ports, service, container, policy, all, new AbortController().signal);
}

// True: the new image is judged while the incumbent runs.
function besides({ strategy, rehearse }: Choice): boolean {
  return strategy !== 'stop-first' || rehearse;
}

function noteUncounted(ports: Ports, { name }: Container, labels: readonly string[]): void {
  if (labels.length === 0) return;
  const text = `the image of ${name} is gone, so ${labels.join(', ')} may be its label: it does not count; swapctl.yml can say the same`;
  ports.report({ kind: 'note', text });
}

function isOff(slot: Slot): boolean {
  return slot.members.every((member) => member.status === 'exited' || member.status === 'created');
}

/** The container of a slot. Raises `not-found`, and `refused` if it can't be rolled. */
async function containerOf({ engine }: Ports, { slotName, members: [member] }: Slot, fell = false): Promise<Container> {
  if (!member) return fail('not-found', `${slotName} has no container`);
  const why = fell && member.status === 'exited' ? undefined : whyNotRollable(member);
  if (why) fail('refused', why.message, { hint: why.hint });
  return (await engine.container(member.id)) ?? fail('not-found', `${member.name} was removed just now`);
}

async function trackedIn(look: Look, container: Container): Promise<ImageRef | undefined> {
  const tracked = (await stateOf(look, container))?.follows || container.config.Image || '';
  return tracked === '' || isImageId(tracked) ? undefined : parseReference(tracked);
}

/** The tracked reference of a container. Raises `refused` for one that was created from a bare id. */
export async function trackedReference(look: Look, container: Container): Promise<ImageRef> {
  const tracked = await trackedIn(look, container);
  if (tracked) return tracked;
  const tags = (await imageOf(look, container.imageId))?.tags ?? [];
  const [tag] = tags;
  if (tag && tags.length === 1) return parseReference(tag);
  return fail('refused', `${container.name} was created from a bare image id, so it follows no reference`, {
    hint: tags.length > 1 ? `say which with --image: ${tags.join(', ')}` : 'say what to roll to with --image',
  });
}

/** Files that compose copied into a container, which no create call carries. */
export async function copiedFiles(ports: Ports, container: Container, own: OwnLabels): Promise<string[]> {
  const service = own[COMPOSE_SERVICE];
  const files = own[COMPOSE_FILES]?.split(',');
  if (!service || !files) return [];
  const documents = await Promise.all(files.map((file) => ports.host.readYaml(file)));
  const told = inlineFiles(documents, service);
  if (told.complete && told.paths.length === 0) return [];
  const changed = await ports.engine.changes(container.id);
  const mounted = new Set(container.mounts.map((mount) => mount.target));
  const candidates = new Set([...told.paths, ...(told.complete ? [] : likelyInlineFiles(changed))]);
  return [...candidates].filter((path) => changed.includes(path) && !mounted.has(path));
}

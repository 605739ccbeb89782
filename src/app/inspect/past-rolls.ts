import type { FailureRecord } from '../../core/health/failures.ts';
import type { ContainerSummary } from '../../core/model/container.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { decodeState, type HistoryEntry, type StateLabels } from '../../core/service/labels.ts';
import { helperRole, helpersOf, madeBySwapctl } from '../../core/service/ownership.ts';
import { groupServices, type Service, type Slot } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { lockHeld, lockLives } from '../lock/lock.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { halfDoneOf } from '../recovery/half-done.ts';
import { listed } from '../select/own.ts';

/** A roll as recorded in the labels of containers, by any process. */
export interface PastRoll {
  readonly id: string;
  readonly service: string;
  /**
   * `under-way`: a live process works on it; `interrupted`: its process ended, and nothing has finished or undone it yet;
   * `unclear`: one of these, since its process was on another machine, in another container, or before a reboot.
   */
  readonly phase: 'under-way' | 'interrupted' | 'unclear' | 'rolled' | 'rolled-back' | 'failed';
  /** ISO 8601. */
  readonly at: string;
  readonly from?: RolledImage;
  readonly to?: RolledImage;
  readonly error?: ReportedError;
}

interface RolledImage {
  readonly image: string;
  readonly digest: string;
}

/** All rolls recorded in labels, the newest first. A service's labels hold its last ten rolls. */
export async function pastRolls(ports: Ports): Promise<PastRoll[]> {
  const all = await listed(ports.engine);
  const services = groupServices(all);
  const found = [
    ...(await openRolls(ports, services, all)),
    ...failedRolls(services, await recordedFailures(ports.engine)),
    ...services.flatMap(finishedRolls),
  ];
  // If two records are of the same roll, the first has more data.
  const byId = new Map([...found].reverse().map((roll) => [roll.id, roll]));
  return [...byId.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
}

async function openRolls(
  ports: Ports,
  services: readonly Service[],
  all: readonly ContainerSummary[],
): Promise<PastRoll[]> {
  const phases = new Map<string, OpenPhase>();
  const phaseOf = async (key: string): Promise<OpenPhase> => {
    const phase = phases.get(key) ?? (await openPhase(ports, key));
    phases.set(key, phase);
    return phase;
  };
  const states = services.flatMap((service) =>
    halfDoneOf(service, all).flatMap((slot) => begunIn(slot, all).map((state) => ({ service: service.key, state }))),
  );
  const locks = all.flatMap((one) => {
    const state = helperRole(one) === 'lock' ? madeBySwapctl(one) : undefined;
    return state ? [{ service: state.service, state }] : [];
  });
  const rolls: PastRoll[] = [];
  for (const { service, state } of [...states, ...locks]) {
    rolls.push({ id: state.roll, service, phase: await phaseOf(service), at: state.at, ...imagesOf(state) });
  }
  return rolls;
}

type OpenPhase = Extract<PastRoll['phase'], 'under-way' | 'interrupted' | 'unclear'>;

async function openPhase(ports: Ports, key: string): Promise<OpenPhase> {
  if (!(await lockHeld(ports, key))) return 'interrupted';
  return (await lockLives(ports, key)) ? 'under-way' : 'unclear';
}

// The incumbent's own roll is over: only its candidate belongs to the open one.
function begunIn({ slotName, members }: Slot, all: readonly ContainerSummary[]): StateLabels[] {
  const helpers = (['rehearsal', 'stand-in', 'copying'] as const).flatMap((role) => helpersOf(all, slotName, role));
  const candidates = members.filter((member) => isCandidate(member, members));
  return [...candidates, ...helpers]
    .flatMap(({ labels }) => decodeState(labels) ?? [])
    .filter(({ roll }) => roll !== '');
}

function isCandidate({ labels, status }: ContainerSummary, members: readonly ContainerSummary[]): boolean {
  const replaces = decodeState(labels)?.replaces;
  return status === 'created' || (replaces !== undefined && members.some(({ id }) => id === replaces));
}

function failedRolls(services: readonly Service[], records: readonly FailureRecord[]): PastRoll[] {
  return records.flatMap(({ state, failure }) => {
    const { roll, slot, at } = state;
    if (roll === '' || failure.code === 'known-bad') return [];
    const service = services.find(({ slots }) => slots.some(({ slotName }) => slotName === slot))?.key ?? state.service;
    const error = { code: failure.code, message: failure.reason, log: failure.log };
    return [{ id: roll, service, phase: 'failed' as const, at, ...imagesOf(state), error }];
  });
}

function finishedRolls({ key, slots }: Service): PastRoll[] {
  const histories = slots.flatMap(({ members }) => members.map(({ labels }) => decodeState(labels)?.history ?? []));
  return histories.flatMap((history) => history.flatMap((entry, at) => finished(key, entry, history[at + 1]) ?? []));
}

function finished(
  service: string,
  { roll, event, at, id, digest, follows }: HistoryEntry,
  before: HistoryEntry | undefined,
): PastRoll | undefined {
  if (!roll || event === 'started') return undefined;
  const from = before && { from: { image: before.follows, digest: before.digest ?? before.id } };
  return { id: roll, service, phase: event, at, ...from, to: { image: follows, digest: digest ?? id } };
}

function imagesOf({ follows, digest, image }: StateLabels): Pick<PastRoll, 'to'> {
  return image === '' ? {} : { to: { image: follows, digest: digest ?? image } };
}

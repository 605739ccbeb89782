import type { ContainerSummary } from '../../core/model/container.ts';
import type { SwapError } from '../../core/model/error.ts';
import { digestsFor, type PinnedImage } from '../../core/model/image.ts';
import { proxyReport } from '../../core/proxy/report.ts';
import { toReported } from '../../core/report/reported-error.ts';
import type { ServicePlan, SlotPlan } from '../../core/report/status.ts';
import { expectedSteps } from '../../core/rollout/expected.ts';
import { plan } from '../../core/rollout/plan.ts';
import { describeStep } from '../../core/rollout/step.ts';
import { restartedAfter } from '../../core/service/compose-depends.ts';
import { oneShotAhead } from '../../core/service/one-shot.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { besideOf } from '../compose/beside.ts';
import { dueOneShots } from '../compose/one-shots.ts';
import { sameTagAhead } from '../compose/same-tag.ts';
import { alreadyRuns, resolveFound } from '../image/image.ts';
import type { Resolved } from '../image/resolved.ts';
import { referenceWanted } from '../image/track.ts';
import { resolveTarget } from '../image/wanted.ts';
import { notesOf } from '../report/replica-report.ts';
import { observe } from '../rollout/observe.ts';
import { prepareService } from '../rollout/prepare.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import { type RollOptions, slotRun } from '../rollout/roll-slot.ts';
import { uncomparedNote } from '../rollout/steps/answered-ports.ts';
import { imageOf } from '../select/own.ts';
import { refuseOwned } from '../select/owned.ts';

/** Simulates a roll: the loop without the executor. Pulls and changes nothing. */
export async function planService(
  ports: Ports,
  service: Service,
  all: readonly ContainerSummary[],
  options: RollOptions,
): Promise<ServicePlan> {
  const slots = await prepareService(ports, service, all, options);
  const [first] = slots;
  if (!first) return { service: service.key, image: '', slots: [] };
  const resolved = await resolvedFor(ports, first, options);
  const digest =
    resolved.kind === 'local'
      ? (digestsFor(resolved.image, resolved.follows)[0] ?? resolved.image.id)
      : resolved.digest;
  const plans = await Promise.all(slots.map((slot) => planSlot(ports, service.key, slot, resolved, options)));
  const changes = plans.some(({ verdict }) => verdict === 'roll' || verdict === 'fetch');
  const local = resolved.kind === 'registry' ? {} : { local: true as const };
  const plan = { service: service.key, image: resolved.follows.text, digest, ...local, slots: plans };
  if (!plans.every(({ verdict }) => verdict === 'unchanged'))
    await refuseOwned(ports, service.key, slots, all, options.force);
  if (!changes) return plan;
  const wanted = { follows: resolved.follows.text, id: resolved.kind === 'local' ? resolved.image.id : UNFETCHED };
  const due = await dueOneShots(ports, first, wanted, all);
  const before = due.map(({ key, container: { name } }) => oneShotAhead(name, shortOf(key)));
  const own = [...slots, ...due].map(({ container }) => container.id);
  const sameTag = await sameTagAhead(ports, resolved.follows.text, own, all, options.alongside);
  return {
    ...plan,
    ...(before.length > 0 ? { before } : {}),
    ...(await composeNotes(ports, service.key, first, all)),
    ...(sameTag.length > 0 ? { sameTag } : {}),
  };
}

async function resolvedFor(ports: Ports, slot: PreparedSlot, options: RollOptions): Promise<Resolved> {
  const { target } = options;
  if (target.kind !== 'digest') return resolveTarget(ports, slot, options);
  return resolveFound(ports, await referenceWanted(ports, slot, options), target.digest);
}

async function composeNotes(
  ports: Ports,
  key: string,
  slot: PreparedSlot,
  all: readonly ContainerSummary[],
): Promise<Pick<ServicePlan, 'after' | 'notDone'>> {
  const after = restartsAfter(key, all, slot.dependents);
  const { forPlan } = await besideOf(ports, slot, all, false);
  return { ...(after.length > 0 ? { after } : {}), ...(forPlan.length > 0 ? { notDone: forPlan } : {}) };
}

const shortOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

// The roll creates its dependents again, which starts them.
function restartsAfter(key: string, all: readonly ContainerSummary[], created: readonly string[]): string[] {
  const short = shortOf(key);
  return restartedAfter(key, all)
    .flatMap(({ containers }) => containers)
    .filter(({ name }) => !created.includes(name))
    .map(({ name }) => `restart ${name} (depends_on: ${short}, restart: true)`);
}

// Stands for an image that a roll would have to pull first.
const UNFETCHED = 'not pulled yet';

async function planSlot(
  ports: Ports,
  service: string,
  slot: PreparedSlot,
  resolved: Resolved,
  options: RollOptions,
): Promise<SlotPlan> {
  const before = await imageOf({ ports, images: slot.images }, slot.container.imageId);
  const runs = alreadyRuns(slot.container, before, resolved);
  const same = runs === true && !options.force;
  const image: PinnedImage =
    resolved.kind === 'local'
      ? { follows: resolved.follows.text, id: resolved.image.id, digest: undefined }
      : {
          follows: resolved.follows.text,
          id: runs ? slot.container.imageId : (resolved.digest ?? UNFETCHED),
          digest: resolved.digest,
        };
  const context = { ports, service, image, roll: 'plan', tagBefore: undefined, heldLock: NO_LOCK, options };
  const run = await slotRun(context, slot);
  const { seen } = await observe(run);
  const uncompared = uncomparedNote(slot.answered);
  if (uncompared !== undefined && runs !== true) slot.memory.notes.add(uncompared);
  const proxy = proxyReport(slot.proxy);
  const refused = same ? undefined : refusal(plan(run.desired, seen));
  return {
    slot: slot.slotName,
    strategy: slot.choice.strategy,
    rehearsal: slot.choice.rehearse,
    because: slot.choice.because,
    ...(proxy ? { proxy } : {}),
    verdict: refused ? 'refused' : same ? 'unchanged' : runs === undefined ? 'fetch' : 'roll',
    steps: same || refused ? [] : expectedSteps(run.desired, seen).map(describeStep),
    ...notesOf(slot.memory),
    ...(refused ? { error: toReported(refused) } : {}),
  };
}

// A simulation changes nothing, so it needs no lock.
const NO_LOCK = {
  lost: new AbortController().signal,
  confirm: async () => {},
  release: async (): Promise<void> => {},
};

function refusal(decision: ReturnType<typeof plan>): SwapError | undefined {
  return decision.kind === 'refuse' ? decision.error : undefined;
}

import { isRejection } from '../../core/health/blame.ts';
import { type FailureRecord, failuresIn } from '../../core/health/failures.ts';
import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { SwapError } from '../../core/model/error.ts';
import { shownPlace } from '../../core/proxy/place.ts';
import type { Phase, ReplicaStatus } from '../../core/report/status.ts';
import { wantedVolumes } from '../../core/rollout/backup.ts';
import { helpersOf } from '../../core/service/ownership.ts';
import { type Service, type Slot, whyNotRollable } from '../../core/service/service.ts';
import { chooseStrategy } from '../../core/strategy/choose.ts';
import type { KernelLayer } from '../../core/traffic/kernel-layer.ts';
import type { Ports } from '../../ports/ports.ts';
import { lockHeld } from '../lock/lock.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { engineNow } from '../select/engine-time.ts';
import { type ImageCache, imageCache, stateOf } from '../select/own.ts';
import { whyUnmeant } from '../select/owned.ts';
import { digestOf } from '../select/running-digest.ts';
import { servedOf } from '../select/served.ts';
import { lenientSettingsOf, settingsOf } from '../select/settings.ts';
import { inspector } from './inspected.ts';
import { keptLayer } from './kept-layer.ts';

/** One line a container for `swapctl status`, out of the list of all; nothing is changed. */
export async function statusOf(
  ports: Ports,
  services: readonly Service[],
  all: readonly ContainerSummary[],
): Promise<ReplicaStatus[]> {
  const kernel = await keptLayer(ports);
  const now = await engineNow(ports);
  const inspect = inspector(ports.engine, all, now);
  const records = await recordedFailures(ports.engine);
  const look: Look = { ports, images: imageCache(), all, inspect, records, kernel, now };
  const lines: ReplicaStatus[][] = [];
  for (let at = 0; at < services.length; at += AT_ONCE)
    lines.push(...(await Promise.all(services.slice(at, at + AT_ONCE).map((service) => serviceStatus(look, service)))));
  return lines.flat();
}

// An engine answers a few requests at a time; more would only wait there.
const AT_ONCE = 16;

async function serviceStatus(look: Look, service: Service): Promise<ReplicaStatus[]> {
  return (await Promise.all(service.slots.map((slot) => slotStatus(look, service, slot)))).flat();
}

/** The data that all lines of one status share. */
interface Look {
  readonly ports: Ports;
  readonly images: ImageCache;
  readonly all: readonly ContainerSummary[];
  readonly inspect: ReturnType<typeof inspector>;
  readonly records: readonly FailureRecord[];
  readonly kernel: KernelLayer;
  /** Milliseconds of the engine's clock. */
  readonly now: number;
}

async function slotStatus(look: Look, service: Service, slot: Slot): Promise<ReplicaStatus[]> {
  const swapping =
    slot.members.length > 1 ||
    slot.members.some((member) => member.name !== slot.slotName) ||
    hasHelper(look.all, slot);
  const phase = swapping ? await swappingPhase(look, service) : undefined;
  const lines = slot.members.map(async (member) => {
    const found = await look.inspect(member);
    if (!found) return undefined;
    look.images.byId.set(found.container.imageId, found.image);
    return lineOf(look, service, slot, member, found.container, phase);
  });
  return (await Promise.all(lines)).filter((line) => line !== undefined);
}

async function swappingPhase({ ports }: Look, { key }: Service): Promise<Phase> {
  return (await lockHeld(ports, key)) ? 'rolling' : 'interrupted';
}

async function lineOf(
  look: Look,
  service: Service,
  slot: Slot,
  member: ContainerSummary,
  container: Container,
  swapping: Phase | undefined,
): Promise<ReplicaStatus> {
  const state = await stateOf(look, container);
  const rolled = state?.history[0];
  const proven = swapping === undefined && state?.roll !== undefined && isFirstRun(container);
  return {
    service: service.key,
    container: container.name,
    id: container.id.slice(0, 12),
    image: container.config.Image ?? '',
    digest: (await digestOf(look, container)) ?? container.imageId,
    startedAt: container.startedAt > 0 ? new Date(container.startedAt).toISOString() : undefined,
    ageMs: look.now - (container.status === 'running' ? container.startedAt : container.createdAt),
    health: healthWord(container, proven),
    phase: swapping ?? phaseOf(container, proven),
    strategy: await strategyOf(look, service, member, container),
    ...frontOf(look, service, member),
    lastRoll: rolled?.at,
    lastRollAgeMs: rolled ? look.now - Date.parse(rolled.at) : undefined,
    failedImages: failuresIn(look.records, slot.slotName).filter(isRejection).length,
  };
}

function hasHelper(all: readonly ContainerSummary[], { slotName }: Slot): boolean {
  return (['rehearsal', 'stand-in'] as const).some((role) => helpersOf(all, slotName, role).length > 0);
}

// swapctl removes the incumbent only after the candidate was healthy. With --rm it removes itself; a restart needs a new proof.
function isFirstRun({ finishedAt, host }: Container): boolean {
  return finishedAt === undefined && host.AutoRemove !== true;
}

function healthWord(container: Container, proven: boolean): string {
  if (container.status !== 'running') return container.status;
  if (container.health?.status === 'starting' && proven) return 'healthy';
  if (container.health) return container.health.status;
  return container.config.Healthcheck?.Test?.length && container.config.Healthcheck.Test[0] !== 'NONE'
    ? 'unknown'
    : 'no check';
}

function phaseOf(container: Container, proven: boolean): Phase {
  if (container.status === 'restarting') return 'restarting';
  if (container.status !== 'running') return 'stopped';
  if (container.health?.status === 'starting' && !proven) return 'starting';
  return container.health?.status === 'unhealthy' ? 'unhealthy' : 'serving';
}

// A wrong setting is reported in place of the strategy.
function frontOf({ ports }: Look, { key }: Service, { labels }: ContainerSummary): Pick<ReplicaStatus, 'proxy'> {
  const { proxy } = lenientSettingsOf(ports, key, labels);
  return proxy ? { proxy: shownPlace(proxy) } : {};
}

async function strategyOf(
  look: Look,
  service: Service,
  member: ContainerSummary,
  container: Container,
): Promise<string> {
  try {
    const why = whyNotRollable(member) ?? whyUnmeant(look.ports, service.key, member, container);
    if (why) return why.message;
    const policy = settingsOf(look.ports, service.key, member.labels);
    const copies = wantedVolumes(container, member.labels, policy).length > 0;
    const served = await servedOf(look, container, look.all);
    const choice = chooseStrategy(container, policy, look.kernel, { copies, served });
    return choice.kind === 'strategy' ? choice.strategy : 'refused';
  } catch (error) {
    if (error instanceof SwapError) return 'bad setting';
    throw error;
  }
}

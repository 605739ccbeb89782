import type { FailureRecord } from '../../core/health/failures.ts';
import type { ContainerStatus, ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import { parseReference, repositoryName } from '../../core/model/reference.ts';
import type { KeptBackup, ServiceHistory } from '../../core/report/status.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import type { Service, Slot } from '../../core/service/service.ts';
import { shellOperands } from '../../core/text/encode/shell.ts';
import type { Ports } from '../../ports/ports.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { backupsOf } from '../rollout/steps/volumes.ts';
import { imageCache, listed, stateOf } from '../select/own.ts';

/** The images that a service ran, newest first, with the failed ones. */
export async function historyOf(ports: Ports, service: Service): Promise<ServiceHistory> {
  const { entries, imageId, status } = await entriesOf(ports, service);
  const shown = await Promise.all(
    entries.map(async (entry, at) => ({
      ...entry,
      ...(at === 0 && entry.id === imageId ? { current: true as const, status } : { current: false as const }),
      available: (await ports.engine.image(entry.id)) !== undefined,
    })),
  );
  const all = await listed(ports.engine);
  const backups = await Promise.all(service.slots.map(({ slotName }) => keptBackups(ports, all, slotName)));
  const failures = shownFailures(await recordedFailures(ports.engine), service);
  return { service: service.key, entries: shown, backups: backups.flat(), failures };
}

async function keptBackups(ports: Ports, all: readonly ContainerSummary[], slotName: string): Promise<KeptBackup[]> {
  const backups = await backupsOf(ports, all, slotName);
  return backups.map(({ at, image, copies }) => ({ at, slot: slotName, image, volumes: copies }));
}

/**
 * The image to roll back to: the newest other image of the history, or the one that `wanted` names (a reference or the start of a
 * digest). It must still be on the engine: a rollback works without a registry.
 */
export async function previousImage(ports: Ports, service: Service, wanted: string | undefined): Promise<PinnedImage> {
  const { entries, imageId } = await entriesOf(ports, service);
  const earlier = entries.filter((entry) => entry.id !== imageId && (wanted === undefined || names(entry, wanted)));
  const [entry] = earlier;
  if (!entry) {
    return fail(
      'no-history',
      `${service.key} has no earlier image${wanted ? ` ${JSON.stringify(wanted)}` : ''} to go back to`,
      {
        hint: 'swapctl history shows what it ran; swapctl roll --image REF rolls to any image',
      },
    );
  }
  if (await ports.engine.image(entry.id)) return { follows: entry.follows, id: entry.id, digest: entry.digest };
  return fail(
    'no-history',
    `the image ${entry.follows} (${entry.id}) that ${service.key} ran before is not on the engine any more`,
    {
      hint: `a user or another program (docker image prune -a) removed it despite its swapctl-rollback tag${pullAgain(service, entries, entry)}`,
    },
  );
}

// A digest needs its repository.
function pullAgain({ key }: Service, [newest]: readonly HistoryEntry[], { digest, follows }: HistoryEntry): string {
  if (digest === undefined || !newest || repositoryOf(newest.follows) !== repositoryOf(follows)) return '';
  return `; to pull it again: swapctl roll ${shellOperands([key])} --digest ${digest}`;
}

function repositoryOf(reference: string): string {
  return repositoryName(parseReference(reference));
}

async function entriesOf(
  ports: Ports,
  service: Service,
): Promise<{ entries: readonly HistoryEntry[]; imageId: string; status: ContainerStatus }> {
  const [slot] = service.slots;
  const member = slot && serving(slot);
  const container = member && (await ports.engine.container(member.id));
  if (!container) return fail('not-found', `${service.key} has no container`);
  const state = await stateOf({ ports, images: imageCache() }, container);
  const started: HistoryEntry = {
    at: new Date(container.createdAt).toISOString(),
    follows: container.config.Image ?? '',
    id: container.imageId,
    event: 'started',
  };
  const entries = state && state.history.length > 0 ? state.history : [started];
  const status = container.startedAt > 0 ? container.status : 'created';
  return { entries, imageId: container.imageId, status };
}

// An interrupted roll may have left a new container that never served.
function serving({ slotName, members }: Slot): ContainerSummary | undefined {
  return (
    members.find(({ status }) => status === 'running') ?? members.find(({ name }) => name === slotName) ?? members[0]
  );
}

function names(entry: HistoryEntry, wanted: string): boolean {
  const hex = wanted.replace(/^sha256:/, '');
  const starts = (digest: string | undefined): boolean =>
    hex.length >= 6 && digest?.replace(/^sha256:/, '').startsWith(hex) === true;
  return entry.follows === wanted || starts(entry.id) || starts(entry.digest);
}

function shownFailures(records: readonly FailureRecord[], service: Service): ServiceHistory['failures'] {
  const slotsOf = new Set(service.slots.map((slot) => slot.slotName));
  return records.flatMap(({ volume, state, failure }) => {
    if (!slotsOf.has(state.slot)) return [];
    return [{ at: state.at, image: state.follows, digest: state.digest ?? state.image, ...failure, volume }];
  });
}

import { EngineError } from '../../core/model/engine-error.ts';
import { NO_LABELS } from '../../core/model/own-labels.ts';
import type { Volume } from '../../core/model/volume.ts';
import { beyondKeep } from '../../core/rollout/backup.ts';
import type { Backup } from '../../core/rollout/observed.ts';
import { slotLabel } from '../../core/service/labels.ts';
import { keepReference, keepRepository } from '../../core/service/names.ts';
import { copyState } from '../../core/service/ownership.ts';
import { groupServices } from '../../core/service/service.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Ports } from '../../ports/ports.ts';
import { removeCopy, removeOwn } from '../rollout/steps/remove.ts';
import { backupsOf } from '../rollout/steps/volumes.ts';
import { type ImageCache, imageCache, listed, stateOf } from '../select/own.ts';
import { lenientSettingsOf } from '../select/settings.ts';

interface Keeper {
  readonly slotName: string;
  readonly policy: Pick<Policy, 'keep' | 'backupKeep' | 'backup'>;
  readonly images: ImageCache;
}

/** Removes retained images beyond the number that the policy allows: only swapctl's own tags are removed. */
export async function retireOldImages(ports: Ports, service: string, slots: readonly Keeper[]): Promise<void> {
  const wanted = new Set<string>();
  for (const slot of slots) {
    const container = await ports.engine.container(slot.slotName);
    // Its history is unknown: a retained image may be the only one for a rollback.
    if (!container) return;
    const history = (await stateOf({ ports, images: slot.images }, container))?.history ?? [];
    const earlier = [...new Set(history.map((entry) => entry.id))].filter((id) => id !== container.imageId);
    for (const id of earlier.slice(0, slot.policy.keep)) wanted.add(keepReference(service, id, ports.host.sha256));
    // A volume backup is of use only to the image that wrote the data.
    for (const { image } of await backupsOf(ports, await listed(ports.engine), slot.slotName))
      wanted.add(keepReference(service, image, ports.host.sha256));
  }
  const kept = await ports.engine.imageTags(keepRepository(service, ports.host.sha256));
  for (const reference of kept) if (!wanted.has(reference)) await ports.engine.untag(reference);
}

/**
 * The same for a roll that was undone, or died earlier. Removes nothing while a slot is half done, or without any slot; an engine
 * failure is reported, not raised.
 */
export async function retireUnlessHalfDone(ports: Ports, service: string): Promise<void> {
  try {
    await retireWhole(ports, service);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    ports.report({
      kind: 'note',
      text: `${service}: old images and copies stay until the next roll: ${error.message}`,
    });
  }
}

async function retireWhole(ports: Ports, service: string): Promise<void> {
  const all = await listed(ports.engine);
  const slots = groupServices(all).find(({ key }) => key === service)?.slots ?? [];
  if (
    slots.length === 0 ||
    slots.some(({ slotName, members }) => members.length !== 1 || members[0]?.name !== slotName)
  )
    return;
  const keepers = slots.map(({ slotName, members }) => {
    return {
      slotName,
      policy: lenientSettingsOf(ports, service, members[0]?.labels ?? NO_LABELS),
      images: imageCache(),
    };
  });
  for (const keeper of keepers) await retireCopies(ports, keeper);
  await retireOldImages(ports, service, keepers);
}

/** Removes the backups of a slot's volumes beyond the number that the policy allows, while a container of the slot serves. */
export async function retireCopies(ports: Ports, { slotName, policy }: Omit<Keeper, 'images'>): Promise<void> {
  // List the volumes before the containers: while a backup is made, no container serves under the slot name, so the backup of a
  // concurrent roll is not mistaken for a leftover.
  const copies = policy.backup.kind === 'none' ? [] : await ports.engine.volumes(slotLabel(slotName));
  const all = await listed(ports.engine);
  const serving = all.find(({ name, status }) => name === slotName && status === 'running');
  if (!serving) return;
  const backups = await backupsOf(ports, all, slotName);
  for (const { id, copies: old } of beyondKeep(backups, policy.backupKeep, serving.imageId)) {
    await removeOwn(ports, id, 'backup');
    for (const { copy } of old) await removeCopy(ports, copy, slotName);
  }
  for (const copy of looseOf(copies, slotName, backups, policy.backupKeep)) await removeCopy(ports, copy, slotName);
}

// The volumes of a roll that died before its backup was complete, or after it was marked.
function looseOf(volumes: readonly Volume[], slotName: string, backups: readonly Backup[], keep: number): string[] {
  const known = new Set(backups.flatMap(({ copies }) => copies.map(({ copy }) => copy)));
  return volumes.flatMap((volume) => {
    const state = copyState(volume, slotName);
    const isOver = keep === 0 || backups.some(({ at }) => at > (state?.at ?? ''));
    return state && !known.has(volume.name) && isOver ? [volume.name] : [];
  });
}

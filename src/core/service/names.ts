/**
 * Names of the containers of one slot during a roll. They derive from the slot name, so a name shows its slot, and they are
 * fixed, so the engine's check for unique names makes them a lock: a 409 for `next` means that another process is rolling this
 * slot.
 */
const MARK = '.swapctl-';

export interface SlotNames {
  readonly slotName: string;
  readonly next: string;
  readonly old: string;
  readonly rehearsal: string;
  readonly standIn: string;
  readonly helper: string;
  /** Reads and writes volumes for a backup or a restore. */
  readonly copying: string;
  readonly reading: string;
  /** Its failed start proves that the slot's container could start again; it never runs. */
  readonly startCheck: string;
  /** The container in which a one-shot of compose runs with the new image. */
  readonly oneShot: string;
}

/** All container names of a slot. */
export function slotNames(slotName: string): SlotNames {
  return {
    slotName,
    next: `${slotName}${MARK}next`,
    old: `${slotName}${MARK}old`,
    rehearsal: `${slotName}${MARK}rehearsal`,
    standIn: `${slotName}${MARK}stand-in`,
    helper: `${slotName}${MARK}helper`,
    copying: `${slotName}${MARK}copying`,
    reading: `${slotName}${MARK}reading`,
    startCheck: `${slotName}${MARK}start-check`,
    oneShot: `${slotName}${MARK}one-shot`,
  };
}

/** The slot name in a container's name: the name without a temporary ending. */
export function slotNameOf(name: string): string {
  return name.replace(/\.swapctl-(next|old|rehearsal|stand-in|helper|copying|reading|start-check|one-shot)$/, '');
}

/** A name that only swapctl uses: its role, and its slot (for a lock: its service). */
export interface Reserved {
  readonly slotName: string;
  readonly kind:
    | 'next'
    | 'old'
    | 'rehearsal'
    | 'stand-in'
    | 'helper'
    | 'copying'
    | 'reading'
    | 'start-check'
    | 'one-shot'
    | 'lock'
    | 'backup';
}

const RESERVED =
  /^(.+)\.swapctl-(?:(next|old|rehearsal|stand-in|helper|copying|reading|start-check|one-shot|lock)|(backup)-[^.]+)$/;

/** The role of a name of swapctl's own; undefined for every other name. */
export function reservedName(name: string): Reserved | undefined {
  if (!name.includes(MARK)) return undefined;
  const [, slotName, fixed, numbered] = RESERVED.exec(name) ?? [];
  const kind = (fixed ?? numbered) as Reserved['kind'] | undefined;
  return slotName === undefined || kind === undefined ? undefined : { slotName, kind };
}

/**
 * The name of the volume that records a rejected image of a roll. A long slot name keeps its end, which distinguishes replicas;
 * the id of the roll may be any text of a label.
 */
export function failureName(slotName: string, roll: string): string {
  const slot = slotName.length <= LONGEST_SOURCE ? slotName : `x${slotName.slice(1 - LONGEST_SOURCE)}`;
  return `${slot}${MARK}failed-${roll.replace(/[^A-Za-z0-9-]/g, '-').slice(0, DIGEST_LENGTH)}`;
}

/** The name of the inert container that marks a complete backup of the slot's volumes. */
export function backupName(slotName: string, roll: string): string {
  return `${slotName}${MARK}backup-${roll}`;
}

// A file name is limited to 255 bytes.
const LONGEST_SOURCE = 200;
// 128 bits: a shorter hash would allow a deliberate collision between two names.
const DIGEST_LENGTH = 32;

// A service whose name ends like another one's digest must not get that one's names.
const ENDS_AS_OURS = new RegExp(`-[0-9a-f]{${DIGEST_LENGTH}}$`);

/** The host's SHA-256 of a text, as hex. */
export type Sha256 = (text: string) => string;

/**
 * The name of the volume that holds the backup of a volume. A long name is cut and ends with a digest of the whole name; uncut
 * names are shorter than cut ones, so no two volumes share a backup.
 */
export function copyName(volume: string, roll: string, sha256: Sha256): string {
  const whole = LONGEST_SOURCE - DIGEST_LENGTH - 1;
  const source = volume.length < whole ? volume : `${volume.slice(0, whole)}-${sha256(volume).slice(0, DIGEST_LENGTH)}`;
  return `${source}${MARK}backup-${roll}`;
}

/** The name of the inert container that locks a service. */
export function lockName(service: string, sha256: Sha256): string {
  const name = service.replaceAll('/', '.');
  return `${isLegal(name) ? name : `${shownPart(name)}-${short(sha256(name))}`}${MARK}lock`;
}

/** True: the name may be the lock of the service. Without a hash this is only likely: the holder asks by the exact name. */
export function isLockName(container: string, service: string): boolean {
  const name = service.replaceAll('/', '.');
  if (isLegal(name)) return container === `${name}${MARK}lock`;
  const begin = `${shownPart(name)}-`;
  return container.startsWith(begin) && LOCK_END.test(container.slice(begin.length));
}

const LOCK_END = new RegExp(`^[0-9a-f]{${DIGEST_LENGTH}}\\${MARK}lock$`);

// A project's label may contain characters that a name can't have.
function isLegal(name: string): boolean {
  return name.length <= LONGEST_SOURCE && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) && !ENDS_AS_OURS.test(name);
}

function shownPart(name: string): string {
  const kept = name.slice(0, LONGEST_SOURCE).replace(/[^A-Za-z0-9_.-]+/g, '-');
  return `x${kept}`;
}

/** The repository of the tags that protect retained images of a service from a prune. */
export function keepRepository(service: string, sha256: Sha256): string {
  return `swapctl-rollback/${repositoryPath(service, sha256)}`;
}

/** The tag that retains the image which a service ran before `swapctl dev`. */
export function beforeDevReference(service: string, sha256: Sha256): string {
  return `swapctl-dev/${repositoryPath(service, sha256)}:before`;
}

function repositoryPath(service: string, sha256: Sha256): string {
  const path = service
    .slice(0, LONGEST_PATH)
    .toLowerCase()
    .split('/')
    .map((part) => part.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, ''))
    .filter((part) => part !== '')
    .join('/');
  // Names that differ only in characters that a repository can't have must not share tags: one would prune the other's.
  return path === service && !ENDS_AS_OURS.test(path) ? path : `${path || 'service'}-${short(sha256(service))}`;
}

// With its fixed parts, a reference is limited to 255 characters before the tag.
const LONGEST_PATH = 180;

/** The tag of one retained image. */
export function keepReference(service: string, imageId: string, sha256: Sha256): string {
  return `${keepRepository(service, sha256)}:${short(imageId)}`;
}

function short(idOrDigest: string): string {
  return idOrDigest.slice(idOrDigest.indexOf(':') + 1).slice(0, DIGEST_LENGTH);
}

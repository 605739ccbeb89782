/**
 * Names of the containers of one slot while it is swapped. They derive from the slot's real name (`home`), so that
 * membership can be read off a name, and they are fixed, so that the engine's uniqueness check makes them a lock:
 * whoever gets a 409 for `next` knows that somebody else is rolling this slot.
 */
const MARK = '.swapctl-';

export interface SlotNames {
  readonly home: string;
  readonly next: string;
  readonly old: string;
  readonly rehearsal: string;
  readonly standIn: string;
  readonly helper: string;
  /** Through which volumes are written, and read, when they are copied. */
  readonly copying: string;
  readonly reading: string;
  /** That proves that the slot's container could start again; it never runs. */
  readonly startCheck: string;
}

/** All names of the slot whose real name is `home`. */
export function slotNames(home: string): SlotNames {
  return {
    home,
    next: `${home}${MARK}next`,
    old: `${home}${MARK}old`,
    rehearsal: `${home}${MARK}rehearsal`,
    standIn: `${home}${MARK}stand-in`,
    helper: `${home}${MARK}helper`,
    copying: `${home}${MARK}copying`,
    reading: `${home}${MARK}reading`,
    startCheck: `${home}${MARK}start-check`,
  };
}

/** The slot that a container's name belongs to: temporary endings are taken off. */
export function homeOf(name: string): string {
  return name.replace(/\.swapctl-(next|old|rehearsal|stand-in|helper|copying|reading|start-check)$/, '');
}

/** A name that only swapctl gives: what for, and of which slot (of a lock: its service, as names have it). */
export interface Reserved {
  readonly home: string;
  readonly kind:
    | 'next'
    | 'old'
    | 'rehearsal'
    | 'stand-in'
    | 'helper'
    | 'copying'
    | 'reading'
    | 'start-check'
    | 'lock'
    | 'backup';
}

const RESERVED =
  /^(.+)\.swapctl-(?:(next|old|rehearsal|stand-in|helper|copying|reading|start-check|lock)|(backup)-[^.]+)$/;

/** What a name of swapctl's own is for; undefined for every other. */
export function reservedName(name: string): Reserved | undefined {
  if (!name.includes(MARK)) return undefined;
  const [, home, fixed, numbered] = RESERVED.exec(name) ?? [];
  const kind = (fixed ?? numbered) as Reserved['kind'] | undefined;
  return home === undefined || kind === undefined ? undefined : { home, kind };
}

/**
 * Name of the volume that remembers an image which a roll of the slot rejected. Of a long slot name the end is kept, which tells
 * replicas apart; a roll's id is whatever its labels say.
 */
export function failureName(home: string, roll: string): string {
  const slot = home.length <= LONGEST_SOURCE ? home : `x${home.slice(1 - LONGEST_SOURCE)}`;
  return `${slot}${MARK}failed-${roll.replace(/[^A-Za-z0-9-]/g, '-').slice(0, DIGEST_LENGTH)}`;
}

/** Name of the inert container that says that copies of the slot's volumes are complete. */
export function backupName(home: string, roll: string): string {
  return `${home}${MARK}backup-${roll}`;
}

// What a file system takes as one name is 255 bytes.
const LONGEST_SOURCE = 200;
// 128 bits: anybody finds two texts with the same 32 or 48 bits of a hash, and may choose both.
const DIGEST_LENGTH = 32;

// Who may call a service as another one's digest is written must not get its names by that.
const ENDS_AS_OURS = new RegExp(`-[0-9a-f]{${DIGEST_LENGTH}}$`);

/** The host's SHA-256 of a text, as hex. */
export type Sha256 = (text: string) => string;

/**
 * Name of the volume that holds the copy of a volume. A long name is cut, and has a digest of all of it at its end; what is not
 * cut is shorter than all that is, so that no two volumes share a copy.
 */
export function copyName(volume: string, roll: string, sha256: Sha256): string {
  const whole = LONGEST_SOURCE - DIGEST_LENGTH - 1;
  const source = volume.length < whole ? volume : `${volume.slice(0, whole)}-${sha256(volume).slice(0, DIGEST_LENGTH)}`;
  return `${source}${MARK}backup-${roll}`;
}

/** Name of the inert container that is the lock of a service. */
export function lockName(service: string, sha256: Sha256): string {
  const name = service.replaceAll('/', '.');
  return `${isLegal(name) ? name : `${shownPart(name)}-${short(sha256(name))}`}${MARK}lock`;
}

/** Whether a name is that of the lock of a service, as far as this can be told without a hash: its holder asks for it by name. */
export function isLockName(container: string, service: string): boolean {
  const name = service.replaceAll('/', '.');
  if (isLegal(name)) return container === `${name}${MARK}lock`;
  const begin = `${shownPart(name)}-`;
  return container.startsWith(begin) && LOCK_END.test(container.slice(begin.length));
}

const LOCK_END = new RegExp(`^[0-9a-f]{${DIGEST_LENGTH}}\\${MARK}lock$`);

// A project's label may hold what no name can.
function isLegal(name: string): boolean {
  return name.length <= LONGEST_SOURCE && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) && !ENDS_AS_OURS.test(name);
}

function shownPart(name: string): string {
  const kept = name.slice(0, LONGEST_SOURCE).replace(/[^A-Za-z0-9_.-]+/g, '-');
  return `x${kept}`;
}

/** Repository of the tags with which old images of a service are kept from a prune. */
export function keepRepository(service: string, sha256: Sha256): string {
  return `swapctl-rollback/${repositoryPath(service, sha256)}`;
}

/** The tag that keeps the image which a service ran before it was developed. */
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
  // Names that only differ in what a repository can't have must not share their tags: one would prune the other's.
  return path === service && !ENDS_AS_OURS.test(path) ? path : `${path || 'service'}-${short(sha256(service))}`;
}

// With all that is put around it, a reference may have 255 characters before its tag.
const LONGEST_PATH = 180;

/** The tag that keeps one image as the way back. */
export function keepReference(service: string, imageId: string, sha256: Sha256): string {
  return `${keepRepository(service, sha256)}:${short(imageId)}`;
}

function short(idOrDigest: string): string {
  return idOrDigest.slice(idOrDigest.indexOf(':') + 1).slice(0, DIGEST_LENGTH);
}

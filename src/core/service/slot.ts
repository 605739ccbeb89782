import { fail } from '../model/error.ts';
import { slotNames } from './names.ts';

interface Member {
  readonly id: string;
  readonly name: string;
  readonly roll: string | undefined;
  readonly replaces: string | undefined;
}

/**
 * Distinguishes the container that serves (or served) a slot from the one that is to replace it. `roll` is the calling roll: its
 * own container stays the candidate until it is proven. Raises `attention` if the labels of neither name the other: a name alone
 * proves nothing.
 */
export function castRoles<T extends Member>(
  slotName: string,
  members: readonly T[],
  roll: string,
): { incumbent: T | undefined; candidate: T | undefined } {
  if (members.length > 2) tooMany(slotName, members);
  const [first, second] = members;
  if (!first) return { incumbent: undefined, candidate: undefined };
  if (!second) return alone(first, slotNames(slotName).next, roll);
  if (succeeds(first, second)) return { candidate: first, incumbent: second };
  if (succeeds(second, first)) return { candidate: second, incumbent: first };
  return tooMany(slotName, members);
}

/** True: the candidate was made to replace the incumbent: by its id, or by that of a container that was created again in between. */
export function succeeds(candidate: Omit<Member, 'name'>, incumbent: Omit<Member, 'name'>): boolean {
  if (candidate.roll === undefined) return false;
  return candidate.replaces === incumbent.id || incumbent.roll === restoredRoll(candidate.roll);
}

/** The roll id of a container that was created again during a roll, since it was gone. */
export function restoredRoll(roll: string): string {
  return `${roll}${RESTORED}`;
}

/** True: the roll id is that of a container that was created again. */
export function isRestored(roll: string): boolean {
  return roll.endsWith(RESTORED);
}

const RESTORED = '-restored';

function alone<T extends Member>(
  member: T,
  next: string,
  roll: string,
): { incumbent: T | undefined; candidate: T | undefined } {
  const made = member.name === next || member.roll === roll;
  return made ? { incumbent: undefined, candidate: member } : { incumbent: member, candidate: undefined };
}

function tooMany(slotName: string, members: readonly Member[]): never {
  const names = members.map((member) => member.name).join(', ');
  return fail('attention', `${members.length} containers claim the place of ${slotName}: ${names}`, {
    hint: 'remove those that do not serve (docker rm), then run swapctl again',
  });
}

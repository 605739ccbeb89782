import { fail } from '../model/error.ts';
import { slotNames } from './names.ts';

interface Member {
  readonly id: string;
  readonly name: string;
  readonly roll: string | undefined;
  readonly replaces: string | undefined;
}

/**
 * Tells the container that serves (or served) a slot from the one that is to take its place. `roll` is the roll that asks: what
 * it made itself stays the candidate until it has proven itself. Raises `attention` where no label of the one names the other:
 * a name alone proves nothing.
 */
export function castRoles<T extends Member>(
  home: string,
  members: readonly T[],
  roll: string,
): { incumbent: T | undefined; candidate: T | undefined } {
  if (members.length > 2) tooMany(home, members);
  const [first, second] = members;
  if (!first) return { incumbent: undefined, candidate: undefined };
  if (!second) return alone(first, slotNames(home).next, roll);
  if (succeeds(first, second)) return { candidate: first, incumbent: second };
  if (succeeds(second, first)) return { candidate: second, incumbent: first };
  return tooMany(home, members);
}

/** Whether a container was made to take the place of another: by its id, or of one that was made again in between. */
export function succeeds(candidate: Omit<Member, 'name'>, incumbent: Omit<Member, 'name'>): boolean {
  if (candidate.roll === undefined) return false;
  return candidate.replaces === incumbent.id || incumbent.roll === restoredRoll(candidate.roll);
}

/** The roll that stands on a container which was made again during a roll, since it was gone. */
export function restoredRoll(roll: string): string {
  return `${roll}${RESTORED}`;
}

/** Whether a roll is that of a container which was made again. */
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

function tooMany(home: string, members: readonly Member[]): never {
  const names = members.map((member) => member.name).join(', ');
  return fail('attention', `${members.length} containers claim the place of ${home}: ${names}`, {
    hint: 'remove those that do not serve (docker rm), then run swapctl again',
  });
}

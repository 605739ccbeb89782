import { fail } from './error.ts';
import { slotNames } from './names.ts';

interface Member {
  readonly id: string;
  readonly name: string;
  readonly roll: string | undefined;
  readonly replaces: string | undefined;
}

/**
 * Tells the container that serves (or served) a slot from the one that is to take its place, by names and labels alone.
 * `roll` is the roll that asks: what it made itself stays the candidate until it has proven itself.
 */
export function castRoles<T extends Member>(
  home: string,
  members: readonly T[],
  roll: string,
): { incumbent: T | undefined; candidate: T | undefined } {
  const names = slotNames(home);
  if (members.length > 2) tooMany(home, members);
  const [first, second] = members;
  if (!first) return { incumbent: undefined, candidate: undefined };
  if (!second) return alone(first, names.next, roll);
  const candidate =
    members.find((member) => members.some((other) => other.id === member.replaces)) ??
    members.find((member) => member.name === names.next) ??
    (first.name === names.old ? second : first);
  return { candidate, incumbent: candidate === first ? second : first };
}

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

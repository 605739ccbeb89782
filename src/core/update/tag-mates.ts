import { canonical, readReference } from '../model/reference.ts';
import { type Dependent, rollOrder } from './order.ts';

/** A service and the tag that it goes to. */
export interface Tagged {
  readonly key: string;
  /** Its compose project; undefined of everything else. */
  readonly project: string | undefined;
  readonly reference: string | undefined;
  /** The image that the tag means for it, where that is known. */
  readonly digest?: string | undefined;
}

/** By service: the others of its compose project that go to the same image of the same tag. */
export type TagMates = ReadonlyMap<string, readonly string[]>;

/** A tag moves for all services at once, and `docker compose up` works on one project: so these services form a group. */
export function tagMates(services: readonly Tagged[]): TagMates {
  const groups = new Map<string, string[]>();
  for (const service of services) {
    const group = groupOf(service);
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), service.key]);
  }
  const mates = [...groups.values()].flatMap((keys) => keys.map((key) => [key, keys.filter((one) => one !== key)]));
  return new Map(mates as [string, string[]][]);
}

/** Lets services of one tag follow each other, so that none begins before the one before it has succeeded. */
export function oneByOne<T extends Dependent>(services: readonly T[], mates: TagMates): T[] {
  const before = new Set<string>();
  return rollOrder(services).map((service) => {
    const earlier = (mates.get(service.key) ?? []).filter((key) => before.has(key));
    before.add(service.key);
    const sameTag = earlier.filter((key) => !service.dependsOn.includes(key));
    return sameTag.length === 0 ? service : { ...service, dependsOn: [...service.dependsOn, ...sameTag], sameTag };
  });
}

function groupOf({ project, reference, digest = '' }: Tagged): string | undefined {
  if (project === undefined || reference === undefined) return undefined;
  // A name that is no reference is no tag.
  const ref = readReference(reference);
  return ref && JSON.stringify([project, canonical(ref), digest]);
}

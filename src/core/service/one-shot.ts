import type { OwnLabels } from '../model/own-labels.ts';
import { canonical, readReference } from '../model/reference.ts';
import { dependedOn } from './compose-depends.ts';

/** The services that a container waits for until they have ended well. */
export function completedFirst(labels: OwnLabels): { readonly service: string; readonly key: string }[] {
  return dependedOn(labels).filter(({ condition }) => condition === 'service_completed_successfully');
}

/** True if two references are the same tag, however they are spelt. */
export function isSameTag(image: string | undefined, follows: string): boolean {
  // An id is no tag.
  const [one, other] = [image ?? '', follows].map(readReference);
  return one !== undefined && other !== undefined && canonical(one) === canonical(other);
}

/** The line of a plan on a one-shot that runs before the service. */
export function oneShotAhead(container: string, service: string): string {
  return `run ${container} with the new image to its end (depends_on: ${service}, service_completed_successfully)`;
}

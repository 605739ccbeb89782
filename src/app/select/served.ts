import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { means } from '../../core/model/references.ts';
import { helperRole } from '../../core/service/ownership.ts';
import { type Served, servedByOthers } from '../../core/strategy/served-ports.ts';
import { imageOf, type Look } from './own.ts';

/** The published ports of a container that others in its network serve; undefined if there are none. */
export async function servedOf(
  look: Look,
  container: Container,
  all: readonly ContainerSummary[],
): Promise<Served | undefined> {
  const inside = all.filter((one) => runsInNetworkOf(one, container));
  if (inside.length === 0) return undefined;
  const found = await Promise.all(inside.map(({ id }) => look.ports.engine.container(id)));
  const image = await imageOf(look, container.imageId);
  return servedByOthers(
    container,
    image,
    found.filter((one) => one !== undefined),
  );
}

function runsInNetworkOf(one: ContainerSummary, owner: Container): boolean {
  return one.status === 'running' && helperRole(one) === undefined && means(one.networkOf ?? '', owner);
}

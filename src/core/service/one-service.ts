import { formatRepository, type ImageRef, sameRepository } from '../model/reference.ts';

/** A replica, and its tracked reference; undefined if it has none. */
export interface Following {
  readonly slotName: string;
  readonly follows: ImageRef | undefined;
}

/**
 * Why replicas do not form one service, in spite of their labels; undefined if they do: a replica that tracks another repository
 * must not get the settings, volumes and image of the others.
 */
export function whyNotOne(replicas: readonly Following[]): { message: string; hint: string } | undefined {
  const known = replicas.flatMap(({ slotName, follows }) =>
    follows === undefined ? [] : [{ slotName, ref: follows }],
  );
  const [first] = known;
  const other = known.find(({ ref }) => first && !sameRepository(ref, first.ref));
  if (!first || !other) return undefined;
  const [one, two] = [first, other].map(({ slotName, ref }) => `${slotName} follows ${formatRepository(ref)}`);
  return {
    message: `its replicas follow different repositories (${one}, ${two}), so they are not rolled as one service`,
    hint: `roll each by its own name (swapctl roll ${other.slotName}), or re-create the one that does not belong (docker compose up -d)`,
  };
}

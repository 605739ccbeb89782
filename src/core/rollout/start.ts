import type { Desired, Observed, Replica } from './observed.ts';
import type { StartCheckMoment, Step } from './step.ts';

/** The step that brings a replica to its start: what compose copied into its predecessor comes first. */
export function copyOrStart(replica: Replica): Step {
  const { id: container, name, missingFiles: paths } = replica;
  return paths.length > 0 ? { kind: 'copy-files', container, name, paths } : { kind: 'start', container, name };
}

/**
 * An old container that removed itself on its stop is created again before its successor starts: that one would remove itself, too, if it
 * failed, and then nothing would be left.
 */
export function spare({ incumbent, names }: Observed, { autoRemove, imageBefore }: Replica): Step | undefined {
  if (incumbent || !autoRemove || !imageBefore) return undefined;
  return { kind: 'recreate-old', name: names.old, image: imageBefore };
}

/**
 * Checks that the incumbent and its dependents could start again, before anything is touched. What a start needs may vanish while
 * an image is proven, so it is checked again before the incumbent stops, unless it was checked a moment ago.
 */
export function checkStart(
  { checksStart, choice }: Desired,
  { startChecks, dependents }: Observed,
  incumbent: Replica,
  moment: StartCheckMoment,
): Step | undefined {
  const isLong = choice.strategy === 'handover' || choice.rehearse;
  const isDone = startChecks.includes(moment) || (!isLong && startChecks.length > 0);
  if (!checksStart || isDone || !incumbent.running) return undefined;
  return { kind: 'check-start', names: [incumbent.name, ...dependents.map(({ name }) => name)], moment };
}

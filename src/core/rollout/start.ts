import type { Desired, Observed, Replica } from './observed.ts';
import type { StartCheckMoment, Step } from './step.ts';

/** The next step to start a replica: first the files that compose copied into its predecessor. */
export function copyOrStart(replica: Replica): Step {
  const { id: container, name, missingFiles: paths } = replica;
  return paths.length > 0 ? { kind: 'copy-files', container, name, paths } : { kind: 'start', container, name };
}

/**
 * Creates an incumbent that removed itself on its stop again before its successor starts: otherwise, if the successor failed and
 * removed itself, too, nothing would be left.
 */
export function spare({ incumbent, names }: Observed, { autoRemove, imageBefore }: Replica): Step | undefined {
  if (incumbent || !autoRemove || !imageBefore) return undefined;
  return { kind: 'recreate-old', name: names.old, image: imageBefore };
}

/**
 * Checks that the incumbent and its dependents could start again, before the first change. The needs of a start may vanish while
 * an image is proven, so the check repeats before the incumbent stops, unless it was a moment ago.
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

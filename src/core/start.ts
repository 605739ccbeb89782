import type { Observed, Replica } from './observed.ts';
import type { Step } from './step.ts';

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

import type { BuildSpec, BuiltImage } from '../../core/build/build.ts';
import { SwapError } from '../../core/model/error.ts';
import type { Ports } from '../../ports/ports.ts';

/** Builds an image and reports the progress. Raises the builder's errors. */
export async function buildImage(
  ports: Ports,
  spec: BuildSpec,
  what: string,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const began = ports.clock.now();
  try {
    const built = await ports.builder.build(spec, (line) => ports.report({ kind: 'building', what, line }), signal);
    ports.report({ kind: 'built', what, ms: ports.clock.now() - began });
    return built;
  } catch (error) {
    if (error instanceof SwapError)
      ports.report({ kind: 'build-failed', what, message: error.message, log: error.log });
    throw error;
  }
}

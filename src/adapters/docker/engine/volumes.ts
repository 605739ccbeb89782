import type Dockerode from 'dockerode';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { Volume } from '../../../core/model/volume.ts';
import { statusOf } from '../calls/error.ts';
import { shaped } from '../calls/shape.ts';
import { decodeVolume } from './decode.ts';

/** The volumes with a label, `key=value`. */
export async function listVolumes(docker: Dockerode, label: string): Promise<Volume[]> {
  const answer = (await docker.listVolumes({ filters: JSON.stringify({ label: [label] }) } as never)) as unknown;
  return volumesIn(answer).map(decodeVolume);
}

/** One volume; undefined if there is none of that name. */
export async function findVolume(docker: Dockerode, name: string): Promise<Volume | undefined> {
  try {
    return decodeVolume(await docker.getVolume(name).inspect());
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** Creates a volume of the local driver. */
export async function createVolume(docker: Dockerode, name: string, labels: Record<string, string>): Promise<void> {
  await docker.createVolume({ Name: name, Driver: 'local', Labels: labels });
  // The engine accepts an existing volume of any origin.
  const found = (await findVolume(docker, name))?.labels ?? {};
  const same = Object.entries(labels).every(([key, value]) => found[key] === value);
  if (!same) throw new EngineError(409, `there is a volume ${name} already, and swapctl did not make it`);
}

/** The size of each volume in bytes, if the engine knows it. */
export async function volumeSizes(docker: Dockerode): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const one of volumesIn(await diskUsage(docker))) {
    const { name } = decodeVolume(one);
    const size = one.UsageData?.Size;
    if (typeof size === 'number' && size >= 0) sizes.set(name, size);
  }
  return sizes;
}

interface Usage {
  readonly UsageData?: { readonly Size?: unknown } | null;
}

function volumesIn(answer: unknown): readonly Usage[] {
  return shaped(answer as { readonly Volumes?: readonly Usage[] | null }, 'Volumes').Volumes ?? [];
}

// dockerode has no type for asking only about volumes; older engines answer with everything.
function diskUsage(docker: Dockerode): Promise<unknown> {
  const call = {
    path: '/system/df?',
    method: 'GET',
    options: { type: 'volume' },
    statusCodes: { 200: true, 400: 'bad parameter', 500: 'server error' },
  };
  return new Promise((resolve, reject) =>
    docker.modem.dial(call as never, (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer))),
  );
}

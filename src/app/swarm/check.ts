import { isRejection } from '../../core/health/blame.ts';
import { goArchitecture } from '../../core/model/platform.ts';
import { atDigest, type ImageRef } from '../../core/model/reference.ts';
import { whyMode } from '../../core/swarm/capability.ts';
import { memoryOf, ROLE_LABEL, type SwarmMemory } from '../../core/swarm/memory.ts';
import type { SwarmConfig, SwarmService } from '../../core/swarm/model.ts';
import { type Checked, judge, type Memory } from '../../core/update/newer.ts';
import type { Ports } from '../../ports/ports.ts';
import { referenceNow } from '../image/track.ts';
import { reportedError } from '../report/reported.ts';
import { settingsOf } from '../select/settings.ts';
import type { CheckOptions } from '../update/check.ts';
import { sharing } from '../update/sharing.ts';
import { imageParts, trackedBy } from './image.ts';

/** Asks registries for newer images than the running ones; errors are in the service's line. */
export async function checkSwarm(
  ports: Ports,
  services: readonly SwarmService[],
  options: CheckOptions,
): Promise<Checked[]> {
  const configs = services.length > 0 ? await ports.swarm.configs(ROLE_LABEL) : [];
  const shared = { ...ports, ...sharing(ports) };
  return Promise.all(services.map((service) => checkService(shared, service, configs, options)));
}

type Result = Omit<Checked, 'service' | 'from'>;

async function checkService(
  ports: Ports,
  service: SwarmService,
  configs: readonly SwarmConfig[],
  options: CheckOptions,
): Promise<Checked> {
  const { follows, digest = '' } = imageParts(service.image);
  const line = { service: service.name, from: { image: follows, digest } };
  try {
    return { ...line, ...(await compared(ports, service, memoryOf(service.id, configs), options)) };
  } catch (raised) {
    options.signal.throwIfAborted();
    const error = reportedError(raised);
    return { ...line, outcome: 'unknown', because: error.message, error };
  }
}

async function compared(
  ports: Ports,
  service: SwarmService,
  memory: SwarmMemory,
  { overrides = {}, here = false, signal }: CheckOptions,
): Promise<Result> {
  const why = whyMode(service);
  if (why) return { outcome: 'skipped', because: `${why.message}; ${why.hint}` };
  if (here) return { outcome: 'current', because: 'Swarm pulls its images from a registry, and none is asked' };
  const follows = trackedBy(service);
  if (follows === undefined) return { outcome: 'current', because: 'it is pinned to a digest' };
  const { track } = settingsOf(ports, service.name, service.labels, overrides);
  const { reference: ref, note } = await referenceNow(ports, track, follows, signal);
  const digest = await ports.registry.digest(ref, signal);
  const reference = ref.text;
  const running = imageParts(service.image);
  const identity = { digests: running.digest ? [running.digest] : [], manifestDigest: undefined, imageId: '' };
  const quick = judge(identity, { reference, digest }, judgedMemory(memory, running.digest));
  const said = (because: string): string => [because, note].filter((text) => text !== undefined).join('; ');
  if (quick)
    return {
      ...quick,
      because: said(quick.because),
      ...(quick.outcome === 'current' ? {} : { to: { reference, digest } }),
    };
  const because =
    running.digest === undefined
      ? 'it has no digest, so its nodes may run different images'
      : `${reference} has a newer image`;
  return {
    outcome: 'available',
    because: said(because),
    to: { reference, digest, ...(await builtOf(ports, atDigest(ref, digest), signal)) },
  };
}

function judgedMemory({ failures, history }: SwarmMemory, running: string | undefined): Memory {
  const left = (history?.entries ?? []).filter((entry) => entry.digest !== running);
  return {
    failures: failures
      .filter(({ note }) => isRejection(note))
      .map(({ digest, at, note }) => ({ digest, image: digest, at, reason: note.reason })),
    retired: left.map(({ id, digest, at }) => ({ image: id, digest, at })),
  };
}

// The nodes may have other platforms than this manager; the age is that of the manager's image.
async function builtOf(ports: Ports, exact: ImageRef, signal: AbortSignal): Promise<{ readonly created?: string }> {
  const { os, architecture } = await ports.engine.facts();
  const platform = { os, architecture: goArchitecture(architecture), variant: undefined };
  const { created } = await ports.registry.image(exact, platform, signal).catch(() => ({ created: undefined }));
  return created === undefined ? {} : { created: new Date(created).toISOString() };
}

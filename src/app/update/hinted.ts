import type { ImageRef } from '../../core/model/reference.ts';
import type { PushedRepository } from '../../core/webhooks/hint.ts';
import { concerns, isPushedTo } from '../../core/webhooks/match.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Named, Target } from '../target/target.ts';
import { type OptedIn, optedIn, type Wanted } from './opted-in.ts';

/** A service that tracks the repository of a push. */
export interface HintedService {
  readonly service: string;
  /** The tracked reference. */
  readonly tracks: string;
  /** True: the hint makes swapctl check it for a newer image. */
  readonly checked: boolean;
  /** The reason, as one sentence. */
  readonly because: string;
}

/** Pushes that a registry reported, and the services to check for them. */
export interface HintWanted extends Wanted {
  readonly pushes: readonly PushedRepository[];
}

/** The services that pushes affect. Asks only the target. Raises EngineError, and the errors of `optedIn`. */
export async function hintedServices<S extends Named>(
  ports: Pick<Ports, 'config'>,
  target: Target<S>,
  wanted: HintWanted,
): Promise<HintedService[]> {
  const look = await target.look();
  const tracked = await Promise.all(
    look.services.map(async (service) => (await look.trackedBy(service)).map((follows) => ({ service, follows }))),
  );
  const near = tracked.flat().flatMap(({ service, follows }) => {
    const pushes = wanted.pushes.filter((push) => isPushedTo(push, follows));
    return pushes.length > 0 ? [{ service: service.key, follows, pushes }] : [];
  });
  if (near.length === 0) return [];
  const open = new Map((await optedIn(ports, target, look, wanted)).map((one) => [one.service.key, one]));
  return oneEach(near.map((one) => hinted(one, open.get(one.service))));
}

interface Near {
  readonly service: string;
  readonly follows: ImageRef;
  readonly pushes: readonly PushedRepository[];
}

function hinted({ service, follows, pushes }: Near, open: OptedIn<Named> | undefined): HintedService {
  const line = { service, tracks: follows.text, checked: false };
  if (open === undefined) return { ...line, because: 'it is not opted in: swapctl.enable is not true' };
  if (open.line) return { ...line, because: open.line.because };
  const { git, track } = open.policy;
  if (git) return { ...line, because: 'it is built from a repository, not pulled from this registry' };
  if (!pushes.some((push) => concerns(push, follows, track)))
    return { ...line, because: 'it does not track a tag that was pushed' };
  return { ...line, checked: true, because: 'it tracks a tag that was pushed' };
}

// Replicas are alike, but during a roll one may track another reference: a checked one counts.
function oneEach(lines: readonly HintedService[]): HintedService[] {
  const byService = new Map<string, HintedService>();
  for (const line of lines) {
    const before = byService.get(line.service);
    if (!before?.checked) byService.set(line.service, line.checked || !before ? line : before);
  }
  return [...byService.values()];
}

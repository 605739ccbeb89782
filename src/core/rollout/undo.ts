import { codeOf, type FailureCode } from '../health/blame.ts';
import type { SwapError } from '../model/error.ts';
import { endRedirectsTo } from './address-redirect.ts';
import { volumesBack } from './backup.ts';
import { gather } from './dependents.ts';
import { redirectDuringReturn } from './handover.ts';
import type { Desired, Observed, Replica } from './observed.ts';
import { endRoute, hadRequests, keepReturn, routeBack } from './route.ts';
import { endShare, hadShare } from './share.ts';
import type { Step } from './step.ts';
import { handBack } from './switch-hooks.ts';

/**
 * The next step of undoing a candidate: the incumbent serves under its own name first; the candidate goes last, since its labels
 * describe the rest.
 */
export function planUndo(desired: Desired, seen: Observed, candidate: Replica, why: SwapError): Step {
  const { incumbent } = seen;
  return (
    (isBehindGate(seen) ? undefined : (endRedirectsTo(seen, candidate) ?? endShare(seen, candidate))) ??
    remember(seen, candidate, why) ??
    recreate(seen, candidate) ??
    (incumbent && redirectDuringReturn(seen, incumbent)) ??
    (incumbent && revive(desired, seen, candidate, incumbent)) ??
    routeBack(desired, seen) ??
    (incumbent && handBack(seen, candidate, incumbent)) ??
    (incumbent && rename(seen, candidate, incumbent)) ??
    restoreTag(seen, candidate) ??
    stop(seen, candidate) ??
    endRoute(desired, seen) ?? { kind: 'remove', container: candidate.id, name: candidate.name }
  );
}

// Do not record an interruption, nor the stop of a container whose roll died during an undo.
function remember(seen: Observed, candidate: Replica, why: SwapError): Step | undefined {
  const { id: container, name, roll, running, complete } = candidate;
  const code = noted(seen, candidate, why);
  if (code === undefined || roll === undefined || (!running && !complete)) return undefined;
  if (seen.failures.some((failure) => failure.roll === roll)) return undefined;
  return { kind: 'remember-failure', container, name, roll, code, reason: why.message };
}

// If the image is not to blame, record only the failure of a container, for the backoff; not a failed engine call.
function noted({ standIn }: Observed, candidate: Replica, { code }: SwapError): FailureCode | undefined {
  if (code === 'not-healthy') return code;
  const failed = [candidate, standIn].some(
    (one) => one?.verdict.kind === 'failed' && codeOf(one.verdict.blame) === code,
  );
  return failed && (code === 'unproven' || code === 'cannot-start') ? code : undefined;
}

// The incumbent is gone (removed on exit, or by a user): create it again from its image.
function recreate(seen: Observed, candidate: Replica): Step | undefined {
  if (seen.incumbent || !candidate.imageBefore) return undefined;
  return { kind: 'recreate-old', name: seen.names.old, image: candidate.imageBefore };
}

function revive(desired: Desired, seen: Observed, candidate: Replica, incumbent: Replica): Step | undefined {
  const { id: container, name } = incumbent;
  if (!incumbent.running) {
    const back = volumesBack(seen, incumbent, candidate);
    // The incumbent may need the resources of the candidate: its ports, its volumes.
    if (candidate.running && (candidate.strategy !== 'start-first' || back))
      return { kind: 'stop', container: candidate.id, name: candidate.name };
    return back ?? keepReturn(desired, seen) ?? { kind: 'start', container, name };
  }
  if (isBehindGate(seen) && incumbent.verdict.kind === 'waiting') return { kind: 'await-healthy', container, name };
  if (incumbent.shut) return { kind: 'open', container, name };
  if (!sameRestart(incumbent, candidate)) return { kind: 'restore-restart', container, name };
  return gather(seen, incumbent);
}

// The candidate answers at the addresses of an incumbent that comes back after a failed hook.
function isBehindGate({ hooks, incumbent }: Observed): boolean {
  return hooks.failed !== undefined && incumbent?.running === true && incumbent.shut;
}

function rename(seen: Observed, candidate: Replica, incumbent: Replica): Step | undefined {
  const { names } = seen;
  if (incumbent.name === names.slotName) return undefined;
  if (candidate.name === names.slotName)
    return { kind: 'rename', container: candidate.id, name: names.slotName, to: names.next };
  return { kind: 'rename', container: incumbent.id, name: incumbent.name, to: names.slotName };
}

function restoreTag(seen: Observed, candidate: Replica): Step | undefined {
  const before = candidate.tagBefore;
  if (!before || before === candidate.imageId || seen.taggedImage !== candidate.imageId) return undefined;
  return { kind: 'point-tag', reference: candidate.follows, image: before };
}

// It may have taken requests, which get the container's own stop time; after it has served, also the drain time.
function stop(seen: Observed, candidate: Replica): Step | undefined {
  const { id: container, name, running, drained } = candidate;
  if (!running) return undefined;
  const hasServed = seen.hooks.failed || hadShare(seen, candidate) || hadRequests(seen, candidate);
  return { kind: hasServed && !drained ? 'drain' : 'stop', container, name };
}

function sameRestart(a: Replica, b: Replica): boolean {
  if (a.autoRemove || a.restartFixed) return true;
  const retries = (replica: Replica): number => replica.restart.MaximumRetryCount ?? 0;
  return (a.restart.Name || 'no') === (b.restart.Name || 'no') && retries(a) === retries(b);
}

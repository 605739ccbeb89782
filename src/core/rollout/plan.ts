import { codeOf } from '../health/blame.ts';
import { awaitEngine, isRefused, refusal } from '../health/engine-verdict.ts';
import { knownFailure, rejectedBefore } from '../health/failures.ts';
import type { Blame } from '../health/health.ts';
import { SwapError } from '../model/error.ts';
import { isActive } from '../traffic/routes.ts';
import { endDeadRedirect, endRedirectsOfStopped, redirectToCandidate } from './address-redirect.ts';
import { dropHalfCopied, lostFilling, surplus, volumesBack, volumesFirst } from './backup.ts';
import { gather } from './dependents.ts';
import { giveBack, isProven, lostStandIn, proveStandIn, redirectPorts, retireStandIn, secure } from './handover.ts';
import { comesBack, type Desired, type Observed, type Replica } from './observed.ts';
import {
  endDrained,
  endRoute,
  endStale,
  hasSwitched,
  keepRoute,
  leaveRoute,
  routeToCandidate,
  whyNoRoute,
} from './route.ts';
import { letIn, whyNotShared } from './share.ts';
import { checkStart, copyOrStart, spare } from './start.ts';
import type { Step } from './step.ts';
import { whyDown, whyInVain, whyNotAsBefore, whyNoUndo } from './stuck.ts';
import { awaitsHooks, failedHook, runHooks } from './switch-hooks.ts';
import { planUndo } from './undo.ts';

/** The next action for a slot. */
export type Decision =
  | { readonly kind: 'converged' }
  /** `undoing`: the reason, if the step undoes this roll. */
  | { readonly kind: 'act'; readonly step: Step; readonly undoing?: SwapError }
  | { readonly kind: 'refuse'; readonly error: SwapError };

/**
 * Decides the next step towards the desired image from its two arguments alone: so a first run, a run after a crash and a run
 * after another process interfered are the same. Adopts half-done work before it begins new work.
 */
export function plan(desired: Desired, seen: Observed): Decision {
  const busy = whyNoRoute(desired, seen);
  if (busy?.code === 'busy') return { kind: 'refuse', error: busy };
  const ended = endStale(desired, seen) ?? endDrained(desired, seen);
  if (ended) return act(ended);
  // A redirect without a stand-in must not survive.
  if (seen.portRedirect !== 'none' && !seen.standIn) return act({ kind: 'drop-cover', name: seen.names.slotName });
  const dead = endDeadRedirect(seen) ?? (awaitsHooks(seen) ? undefined : endRedirectsOfStopped(seen));
  if (dead) return act(dead);
  const half = dropHalfCopied(seen);
  if (half) return act(half);
  if (seen.rehearsal) return planRehearsal(desired, seen, seen.rehearsal);
  if (!seen.candidate) return planWithoutCandidate(desired, seen);
  const why = whyUndo(desired, seen, seen.candidate);
  return why ? planBack(desired, seen, seen.candidate, why) : planSwitch(desired, seen, seen.candidate);
}

const INCOMPLETE = new SwapError('interrupted', 'an earlier roll died before its new container was complete');

function planBack(desired: Desired, seen: Observed, candidate: Replica, why: SwapError): Decision {
  const impossible = whyNoUndo(seen, candidate, why);
  if (impossible) return { kind: 'refuse', error: impossible };
  const step = planUndo(desired, seen, candidate, why);
  const own = candidate.roll === desired.roll;
  const isFinal = own ? why !== INCOMPLETE : why === seen.hooks.failed;
  return isFinal ? { kind: 'act', step, undoing: why } : act(step);
}

function planWithoutCandidate(desired: Desired, seen: Observed): Decision {
  const { incumbent, names } = seen;
  if (!incumbent) {
    const message = `no container is left for ${names.slotName}: a user or another program removed or renamed it during the roll`;
    const hint = 'give it its name back (docker rename), or start it anew as you did at first';
    return { kind: 'refuse', error: new SwapError('attention', message, { hint }) };
  }
  if (incumbent.running && incumbent.shut) return act({ kind: 'open', container: incumbent.id, name: incumbent.name });
  // A user removed the candidate, whose labels described how this container was set up.
  if (incumbent.running && incumbent.held)
    return act({ kind: 'restore-restart', container: incumbent.id, name: incumbent.name });
  if (incumbent.name !== names.slotName) return planRestore(seen, incumbent);
  const over = endRoute(desired, seen);
  if (over) return act(over);
  // Dependents of a candidate that a user removed.
  const gathering = incumbent.running ? gather(seen, incumbent) : undefined;
  if (gathering) return act(gathering);
  return planStandIn(desired, seen, incumbent) ?? planSteady(desired, seen, incumbent);
}

// A stand-in must go once the slot's container serves again, unless this roll continues with it.
function planStandIn(desired: Desired, seen: Observed, incumbent: Replica): Decision | undefined {
  const { standIn } = seen;
  const failed = seen.failures.some((failure) => failure.roll === desired.roll);
  const over = desired.recoveryOnly || failed || seen.giveUp !== undefined || whyInVain(seen, incumbent) !== undefined;
  // A retiring stand-in takes no new connections, and its stop is not the image's fault.
  const isFit = standIn && !standIn.drained && !(standIn.verdict.kind === 'unstarted' && !standIn.complete);
  const needed = standIn?.roll === desired.roll && !over && isFit;
  if (!standIn || needed) return undefined;
  // The container was stopped for the roll and has just come back: the stand-in answers until it does.
  const back = seen.portRedirect === 'lasting' && incumbent.verdict.kind === 'waiting';
  if (back) return act({ kind: 'await-healthy', container: incumbent.id, name: incumbent.name });
  const awaited = seen.portRedirect === 'lasting' ? awaitEngine(desired, incumbent, standIn) : undefined;
  const retire = awaited ?? retireStandIn(seen);
  return retire && act(retire);
}

function planSteady(desired: Desired, seen: Observed, incumbent: Replica): Decision {
  const extra = incumbent.running ? surplus(desired, seen, incumbent) : undefined;
  // Keep the backup until it is certain that the serving container does not need it.
  if (extra && incumbent.verdict.kind === 'waiting')
    return act({ kind: 'await-healthy', container: incumbent.id, name: incumbent.name });
  if (extra && incumbent.verdict.kind === 'healthy') return act(extra);
  if (desired.recoveryOnly) return { kind: 'converged' };
  const failed = seen.failures.find((failure) => failure.roll === desired.roll);
  if (failed) return refuse(desired, seen, new SwapError(failed.code, failed.reason));
  if (seen.giveUp) return refuse(desired, seen, seen.giveUp);
  if (incumbent.current && !desired.force) return { kind: 'converged' };
  const vain = whyInVain(seen, incumbent);
  return vain ? planInVain(desired, seen, incumbent, vain) : planBegin(desired, seen, incumbent);
}

// A container that removed itself can't name its image any more: the one that it was to replace knows the slot.
function planInVain(desired: Desired, seen: Observed, { id: container, name }: Replica, why: SwapError): Decision {
  if (why.code !== 'not-healthy' && why.code !== 'unproven') return refuse(desired, seen, why);
  return act({ kind: 'remember-failure', container, name, roll: desired.roll, code: why.code, reason: why.message });
}

// Without a candidate, only the desired state records the tag's previous image: a refused image must not keep the tag.
function refuse(desired: Desired, seen: Observed, error: SwapError): Decision {
  const { image, tagBefore } = desired;
  if (!tagBefore || tagBefore === image.id || seen.taggedImage !== image.id)
    return { kind: 'refuse', error: whyNotAsBefore(seen, error) ?? error };
  return act({ kind: 'point-tag', reference: image.follows, image: tagBefore });
}

// The incumbent still has its temporary name, and the candidate is gone: restore everything.
function planRestore(seen: Observed, incumbent: Replica): Decision {
  const { id: container, name } = incumbent;
  const down = whyDown(incumbent);
  if (down) return { kind: 'refuse', error: down };
  if (!incumbent.running) return act(volumesBack(seen, incumbent, undefined) ?? { kind: 'start', container, name });
  return act({ kind: 'rename', container, name, to: seen.names.slotName });
}

function planBegin(desired: Desired, seen: Observed, incumbent: Replica): Decision {
  const bad = desired.force ? undefined : knownFailure(seen.failures, desired.image);
  if (bad) return refuse(desired, seen, rejectedBefore(bad));
  const check = checkStart(desired, seen, incumbent, 'first');
  if (check) return act(check);
  const rehearsal =
    desired.choice.strategy === 'handover' ? planStandInProof(desired, seen, incumbent) : planRehearse(desired, seen);
  if (rehearsal) return rehearsal;
  // Move the tag as late as possible: without a candidate to record its previous image, nothing could move it back.
  if (seen.taggedImage !== undefined && seen.taggedImage !== desired.image.id) {
    return act({ kind: 'point-tag', reference: desired.image.follows, image: desired.image.id });
  }
  return act({ kind: 'create', name: seen.names.next, strategy: desired.choice.strategy });
}

function planRehearse(desired: Desired, seen: Observed): Decision | undefined {
  return desired.choice.rehearse && !seen.rehearsed
    ? act({ kind: 'create-rehearsal', name: seen.names.rehearsal })
    : undefined;
}

function planStandInProof(desired: Desired, seen: Observed, incumbent: Replica): Decision | undefined {
  const { standIn, names } = seen;
  if (!standIn) return act({ kind: 'create-stand-in', name: names.standIn });
  if (standIn.verdict.kind === 'failed') return failedStandIn(desired, seen, standIn, standIn.verdict);
  const step =
    standIn.verdict.kind === 'unstarted' ? copyOrStart(standIn) : proveStandIn(desired, seen, standIn, incumbent);
  return step && act(step);
}

// It may serve already. A stand-in whose failure is recorded is retired like any other, with its connections.
function failedStandIn(desired: Desired, seen: Observed, standIn: Replica, verdict: Failed): Decision {
  const back = giveBack(seen);
  const removes = verdict.blame === 'person';
  if (back && (removes || back.kind === 'uncover')) return act(back);
  return failedRehearsal(desired, standIn, verdict);
}

function planRehearsal(desired: Desired, seen: Observed, rehearsal: Replica): Decision {
  const { id: container, name, verdict } = rehearsal;
  const remembered = seen.failures.some((failure) => failure.roll === desired.roll);
  const stale = rehearsal.roll !== desired.roll || (verdict.kind === 'unstarted' && !rehearsal.complete);
  if (stale || seen.giveUp || remembered) return act({ kind: 'remove', container, name });
  switch (verdict.kind) {
    case 'unstarted':
      return act(copyOrStart(rehearsal));
    case 'waiting':
      return act({ kind: 'await-healthy', container, name });
    case 'failed':
      return failedRehearsal(desired, rehearsal, verdict);
    case 'healthy':
      return act(
        rehearsal.settled
          ? { kind: 'pass-rehearsal', container, name }
          : { kind: 'settle', container, name, brief: false },
      );
  }
}

type Failed = { readonly reason: string; readonly blame: Blame };

function failedRehearsal(desired: Desired, rehearsal: Replica, verdict: Failed): Decision {
  const { id: container, name } = rehearsal;
  if (verdict.blame !== 'person') {
    const code = codeOf(verdict.blame);
    return act({ kind: 'remember-failure', container, name, roll: desired.roll, code, reason: verdict.reason });
  }
  return {
    kind: 'act',
    step: { kind: 'remove', container, name },
    undoing: new SwapError(codeOf(verdict.blame), verdict.reason),
  };
}

function planSwitch(desired: Desired, seen: Observed, candidate: Replica): Decision {
  const { incumbent, names } = seen;
  const { id: container, name, verdict } = candidate;
  if (verdict.kind === 'unstarted') return planStart(desired, seen, candidate);
  const kept = verdict.kind === 'waiting' ? keepRoute(desired, seen) : undefined;
  if (kept) return act(kept);
  if (verdict.kind === 'waiting') return act({ kind: 'await-healthy', container, name });
  const entering = letIn(desired, seen, candidate);
  if (entering) return act(entering);
  const routed = routeToCandidate(desired, seen);
  if (routed) return act(routed);
  if (incumbent?.name === names.slotName) return act(rename(incumbent, names.old));
  if (name !== names.slotName) return act(rename(candidate, names.slotName));
  const gathering = gather(seen, candidate);
  if (gathering) return act(gathering);
  if (isActive(seen.portRedirect)) return act({ kind: 'uncover', name: names.slotName });
  const redirected = redirectToCandidate(seen, candidate);
  if (redirected) return act(redirected);
  if (!candidate.settled) return act({ kind: 'settle', container, name, brief: isProven(candidate) });
  const awaited = awaitEngine(desired, candidate, incumbent?.running ? incumbent : seen.standIn);
  if (awaited) return act(awaited);
  const retire = retireStandIn(seen);
  if (retire) return act(retire);
  return incumbent ? planRetire(desired, seen, incumbent) : planForget(desired, seen, candidate);
}

// Rename the incumbent before stopping it, so that recovery can tell our stop from a user's.
function planStart(desired: Desired, seen: Observed, candidate: Replica): Decision {
  const { incumbent, names } = seen;
  const start = copyOrStart(candidate);
  if (start.kind === 'copy-files') return act(start);
  if (candidate.strategy === 'start-first') return act(keepRoute(desired, seen) ?? start);
  const check = incumbent?.running ? checkStart(desired, seen, incumbent, 'last') : undefined;
  if (check) return act(check);
  const safe = incumbent?.running && seen.standIn ? secure(desired, seen, seen.standIn, incumbent) : undefined;
  if (safe) return act(safe);
  if (incumbent?.running && comesBack(incumbent)) return act(hold(incumbent));
  if (incumbent?.name === names.slotName) return act(rename(incumbent, names.old));
  if (candidate.name !== names.slotName) return act(rename(candidate, names.slotName));
  if (!incumbent?.running) return act(spare(seen, candidate) ?? volumesFirst(seen, candidate) ?? start);
  if (seen.standIn && seen.portRedirect !== 'lasting') return act(redirectPorts(seen, seen.standIn, true));
  const leaving = leaveRoute(desired, seen);
  return act(leaving ?? { kind: 'stop', container: incumbent.id, name: incumbent.name });
}

function planRetire(desired: Desired, seen: Observed, incumbent: Replica): Decision {
  const { id: container, name } = incumbent;
  if (!seen.incumbentKept)
    return act({ kind: 'keep-image', image: incumbent.imageId, reference: desired.keepReference });
  if (!incumbent.running) return act(runHooks(seen) ?? { kind: 'remove', container, name });
  if (comesBack(incumbent)) return act(hold(incumbent));
  return act({ kind: incumbent.drained ? 'stop' : 'drain', container, name });
}

function planForget(desired: Desired, seen: Observed, serving: Replica): Decision {
  const hooks = runHooks(seen);
  if (hooks) return act(hooks);
  // A rollback does not clear the failures of newer images.
  const stale = desired.back ? undefined : seen.failures[0];
  if (stale) return act({ kind: 'forget-failure', name: stale.name });
  const extra = surplus(desired, seen, serving);
  return extra ? act(extra) : { kind: 'converged' };
}

function whyUndo(desired: Desired, seen: Observed, candidate: Replica): SwapError | undefined {
  const recorded = seen.failures.find((failure) => failure.roll === candidate.roll);
  if (recorded) return new SwapError(recorded.code, recorded.reason);
  const { verdict } = candidate;
  const hook = failedHook(seen, candidate);
  if (hook) return hook;
  const switched = hasSwitched(seen);
  const took = switched || candidate.name === seen.names.slotName;
  if (took && isRefused(desired, candidate, seen.incumbent)) return refusal('it');
  if (switched) return undefined;
  // Before the verdict: a candidate that swapctl itself stopped during an undo looks like a failed one.
  if (seen.giveUp) return seen.giveUp;
  if (verdict.kind === 'failed') {
    return new SwapError(codeOf(verdict.blame), verdict.reason);
  }
  if (verdict.kind === 'unstarted' && !candidate.complete) return INCOMPLETE;
  const unreached = whyNoRoute(desired, seen) ?? whyNotShared(desired, seen, candidate);
  if (unreached) return unreached;
  if (candidate.roll !== desired.roll && !candidate.current) {
    return new SwapError('interrupted', 'an earlier roll, to another image, was left half done');
  }
  if (verdict.kind !== 'unstarted') return undefined;
  const lost = lostFilling(seen, candidate);
  return lost === undefined ? lostStandIn(desired, seen, candidate) : new SwapError('backup-failed', lost);
}

function hold(replica: Replica): Step {
  return { kind: 'hold-restart', container: replica.id, name: replica.name };
}

function rename(replica: Replica, to: string): Step {
  return { kind: 'rename', container: replica.id, name: replica.name, to };
}

function act(step: Step): Decision {
  return { kind: 'act', step };
}

import type { HeldRoll } from '../../core/group/held-roll.ts';
import type { HostState } from '../../core/group/order.ts';
import type { HostHookRun, HostReport } from '../../core/group/report.ts';
import { exitStatus } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { Agreed } from './agree.ts';
import { runHostHooks } from './hooks.ts';
import type { GroupWorld, OpenHost } from './world.ts';

/** A host whose service is locked for the roll of its group. */
export interface HeldHost extends OpenHost {
  readonly held: HeldRoll;
}

/** The end of one turn. */
export interface TurnEnd {
  readonly state: HostState;
  readonly report: HostReport;
}

type Image = Pick<Agreed, 'image' | 'digest'>;

/** The turn of one host: its hooks before, its roll, its hooks after. Never raises. */
export async function takeTurn(
  world: GroupWorld,
  { host, held }: HeldHost,
  image: Image,
  roll: string | undefined,
): Promise<TurnEnd> {
  const facts = { host, service: held.service, ...image };
  const before = held.isUnchanged ? NONE : await runHostHooks(world, 'before', facts);
  if (before.failed) return { state: 'failed', report: failed(host, before.runs, hookError(before.failed, 'touched')) };
  const report = await held.roll(roll);
  const { error } = report;
  const state = stateAfter(report);
  // A host in doubt stays out of the load balancer until a user has looked.
  const after = held.isUnchanged || state === 'attention' ? NONE : await runHostHooks(world, 'after', facts);
  const runs = [...before.runs, ...after.runs];
  const hooks = runs.length > 0 ? { hooks: runs } : {};
  if (error) return { state, report: { host, outcome: 'failed', report, ...hooks, error } };
  if (!after.failed) return { state, report: { host, outcome: report.outcome, report, ...hooks } };
  const wrong = hookError(after.failed, 'rolled');
  return { state: 'attention', report: { host, outcome: report.outcome, report, ...hooks, error: wrong } };
}

/** Rolls a host back to its old image, with its hooks around it. Never raises. */
export async function takeBack(
  world: GroupWorld,
  { host, held }: HeldHost,
  image: Image,
  before: HostReport,
  rejectLeft: boolean,
): Promise<TurnEnd> {
  const facts = { host, service: held.service, ...image };
  const out = await runHostHooks(world, 'before', facts);
  const back = await held.back(rejectLeft);
  const isBack = back.error === undefined;
  const into = isBack ? await runHostHooks(world, 'after', facts) : NONE;
  const runs = [...(before.hooks ?? []), ...out.runs, ...into.runs];
  const failedHook = out.failed ?? into.failed;
  const error = back.error ? notBack(host, back.error) : failedHook && hookError(failedHook, 'rolled back');
  const hooks = runs.length > 0 ? { hooks: runs } : {};
  return {
    state: error ? 'attention' : 'back',
    report: {
      ...before,
      outcome: isBack ? 'rolled-back' : before.outcome,
      back,
      ...hooks,
      ...(error ? { error } : {}),
    },
  };
}

const NONE = { runs: [], failed: undefined } as const;

function stateAfter({ outcome, error }: ServiceReport): HostState {
  if (error) return exitStatus(error.code) === 3 ? 'attention' : 'failed';
  return outcome === 'unchanged' ? 'unchanged' : 'rolled';
}

function failed(host: string, hooks: readonly HostHookRun[], error: ReportedError): HostReport {
  return { host, outcome: 'failed', hooks, error };
}

// Before the roll nothing of the service was touched; after it, the load balancer in front may not know.
function hookError({ when, hook, error = '' }: HostHookRun, done: 'touched' | 'rolled' | 'rolled back'): ReportedError {
  const message = `the hook "${hook}" ${when} the host failed: ${error}`;
  if (done === 'touched') return { code: 'step-failed', message, hint: 'the host was not rolled; fix the hook' };
  return { code: 'attention', message, hint: `the host was ${done}; run the hook by hand, then go on` };
}

function notBack(host: string, error: ReportedError): ReportedError {
  if (error.code === 'attention') return error;
  return {
    ...error,
    code: 'attention',
    message: `${host} could not go back to the old image: ${error.message}`,
    hint: `${host} runs the new image; swapctl rollback --on ${host} goes back`,
  };
}

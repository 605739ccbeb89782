import { hostAdvice } from '../../core/health/health.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import type { SwapError } from '../../core/model/error.ts';
import { proxyReport } from '../../core/proxy/report.ts';
import type { ReplicaReport, Side, StaleClient, Timings } from '../../core/report/report.ts';
import { type ReportedError, toReported } from '../../core/report/reported-error.ts';
import type { Policy } from '../../core/settings/policy.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import type { Memory, SlotRun } from '../rollout/slot-run.ts';
import { failedHooks } from '../rollout/steps/hooks-seen.ts';
import { digestOf } from '../select/running-digest.ts';

/** The report of one replica. `error`: why it was not rolled, undefined if it was. */
export async function replicaReport(
  run: SlotRun,
  slot: PreparedSlot,
  error: SwapError | undefined,
  totalMs: number,
): Promise<ReplicaReport> {
  const from = await sideOf(run.ports, slot, slot.container.id).catch(unknown);
  const to = error ? from : await sideOf(run.ports, slot, slot.slotName).catch(unknown);
  const changed = to && from ? to.container !== from.container : run.memory.candidates.size > 0;
  const proxy = proxyReport(slot.proxy);
  const success = run.event === 'rolled-back' ? 'rolled-back' : 'rolled';
  return {
    slot: slot.slotName,
    outcome: error ? 'failed' : changed ? success : 'unchanged',
    strategy: slot.choice.strategy,
    because: slot.choice.because,
    ...(proxy ? { proxy } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    timings: timings(run, totalMs),
    ...connectionsOf(run.memory),
    ...(run.memory.gap.ms > 0 ? { gap: Math.round(run.memory.gap.ms) } : {}),
    ...backedUp(run),
    ...hooksRun(run.memory),
    ...(error ? {} : await leftToDo(run, slot)),
    ...notesOf(run.memory),
    ...(error ? { error: told(error, slot, run.memory) } : {}),
    ...(run.memory.steps.length > 0 ? { steps: run.memory.steps } : {}),
  };
}

/** The protections that the roll lacked. */
export function notesOf({ notes }: Memory): { notes?: readonly string[] } {
  return notes.size > 0 ? { notes: [...notes] } : {};
}

// Of all drained containers: clients of a stand-in are clients of the service, too.
function connectionsOf({ drained }: Memory): Pick<ReplicaReport, 'connections'> {
  const known = [...drained.values()].filter((one) => one !== undefined);
  if (known.length === 0) return {};
  const sum = (figure: 'idle' | 'busy' | 'cut' | 'closed'): number =>
    known.reduce((all, one) => all + (one[figure] ?? 0), 0);
  const idle = known.every((one) => one.idle !== undefined) ? { idle: sum('idle') } : {};
  const closed = known.some((one) => one.closed !== undefined) ? { closed: sum('closed') } : {};
  return { connections: { ...idle, busy: sum('busy'), cut: sum('cut'), ...closed } };
}

function hooksRun({ hooks: { results } }: Memory): Pick<ReplicaReport, 'hooks'> {
  const hooks = [...results].map(([hook, error]) => ({ hook, ...(error === undefined ? {} : { error }) }));
  return hooks.length > 0 ? { hooks } : {};
}

async function leftToDo(run: SlotRun, slot: PreparedSlot): Promise<Pick<ReplicaReport, 'staleClients' | 'attention'>> {
  const stale = await staleIn(run, slot);
  const attention = [
    ...failedHooks(run.memory.hooks.results).map(([hook, why]) => hookError(hook, why)),
    ...stale.map((one) => staleError(one, slot.slotName)),
  ];
  return { ...(stale.length > 0 ? { staleClients: stale } : {}), ...(attention.length > 0 ? { attention } : {}) };
}

function hookError(hook: string, why: string): ReportedError {
  const hint = 'run the hook by hand';
  return { code: 'attention', message: `the hook "${hook}" failed: ${why}`, hint, state: 'new-serves' };
}

// An address that the slot's own container has by now does no harm.
async function staleIn({ ports, memory }: SlotRun, { slotName }: PreparedSlot): Promise<StaleClient[]> {
  if (memory.staleClients.length === 0) return [];
  const now = await ports.engine.container(slotName).catch(unknown);
  const own = Object.values(now?.networks ?? {}).flatMap((one) => [one.IPAddress, one.GlobalIPv6Address]);
  return memory.staleClients.filter(({ address }) => !own.includes(address));
}

function staleError({ client, network, address }: StaleClient, slotName: string): ReportedError {
  const where = network === undefined ? '' : ` in the network ${network}`;
  return {
    code: 'attention',
    message: `${client} still connects to ${address}${where}, an address that no container of ${slotName} has any more`,
    hint: `make ${client} resolve the name again: reload or restart it, and at each roll with swapctl.on-switch`,
    state: 'new-serves',
  };
}

function backedUp({ memory }: SlotRun): Pick<ReplicaReport, 'backup'> {
  if (!memory.backup) return {};
  return { backup: { volumes: memory.backup.copies, restored: memory.restored.size > 0 } };
}

// An engine failure now does not change the result.
function unknown(raised: unknown): undefined {
  if (!(raised instanceof EngineError)) throw raised;
}

// The planner says what a container did; this adds its name, and the present state.
function told(
  error: SwapError,
  slot: PreparedSlot,
  { lastWords: log, lastStatus, redirectedAway }: Pick<Memory, 'lastWords' | 'lastStatus' | 'redirectedAway'>,
): ReportedError {
  const { code } = error;
  if (code !== 'not-healthy' && code !== 'cannot-start' && code !== 'unproven') return toReported(error);
  const next = `${NEXT[code]}${hostHint(slot.policy, lastStatus)}${gateHint(redirectedAway)}`;
  const message = `the new container of ${slot.slotName} failed: ${error.message}`;
  return { ...toReported(error), message, hint: next, ...(log.length > 0 ? { log } : {}) };
}

function hostHint({ probe }: Policy, lastStatus: number | undefined): string {
  const advice = hostAdvice(probe, lastStatus);
  return advice === undefined ? '' : `. ${advice}`;
}

const NEXT = {
  'not-healthy': 'mend the image; this one is not tried again, unless with --force',
  'cannot-start':
    'the image is not rejected: fix what the engine names, and roll again; unattended rolls wait for the backoff',
  unproven: 'the image is not rejected: fix the cause, and roll again; unattended rolls wait for the backoff',
} as const;

function gateHint(connections: number): string {
  if (connections === 0) return '';
  const number = connections === 1 ? '1 connection' : `${connections} connections`;
  return (
    `. Until it failed, the gate redirected ${number} away from it: ` +
    'if the app becomes healthy only once others reach it, set swapctl.gate=false'
  );
}

async function sideOf(ports: Ports, slot: PreparedSlot, container: string): Promise<Side | undefined> {
  const known = container === slot.container.id ? slot.container : await ports.engine.container(container);
  if (!known) return undefined;
  const digest = (await digestOf({ ports, images: slot.images }, known)) ?? known.imageId;
  return { container: known.id.slice(0, 12), image: known.config.Image ?? '', digest };
}

function timings(run: SlotRun, total: number): Timings {
  const { times } = run.memory;
  const parts = {
    start: ['create', 'start', 'copy-files'],
    healthy: ['await-healthy'],
    switch: ['rename'],
    drain: ['drain'],
    stop: ['stop'],
    backup: ['back-up'],
    restore: ['put-back'],
  };
  const measured = Object.entries(parts).flatMap(([part, kinds]) => {
    const ms = kinds.reduce((sum, kind) => sum + (times.get(kind) ?? 0), 0);
    return kinds.some((kind) => times.has(kind)) ? [[part, Math.round(ms)]] : [];
  });
  return { ...Object.fromEntries(measured), total: Math.round(total) };
}

/** The report of a replica that already runs the desired image. */
export async function unchangedReport(ports: Ports, slot: PreparedSlot): Promise<ReplicaReport> {
  const from = await sideOf(ports, slot, slot.slotName);
  return { slot: slot.slotName, outcome: 'unchanged', ...(from ? { from, to: from } : {}), timings: { total: 0 } };
}

/** The report of a replica that could not be inspected. */
export function failedReport(slot: Pick<PreparedSlot, 'slotName'>, error: SwapError): ReplicaReport {
  return { slot: slot.slotName, outcome: 'failed', timings: { total: 0 }, error: toReported(error) };
}

import { noticedNow } from '../../../core/health/engine-verdict.ts';
import {
  type HealthCheck,
  type HealthMemory,
  healthCheck,
  judge,
  settledAt,
  type Verdict,
} from '../../../core/health/health.ts';
import type { Container } from '../../../core/model/container.ts';
import type { Step } from '../../../core/rollout/step.ts';
import { formatDuration } from '../../../core/text/duration.ts';
import { restoreRoute } from '../../proxy/route.ts';
import { keepShut } from '../../traffic/gate.ts';
import { recall, type SlotRun, settlesFrom } from '../slot-run.ts';
import { lookAtPorts } from './answered-ports.ts';
import { probe } from './probe.ts';

// Docker's first probe comes a whole interval after the start (30 s by default, T30), so swapctl runs the same check itself,
// repeatedly with a short pause.
const PAUSE_STARTING_MS = 100;
const PAUSE_SETTLING_MS = 500;
const PAUSE_BRIEFLY_MS = 250;
/** For waits that no interruption shortens. */
export const NEVER = new AbortController().signal;

type Done = (verdict: Verdict, container: Container) => boolean;
/** The end of the watch over a container that is healthy since a moment. */
type EndOf = (container: Container, since: number) => number;

/** Watches a starting container until it is healthy, has failed, or the signal aborts; the memory keeps the observations. */
export async function awaitHealthy(
  run: SlotRun,
  id: string,
  // During an undo nothing shortens the wait: the incumbent has to answer again.
  signal: AbortSignal = run.memory.giveUp ? NEVER : run.signal,
): Promise<void> {
  await watch(run, id, PAUSE_STARTING_MS, signal, (verdict) => {
    if (verdict.kind === 'waiting') reportLimit(run, verdict.until);
    return verdict.kind !== 'waiting';
  });
}

/**
 * Watches a healthy container until its settle time is over or it fails. An interruption does not shorten that: the incumbent
 * goes only after its successor is proven.
 */
export async function settle(run: SlotRun, id: string, { brief }: { readonly brief: boolean }): Promise<void> {
  const endOf: EndOf = (container, since) =>
    settledAt(container, run.policy, settlesFrom(run, container, since), { brief });
  const done: Done = (verdict, container) => {
    if (verdict.kind !== 'healthy') return true;
    const end = endOf(container, verdict.since);
    reportLimit(run, end);
    return run.now() >= end;
  };
  await watch(run, id, brief ? PAUSE_BRIEFLY_MS : PAUSE_SETTLING_MS, NEVER, done, endOf);
}

function reportLimit(run: SlotRun, untilMs: number): void {
  const leftMs = untilMs - run.now();
  if (leftMs <= 0) return;
  run.ports.report({ kind: 'waiting', slot: run.names.slotName, what: `at most ${formatDuration(leftMs)} more` });
}

/** Watches a healthy container with a share of the requests until the time is over, it fails, or a user interrupts. */
export async function watchShare(
  run: SlotRun,
  { container: id, ms }: Extract<Step, { kind: 'canary' }>,
): Promise<void> {
  const end = run.now() + ms;
  await watch(
    run,
    id,
    PAUSE_SETTLING_MS,
    run.signal,
    (verdict) => {
      if (verdict.kind !== 'healthy') return true;
      reportLimit(run, end);
      if (run.now() < end) return false;
      run.memory.watched.set(id, end);
      return true;
    },
    () => end,
  );
}

/** Watches until proxies have had time to act on the engine's verdict, it turns unhealthy, or the signal aborts. */
export async function awaitEngine(run: SlotRun, id: string, signal: AbortSignal): Promise<void> {
  await watch(run, id, PAUSE_SETTLING_MS, signal, (verdict, container) => {
    const { engineHealthySince } = recall(run, container);
    return verdict.kind !== 'healthy' || noticedNow(container, engineHealthySince, run.now()) !== 'waiting';
  });
}

async function watch(
  run: SlotRun,
  id: string,
  pauseMs: number,
  signal: AbortSignal,
  done: Done,
  endOf: EndOf = () => Infinity,
): Promise<void> {
  while (!signal.aborted) {
    const container = await run.ports.engine.container(id);
    if (!container) return;
    remember(run, container, {});
    await lookAtPorts(run, container);
    const verdict = judge(container, run.policy, recall(run, container), run.now());
    if (done(verdict, container)) return noteEngineHealth(run, container, verdict);
    const began = run.now();
    await keepShut(run, id);
    await restoreRoute(run);
    prolong(run, container, began);
    const check = healthCheck(container, run.policy);
    if (check && container.status === 'running') await probeOnce(run, container, check, signal);
    const after = judge(container, run.policy, recall(run, container), run.now());
    if (after.kind !== verdict.kind) continue;
    const until = nextMoment(after, (since) => endOf(container, since));
    await run.ports.clock.sleep(nextPause(run, until, pauseMs), signal);
  }
}

function nextMoment(verdict: Verdict, endOf: (since: number) => number): number {
  if (verdict.kind === 'waiting') return verdict.until;
  return verdict.kind === 'healthy' ? endOf(verdict.since) : Infinity;
}

// Never pause beyond the end of the wait.
function nextPause(run: SlotRun, until: number, pauseMs: number): number {
  return Math.max(10, Math.min(pauseMs, until - run.now()));
}

// The engine may see it first.
function noteEngineHealth(run: SlotRun, container: Container, verdict: Verdict): void {
  if (verdict.kind === 'healthy')
    remember(run, container, { healthySince: recall(run, container).healthySince ?? verdict.since });
}

async function probeOnce(run: SlotRun, container: Container, check: HealthCheck, signal: AbortSignal): Promise<void> {
  const before = recall(run, container);
  const began = run.now();
  const { ok, output, away, status, reached } = await probe(run.ports, container, check.probe, check.timeoutMs, signal);
  if (signal.aborted) return;
  if (away) return prolong(run, container, began);
  if (ok)
    return remember(run, container, {
      healthySince: before.healthySince ?? run.now(),
      failuresInRow: 0,
      lastOutput: output,
      lastStatus: status,
      reached,
    });
  if (output && output !== before.lastOutput) {
    run.ports.report({ kind: 'probe', slot: run.names.slotName, container: container.name, output });
  }
  // A starting container may fail its checks; only the engine's own pace or the deadline ends its chance.
  const failures = before.healthySince === undefined ? 0 : before.failuresInRow + 1;
  remember(run, container, { failuresInRow: failures, lastOutput: output, lastStatus: status, reached });
}

// An engine or nft that hangs proves nothing about the image: its health could not be observed meanwhile.
function prolong(run: SlotRun, container: Container, since: number): void {
  const { watchedSince = since } = recall(run, container);
  remember(run, container, { watchedSince: watchedSince + run.now() - since });
}

function remember(run: SlotRun, container: Container, news: Partial<HealthMemory>): void {
  const { id, startedAt } = container;
  const before = recall(run, container);
  const engineHealthySince =
    container.health?.status === 'healthy' ? (before.engineHealthySince ?? run.now()) : undefined;
  const watchedSince = before.watchedSince ?? run.now();
  run.memory.health.set(id, { ...before, startedAt, watchedSince, engineHealthySince, ...news });
}

import { type Asked, type Failed, otherCause } from '../../../core/health/blame.ts';
import { type HealthCheck, healthCheck, type Verdict } from '../../../core/health/health.ts';
import type { Container } from '../../../core/model/container.ts';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { Replica } from '../../../core/rollout/observed.ts';
import type { Policy } from '../../../core/settings/policy.ts';
import type { Ports } from '../../../ports/ports.ts';
import { engineNow } from '../../select/engine-time.ts';
import { recall, type SlotRun } from '../slot-run.ts';
import { probe } from './probe.ts';
import { redirectedAway } from './remember.ts';

const LOG_LINES = 20;
const TRIES = 3;
const PAUSE_MS = 300;

/** The incumbent in the views of the planner and of the engine. */
interface Incumbent {
  readonly replica: Replica | undefined;
  readonly container: Container | undefined;
  /** True: connections to its addresses are redirected to another container. */
  readonly redirected: boolean;
}

/** A candidate whose verdict blames the image only if nothing else can have caused the failure. */
export async function withBlame(
  run: SlotRun,
  replica: Replica | undefined,
  container: Container | undefined,
  incumbent: Incumbent,
): Promise<Replica | undefined> {
  if (!replica || !container || replica.id === incumbent.replica?.id) return replica;
  const { verdict } = replica;
  if (verdict.kind !== 'failed' || verdict.blame !== 'image' || verdict.by === undefined) return replica;
  const cause = await causeOf(run, container, verdict.by, incumbent);
  return cause === undefined ? replica : { ...replica, verdict: excused(verdict, verdict.by, cause) };
}

function excused(verdict: Extract<Verdict, { kind: 'failed' }>, by: Failed['by'], cause: string): Verdict {
  return { ...verdict, reason: `${verdict.reason}; but ${cause}`, blame: by === 'start' ? 'host' : 'surroundings' };
}

// Asked once: later in the roll the incumbent may be stopped, and the answer must stay the same.
async function causeOf(
  run: SlotRun,
  container: Container,
  by: Failed['by'],
  incumbent: Incumbent,
): Promise<string | undefined> {
  const { otherCauses } = run.memory;
  const key = `${container.id} ${container.startedAt} ${by}`;
  if (!otherCauses.has(key)) otherCauses.set(key, otherCause(await failedBy(run, container, by, incumbent)));
  return otherCauses.get(key);
}

async function failedBy(run: SlotRun, container: Container, by: Failed['by'], incumbent: Incumbent): Promise<Failed> {
  const { reached, healthySince, endUnknown } = recall(run, container);
  const known = { container, by, reached, endUnknown, wasHealthy: healthySince !== undefined };
  const beside = incumbent.replica?.running === true;
  const nothing = { words: [], beside, redirected: 0 };
  switch (by) {
    case 'start':
      return { ...known, ...nothing, words: [run.memory.unstartable.get(container.id) ?? container.error] };
    case 'exit':
      return { ...known, ...nothing, words: await run.ports.engine.logs(container.id, LOG_LINES).catch(silence) };
    case 'check':
      return {
        ...known,
        ...nothing,
        incumbent: await askIncumbent(run, container, incumbent),
        redirected: await redirectedAway(run, container),
      };
  }
}

function silence(raised: unknown): [] {
  if (raised instanceof EngineError) return [];
  throw raised;
}

async function askIncumbent(
  run: SlotRun,
  failed: Container,
  { replica, container, redirected }: Incumbent,
): Promise<Asked | undefined> {
  const before = run.memory.incumbentAsked;
  if (container?.status !== 'running' || !replica || replica.drained || replica.shut) return before;
  const engine = engineAsked(run, container);
  if (engine) return engine;
  const check = healthCheck(container, run.policy);
  if (!check || !isSame(check, healthCheck(failed, run.policy))) return before;
  // A probe of its address would reach its successor.
  if (isOverNetwork(check) && redirected) return before;
  return (await askOften(run, container, check)) ?? before;
}

function isSame(a: HealthCheck, b: HealthCheck | undefined): boolean {
  return JSON.stringify(a.probe) === JSON.stringify(b?.probe);
}

function isOverNetwork({ probe: { kind } }: HealthCheck): boolean {
  return kind === 'http' || kind === 'tcp';
}

// Undefined if the engine has no objection, or a label's check counts instead.
function engineAsked({ policy }: Pick<SlotRun, 'policy'>, { health }: Container): Asked | undefined {
  if (policy.probe || health?.status !== 'unhealthy') return undefined;
  return { ok: false, output: health.log.at(-1)?.output ?? '' };
}

/**
 * The incumbent's answer to its health check before the roll; undefined if it is not asked: it has no check, is still starting,
 * or the check is a command, which swapctl runs in it only after a failure.
 */
export async function askBefore(ports: Ports, container: Container, policy: Policy): Promise<Asked | undefined> {
  if (container.status !== 'running') return undefined;
  const engine = engineAsked({ policy }, container);
  const check = healthCheck(container, policy);
  if (engine || !check || !isOverNetwork(check)) return engine;
  if ((await engineNow(ports)) < container.startedAt + check.deadlineMs) return undefined;
  return askOften({ ports, signal: new AbortController().signal }, container, check);
}

/** The consequence of an incumbent that fails its check. */
export function failsNow({ output }: Asked): string {
  const text = output.trim().slice(0, 200);
  return `the old container fails its health check now${text ? ` (${text})` : ''}: if the new one fails it, too, its image is not rejected`;
}

// Asks a few times until it passes; undefined if the engine did not answer.
async function askOften(
  { ports, signal }: Pick<SlotRun, 'ports' | 'signal'>,
  container: Container,
  check: HealthCheck,
): Promise<Asked | undefined> {
  for (let tries = 1; ; tries++) {
    const { ok, output, away } = await probe(ports, container, check.probe, check.timeoutMs, signal);
    if (away || signal.aborted) return undefined;
    if (ok || tries >= TRIES) return { ok, output };
    await ports.clock.sleep(PAUSE_MS, signal);
  }
}

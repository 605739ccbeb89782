import { isFaultOfImage } from '../model/refused-start.ts';
import { formatDuration } from '../text/duration.ts';
import { type SwarmService, type SwarmTask, TASK_STATES, type TaskState } from './model.ts';

/** The facts of one roll that its judgement needs. */
export interface Aim {
  /** The image that the service ran before, as in its spec. */
  readonly from: string;
  /** The image that it is to run: `repo:tag@sha256:…`. */
  readonly to: string;
  /** Tasks made earlier (by the managers' clock) do not belong to this roll. */
  readonly since: number;
}

/** A service and its tasks at one instant. */
export interface Seen {
  readonly service: SwarmService;
  readonly tasks: readonly SwarmTask[];
}

/** The state of a roll, judged by tasks and specs: never by the output of a Swarm client. */
export type Verdict =
  | { readonly kind: 'waiting'; readonly what: string }
  /** Each slot runs the wanted image, and Swarm's own update is over. */
  | { readonly kind: 'running' }
  /** `by`: true if Swarm itself is restoring the old image. */
  | {
      readonly kind: 'failed';
      readonly failures: readonly SwarmTask[];
      readonly reason: string;
      readonly by: 'swapctl' | 'swarm';
    }
  /** Each slot runs the old image again. */
  | { readonly kind: 'back' }
  /** Swarm's rollback has stopped in the middle. */
  | { readonly kind: 'stranded'; readonly reason: string }
  /** Another process changed the image. */
  | { readonly kind: 'taken'; readonly image: string };

/** Judges a service on its way to the new image; reports a failed task even if Swarm calls the update completed. */
export function judgeRoll({ service, tasks }: Seen, aim: Aim): Verdict {
  const failures = failuresOf(tasks, aim);
  if (service.image === aim.to && !isRollback(service)) return judgeUpdate({ service, tasks }, aim, failures);
  if (service.image !== aim.from) return { kind: 'taken', image: service.image };
  return { kind: 'failed', failures, reason: reasonOf(service, failures), by: 'swarm' };
}

function judgeUpdate({ service, tasks }: Seen, aim: Aim, failures: readonly SwarmTask[]): Verdict {
  const { update, updateConfig } = service;
  const failed = (): Verdict => ({ kind: 'failed', failures, reason: reasonOf(service, failures), by: 'swapctl' });
  if (update?.state === 'paused') return failed();
  // With `rollback` and `pause` Swarm acts first; with `continue`, and once its update is over, only swapctl watches.
  const watching = update?.state === 'updating' && updateConfig.failureAction !== 'continue';
  const share = failures.length / Math.max(1, expected(service, tasks));
  if (!watching && failures.length > 0 && share > updateConfig.maxFailureRatio) return failed();
  const { done, of } = progressOf({ service, tasks }, aim.to, aim.since);
  const left = tasks.filter((task) => isWanted(task) && task.image !== aim.to).length;
  if (done < of || left > 0) return { kind: 'waiting', what: `${done} of ${of} tasks run the new image` };
  if (update?.state === 'updating') {
    const monitor = formatDuration(updateConfig.monitorMs);
    return { kind: 'waiting', what: `all ${of} tasks run the new image; Swarm monitors them (${monitor})` };
  }
  return { kind: 'running' };
}

/** Judges a service on its way back to the old image. */
export function judgeBack(
  { service, tasks }: Seen,
  { from }: Pick<Aim, 'from'>,
): Exclude<Verdict, { kind: 'running' | 'failed' }> {
  if (service.image !== from) return { kind: 'taken', image: service.image };
  if (service.update?.state === 'rollback_paused' || service.update?.state === 'paused')
    return { kind: 'stranded', reason: service.update.message || `Swarm's update is ${service.update.state}` };
  const { done, of } = progressOf({ service, tasks }, from, 0);
  const others = tasks.some((task) => isWanted(task) && task.image !== from);
  if (done < of || others) return { kind: 'waiting', what: `${done} of ${of} tasks run the old image` };
  if (!isUpdating(service)) return { kind: 'back' };
  return { kind: 'waiting', what: `all ${of} tasks run the old image; Swarm monitors them` };
}

/** The number of slots (of nodes, in global mode) that run an image. */
export function progressOf({ service, tasks }: Seen, image: string, since: number): { done: number; of: number } {
  const running = tasks.filter((task) => task.image === image && isServing(task) && task.createdAt >= since);
  return { done: new Set(running.map(placeOf)).size, of: expected(service, tasks) };
}

/** The tasks of this roll that ended by themselves, or never began, the oldest first. */
export function failuresOf(tasks: readonly SwarmTask[], { to, since }: Pick<Aim, 'to' | 'since'>): SwarmTask[] {
  const own = tasks.filter(({ image, state, createdAt }) => image === to && createdAt >= since && isFailure(state));
  return own.sort((a, b) => a.at - b.at);
}

function isFailure(state: TaskState): boolean {
  return state === 'complete' || state === 'failed' || state === 'rejected';
}

/** True: only the image can have caused the failure: the task started and ended, or its program could not be started. */
export function isImagesFault({ state, error, exitCode, container }: SwarmTask): boolean {
  if (isFaultOfImage(error)) return true;
  if (state === 'rejected' || container === undefined || exitCode === undefined || exitCode === KILLED) return false;
  // A container that its node could not start has an exit code as well.
  return error === '' || ENDED.test(error) || NO_PROGRAM.includes(exitCode);
}

const ENDED = /non-zero exit|unhealthy container/;
const NO_PROGRAM = [126, 127];

/** True if the node could not pull the image. Swarm gives no more of a reason, whatever the registry answered. */
export function isPullFault({ state, error }: Pick<SwarmTask, 'state' | 'error'>): boolean {
  return state === 'rejected' && /No such image/i.test(error);
}

// The exit code of a process that SIGKILL ended: memory limits and users cause that as well.
const KILLED = 137;

/** Why a task ended, in Swarm's words if there are any. */
export function describeFailure({ state, error, exitCode }: SwarmTask): string {
  if (error !== '') return error;
  if (state === 'complete')
    return `ended with exit status ${exitCode ?? 0}: by itself, or since its health check failed (Swarm then stops it without a word)`;
  return `${state}${exitCode === undefined ? '' : ` with exit status ${exitCode}`}`;
}

/** `web.2@node`, the name of a task's place for people. */
export function taskName(
  service: string,
  task: Pick<SwarmTask, 'slot' | 'node'>,
  nodes: ReadonlyMap<string, string>,
): string {
  const node = task.node === undefined ? undefined : (nodes.get(task.node) ?? task.node.slice(0, 12));
  const place = task.slot > 0 ? `${service}.${task.slot}` : service;
  return node === undefined ? place : `${place}@${node}`;
}

export function isWanted({ desired }: Pick<SwarmTask, 'desired'>): boolean {
  return TASK_STATES.indexOf(desired) <= TASK_STATES.indexOf('running');
}

export function isServing(task: Pick<SwarmTask, 'desired' | 'state'>): boolean {
  return task.state === 'running' && isWanted(task);
}

/** The number of tasks that Swarm wants at the same time. */
export function expected({ replicas }: Pick<SwarmService, 'replicas'>, tasks: readonly SwarmTask[]): number {
  return replicas ?? new Set(tasks.filter(isWanted).map(placeOf)).size;
}

function placeOf({ slot, node, id }: SwarmTask): string {
  return slot > 0 ? `slot ${slot}` : `node ${node ?? id}`;
}

function isUpdating({ update }: SwarmService): boolean {
  return update?.state === 'updating' || update?.state === 'rollback_started';
}

function isRollback({ update }: SwarmService): boolean {
  return update?.state.startsWith('rollback') === true;
}

function reasonOf({ update }: SwarmService, failures: readonly SwarmTask[]): string {
  const [first] = failures;
  if (first) return describeFailure(first);
  return update?.message || 'Swarm went back to the image before, and keeps no task that says why';
}

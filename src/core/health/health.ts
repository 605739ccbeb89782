import type { Container, HealthConfig } from '../model/container.ts';
import { isFaultOfImage } from '../model/refused-start.ts';
import type { Policy, UserProbe } from '../settings/policy.ts';
import { formatDuration } from '../text/duration.ts';
import { describeLost, type LostPort } from './answered-ports.ts';

/** The health check of a container. */
export type Probe = UserProbe | { readonly kind: 'exec'; readonly command: readonly string[] };

export interface HealthCheck {
  readonly probe: Probe;
  /** The time limit of one probe. */
  readonly timeoutMs: number;
  /** Failures in a row that make a healthy container unhealthy. */
  readonly retries: number;
  /** After this time without a success, the engine itself calls the container unhealthy. */
  readonly deadlineMs: number;
}

/** The observations of a container by this process; losing them costs time, never safety. */
export interface HealthMemory {
  /** The first observation by this process: a deadline can't have passed before it. */
  readonly watchedSince: number | undefined;
  readonly healthySince: number | undefined;
  readonly failuresInRow: number;
  readonly lastOutput: string;
  /** The HTTP status of the last probe. */
  readonly lastStatus?: number | undefined;
  /** Published ports on which the predecessor answers and the container does not, at the last observation; undefined: not checked. */
  readonly lostPorts?: readonly LostPort[];
  /** When this process first saw the engine's healthy verdict. */
  readonly engineHealthySince?: number | undefined;
  /** For a stopped container: true if another process stopped it. */
  readonly stoppedByOthers?: boolean;
  /** For a stopped container: true if the engine has lost the record of its end. */
  readonly endUnknown?: boolean;
  /** For a restarted container: the exit status of the previous run, if the engine still knows it. */
  readonly lastExit?: number | undefined;
  /** True: the last probe over the network reached it. */
  readonly reached?: boolean | undefined;
}

export const NOTHING_SEEN: HealthMemory = {
  watchedSince: undefined,
  healthySince: undefined,
  failuresInRow: 0,
  lastOutput: '',
};

/** The present judgement of a container. */
export type Verdict =
  | { readonly kind: 'unstarted' }
  | { readonly kind: 'waiting'; readonly until: number }
  | { readonly kind: 'healthy'; readonly since: number }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      readonly blame: Blame;
      /** The failed part; undefined if a user, or the end of the engine, is the cause. */
      readonly by?: FailedBy;
    };

/**
 * The cause of a failure: only the image's own counts against it. `surroundings`: the check, the gate, or a resource shared with
 * other containers may be the cause.
 */
export type Blame = 'image' | 'host' | 'surroundings' | 'person';
export type FailedBy = 'start' | 'exit' | 'check';

// The engine's defaults (moby `daemon/health.go`).
const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 3;
const NS_PER_MS = 1e6;

/** The check of a container: the user's label, else its HEALTHCHECK; undefined if there is none. */
export function healthCheck(container: Pick<Container, 'config'>, policy: Policy): HealthCheck | undefined {
  const config = container.config.Healthcheck ?? {};
  const own = policy.probe;
  if (own)
    return { probe: own, timeoutMs: 5000, retries: DEFAULT_RETRIES, deadlineMs: policy.healthTimeoutMs ?? 60_000 };
  const command = execCommand(config.Test ?? [], container.config.Shell ?? []);
  if (!command) return undefined;
  const timeoutMs = (config.Timeout || DEFAULT_TIMEOUT_MS * NS_PER_MS) / NS_PER_MS;
  const retries = config.Retries || DEFAULT_RETRIES;
  const deadlineMs = policy.healthTimeoutMs ?? engineDeadlineMs(config);
  return { probe: { kind: 'exec', command }, timeoutMs, retries, deadlineMs };
}

/** Judges a container. `now` is milliseconds of the engine's clock; `memory` holds the observations of this process. */
export function judge(container: Container, policy: Policy, memory: HealthMemory, now: number): Verdict {
  const verdict = judgeHealth(container, policy, memory, now);
  return verdict.kind === 'healthy' ? withPorts(container, policy, memory, verdict.since, now) : verdict;
}

function judgeHealth(container: Container, policy: Policy, memory: HealthMemory, now: number): Verdict {
  const stopped = stoppedVerdict(container, memory);
  if (stopped) return stopped;
  const check = healthCheck(container, policy);
  if (!check) return uncheckedVerdict(container, policy, now);
  // A check of the user's label overrules the image's check, and so the engine's verdict.
  const engine = policy.probe ? undefined : container.health?.status;
  if (engine === 'unhealthy') return failed('check', `its health check says unhealthy${output(container, memory)}`);
  const since = memory.healthySince ?? (engine === 'healthy' ? (memory.engineHealthySince ?? now) : undefined);
  if (since === undefined) {
    const until = Math.max(container.startedAt, memory.watchedSince ?? now) + check.deadlineMs;
    if (now <= until) return { kind: 'waiting', until };
    const time = formatDuration(check.deadlineMs);
    return failed('check', `it was not healthy ${time} after its start${output(container, memory)}`);
  }
  if (memory.failuresInRow < check.retries) return { kind: 'healthy', since };
  return failed(
    'check',
    `it turned unhealthy: ${memory.failuresInRow} health checks in a row failed${output(container, memory)}`,
  );
}

// Web frameworks and servers answer an unknown host name with these.
const UNKNOWN_HOST = [400, 403, 404, 421];

/** Advice about a probe that may have failed for its Host header; undefined if that is impossible. */
export function hostAdvice(probe: UserProbe | undefined, lastStatus: number | undefined): string | undefined {
  if (probe?.kind !== 'http' || probe.host !== undefined || lastStatus === undefined) return undefined;
  if (!UNKNOWN_HOST.includes(lastStatus)) return undefined;
  return (
    `The Host header of the check is the container's address; if the app answers only to its own names (ALLOWED_HOSTS in Django), ` +
    `set swapctl.health.http=app.example.com:${probe.port}${probe.path} with one of them`
  );
}

// An app with a healthy check listens on its other ports soon; without a check, only listening shows that it has started.
const LISTENS_WITHIN_MS = 5000;
const STARTS_WITHIN_MS = 60_000;

function withPorts(container: Container, policy: Policy, memory: HealthMemory, since: number, now: number): Verdict {
  const { lostPorts = [], watchedSince = now } = memory;
  if (lostPorts.length === 0) return { kind: 'healthy', since };
  const until = healthCheck(container, policy)
    ? since + Math.max(policy.settleMs, LISTENS_WITHIN_MS)
    : Math.max(since, Math.max(container.startedAt, watchedSince) + (policy.healthTimeoutMs ?? STARTS_WITHIN_MS));
  if (now < until) return { kind: 'waiting', until };
  return failed('check', `${describeLost(lostPorts)}; swapctl.health.ports=warn allows that`);
}

// A fault that only a second container of an image has (a port, a lock or a name that the first one holds) shows at its start,
// within two or three checks.
const BRIEF_MS = 1000;

/**
 * The end of the settle time of a healthy container, shortened if its image has settled already; `since` itself if it has no
 * check, because its verdict has waited already.
 */
export function settledAt(
  container: Pick<Container, 'config'>,
  policy: Policy,
  since: number,
  { brief }: { readonly brief: boolean },
): number {
  if (!healthCheck(container, policy)) return since;
  return since + (brief ? Math.min(policy.settleMs, BRIEF_MS) : policy.settleMs);
}

// After a crash, a daemon stops the containers that it finds running, and reports that like a user's stop.
const STOPPED = "it was stopped from outside (docker stop, or a restart of the engine's daemon)";

function stoppedVerdict(container: Container, memory: HealthMemory): Verdict | undefined {
  const { status, exitCode, error, restartCount, oomKilled } = container;
  if (status === 'created' && !error && exitCode === 0) return { kind: 'unstarted' };
  if (status === 'created') return refused(error || `exit code ${exitCode}`);
  // With --rm, an end looks like a removal.
  if (status === 'exited' || status === 'dead' || status === 'removing') {
    // The engine notes an error for a refused start, and clears it when a start succeeds.
    if (error) return refused(error);
    if (memory.stoppedByOthers) return { kind: 'failed', reason: STOPPED, blame: 'person' };
    return failed('exit', `it exited with status ${exitCode}${oomKilled ? ' (killed: out of memory)' : ''}`);
  }
  // A paused container can't be probed, and serves nobody.
  if (status === 'paused') return { kind: 'failed', reason: 'a user paused it', blame: 'person' };
  if (status === 'restarting') return failed('exit', `it exited with status ${exitCode} and was restarted`);
  return restartCount > 0 ? restarted(memory) : undefined;
}

// The engine resets the exit status to 0 when the next run begins.
function restarted({ lastExit }: HealthMemory): Verdict {
  const status = lastExit === undefined ? '' : ` with status ${lastExit}`;
  return failed('exit', `it exited${status} and was restarted`);
}

function uncheckedVerdict(container: Container, policy: Policy, now: number): Verdict {
  const until = container.startedAt + policy.settleMs;
  return now < until ? { kind: 'waiting', until } : { kind: 'healthy', since: until };
}

function refused(words: string): Verdict {
  const blame = isFaultOfImage(words) ? 'image' : 'host';
  return { kind: 'failed', reason: `it can't be started: ${words}`, blame, by: 'start' };
}

function failed(by: FailedBy, reason: string): Verdict {
  return { kind: 'failed', reason, blame: 'image', by };
}

function output(container: Container, memory: HealthMemory): string {
  const text = (memory.lastOutput || container.health?.log.at(-1)?.output || '').trim();
  return text ? `; the check's last output: ${text.slice(0, 300)}` : '';
}

function execCommand(test: readonly string[], shell: readonly string[]): string[] | undefined {
  const [kind, ...rest] = test;
  if (kind === 'CMD' && rest.length > 0) return rest;
  if (kind === 'CMD-SHELL' && rest[0]) return [...(shell.length > 0 ? shell : ['/bin/sh', '-c']), rest[0]];
  return undefined;
}

/** Time to unhealthy: failures inside the start period don't count; after that it takes `retries` of them (T30, T31). */
export function engineDeadlineMs(config: HealthConfig): number {
  const interval = intervalMs(config);
  const timeoutMs = (config.Timeout || DEFAULT_TIMEOUT_MS * NS_PER_MS) / NS_PER_MS;
  const retries = config.Retries || DEFAULT_RETRIES;
  return (config.StartPeriod ?? 0) / NS_PER_MS + retries * (interval + Math.min(timeoutMs, interval));
}

/** The engine's interval between probes. */
export function intervalMs({ Interval }: HealthConfig): number {
  return (Interval || DEFAULT_INTERVAL_MS * NS_PER_MS) / NS_PER_MS;
}

import { concernsOf, type Outcome, type ServiceReport } from '../report/report.ts';
import type { ReportedError } from '../report/reported-error.ts';
import { shellOperands } from '../text/encode/shell.ts';

/** The outcome of a service on one host. `untouched`: its turn never came; `skipped`: it could not be reached. */
export type HostOutcome = Outcome | 'untouched' | 'skipped';

/** A hook that was run for a host. */
export interface HostHookRun {
  readonly when: 'before' | 'after';
  readonly hook: string;
  readonly error?: string;
}

/** One host in the report of a group. */
export interface HostReport {
  readonly host: string;
  readonly outcome: HostOutcome;
  /** The roll of the service on this host; of a host that went back, the roll before that. */
  readonly report?: ServiceReport;
  /** The rollback, if the host was rolled and then went back. */
  readonly back?: ServiceReport;
  readonly hooks?: readonly HostHookRun[];
  readonly error?: ReportedError;
}

/** The report of one service on a group of hosts: the document of every front (a contract: scripts rely on it). */
export interface GroupReport {
  readonly group: string;
  readonly service: string;
  readonly outcome: Outcome;
  /** The image that all hosts were to run. */
  readonly image?: string;
  readonly digest?: string;
  /** In the order in which they are rolled. */
  readonly hosts: readonly HostReport[];
  readonly totalMs: number;
  /** The first failure, with the name of its host. */
  readonly error?: ReportedError;
  /** Work for a person, for example because two versions remain in the group. */
  readonly attention?: readonly ReportedError[];
}

/** The command of a group roll, for the advice in its report. */
export interface GroupCall {
  readonly group: string;
  readonly service: string;
  readonly command: 'roll' | 'rollback';
}

/** Sums up the hosts of a group: the first failure decides, then anything that was changed. */
export function summarizeGroup(
  { group, service, command }: GroupCall,
  image: Pick<GroupReport, 'image' | 'digest'>,
  hosts: readonly HostReport[],
  totalMs: number,
): GroupReport {
  const failed = hosts.find(({ error, outcome }) => error && outcome !== 'skipped');
  const changed = hosts.find(({ outcome }) => outcome === 'rolled' || outcome === 'rolled-back');
  const split = splitIn(hosts);
  const error = failed && groupError(failed, hosts);
  return {
    group,
    service,
    outcome: failed ? 'failed' : ((changed?.outcome as Outcome | undefined) ?? 'unchanged'),
    ...image,
    hosts,
    totalMs,
    ...(error ? { error } : {}),
    ...(failed && split ? { attention: [splitError({ group, service, command }, split)] } : {}),
  };
}

/** Everything in the report of a group that needs a user's attention. */
export function groupConcerns({ hosts, error, attention = [] }: GroupReport): ReportedError[] {
  const ofHosts = hosts.flatMap((host) => [
    ...(host.error ? [host.error] : []),
    ...(host.report && host.outcome !== 'failed' && !host.back ? concernsOf(host.report) : []),
  ]);
  return [...(error ? [error] : []), ...attention, ...ofHosts];
}

interface Split {
  readonly ahead: readonly string[];
  readonly behind: readonly string[];
}

// A host in doubt counts on neither side: its own error says what to do about it.
function splitIn(hosts: readonly HostReport[]): Split | undefined {
  const named = (is: (host: HostReport) => boolean): string[] => hosts.filter(is).map(({ host }) => host);
  const ahead = named(
    ({ outcome, back }) => !back && (outcome === 'rolled' || outcome === 'unchanged' || outcome === 'rolled-back'),
  );
  const behind = named(({ outcome, back }) => outcome === 'untouched' || outcome === 'failed' || back !== undefined);
  return ahead.length > 0 && behind.length > 0 ? { ahead, behind } : undefined;
}

function splitError({ group, service, command }: GroupCall, { ahead, behind }: Split): ReportedError {
  const [wanted, other] = command === 'roll' ? ['new', 'old'] : ['earlier', 'later'];
  const named = `--on ${shellOperands([group])} ${shellOperands([service])}`;
  const opposite = command === 'roll' ? 'rollback' : 'roll';
  return {
    code: 'attention',
    message: `${service} runs the ${wanted} image on ${ahead.join(', ')} and the ${other} one on ${behind.join(', ')}`,
    hint: `swapctl ${command} ${named} goes on with the rest; swapctl ${opposite} ${named} moves all hosts to the ${other} image`,
  };
}

// "Nothing was touched" in the error of one host is wrong for the group once other hosts were rolled and went back.
function groupError({ host, error }: HostReport, hosts: readonly HostReport[]): ReportedError {
  const { code = 'unexpected', message = '', hint, log } = error ?? {};
  const wentBack = hosts.filter(({ back }) => back && !back.error).map((one) => one.host);
  const others = wentBack.filter((one) => one !== host);
  return {
    code: others.length > 0 && code !== 'attention' ? 'step-failed' : code,
    message: `${host}: ${message}${others.length > 0 ? `; ${others.join(', ')} went back to the old image` : ''}`,
    ...(hint === undefined ? {} : { hint }),
    ...(log === undefined ? {} : { log }),
  };
}

/** The answer of one host to a question that was asked of a whole group. */
export interface HostAnswer<T> {
  readonly host: string;
  readonly report?: T;
  readonly error?: ReportedError;
}

/** The answers of a group to a question: one document with a report a host. */
export interface GroupAnswer<T> {
  readonly group: string;
  readonly hosts: readonly HostAnswer<T>[];
}

import type { FailureCode } from '../health/blame.ts';
import type { ContainerConfig } from '../model/container.ts';
import { isAway, isStartRefusedByImage } from '../model/engine-error.ts';
import { isErrorCode, messageOf } from '../model/error.ts';
import type { PinnedImage } from '../model/image.ts';
import type { ServiceReport } from '../report/report.ts';
import type { ReportedError } from '../report/reported-error.ts';

/** The command line of this program. */
export interface Call {
  /** Absolute paths of node and the program. */
  readonly program: readonly string[];
  /** The arguments after the program's name. */
  readonly args: readonly string[];
  /** The options among them that select the engine and the configuration. */
  readonly options: readonly string[];
}

type Command = Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>;

/**
 * The command for a container like this one, but of another image, to call swapctl with other arguments. If the container's
 * command ends with the arguments of this run, the part before them is how it calls swapctl; only Entrypoint or Cmd changes then.
 * Otherwise (a script, `docker exec`) the path of this program is used.
 */
export function helperCommand(config: ContainerConfig, { program, args }: Call, wanted: readonly string[]): Command {
  const [entrypoint, cmd] = [config.Entrypoint ?? [], config.Cmd ?? []];
  if (args.length > 0 && endsWith(cmd, args)) return { Cmd: [...cmd.slice(0, -args.length), ...wanted] };
  if (args.length > 0 && cmd.length === 0 && endsWith(entrypoint, args))
    return { Entrypoint: [...entrypoint.slice(0, -args.length), ...wanted], Cmd: [] };
  return { Entrypoint: [...program], Cmd: [...wanted] };
}

interface Rolled {
  readonly force: boolean;
  /** Settings by label key without the prefix. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** The arguments with which a helper rolls a service to an image, as this run would. */
export function helperArgs({ options }: Call, selector: string, image: PinnedImage, rolled: Rolled): string[] {
  const to = ['--image', image.follows, '--digest', image.digest ?? image.id];
  const settings = Object.entries(rolled.overrides).flatMap(([key, value]) =>
    FLAGS.has(key) ? (value === 'false' ? [`--no-${optionOf(key)}`] : []) : [`--${optionOf(key)}`, value],
  );
  const flags = ['--notify', '--json', '--quiet', ...(rolled.force ? ['--force'] : [])];
  return [...options, 'roll', selector, ...to, ...settings, ...flags];
}

// Options without a value, which only disable something.
const FLAGS = new Set(['rehearsal', 'drain.idle']);

function optionOf(key: string): string {
  return key.replace('.', '-');
}

const DAEMONS = ['watch', 'serve'];

/** True: the container ends with this run, because its command is this run and not a daemon. */
export function endsWithRun(config: ContainerConfig, { args }: Pick<Call, 'args'>): boolean {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return args.length > 0 && !args.some((arg) => DAEMONS.includes(arg)) && endsWith(command, args);
}

function endsWith(command: readonly string[], args: readonly string[]): boolean {
  return command.length >= args.length && args.every((arg, at) => command[command.length - args.length + at] === arg);
}

/** The exit status and the last lines of a helper. `cause`: another possible cause than its image. */
export interface HelperEnd {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly cause?: string | undefined;
}

/** The report of a service whose helper did not roll it, and how to record the failure; undefined: do not record it. */
export interface HelperVerdict {
  readonly report: ServiceReport;
  readonly note: FailureCode | undefined;
}

// A user or another process killed or stopped it.
const KILLED = new Set([130, 137, 143]);

/**
 * The result of a helper (by its name): the report of its roll if there is one, else an error. It may have started several times;
 * the first failure gives the reason.
 */
export function judgeHelper(service: string, name: string, { exitCode, lines, cause }: HelperEnd): HelperVerdict {
  const documents = lines.flatMap(documentOf);
  const told = documents.find(({ error }) => error) ?? documents.at(-1);
  if (told?.report) return { report: { ...told.report, service, by: name }, note: undefined };
  // An image that rejects the arguments of a helper can't take over; a configuration that it rejects is the user's fault.
  if (told?.error && told.error.code !== 'usage') return { report: failed(service, told.error), note: undefined };
  const said = told?.error?.message ?? lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? '';
  const killed = KILLED.has(exitCode) || exitCode === 0;
  if (killed) return { report: failed(service, ENDED), note: undefined };
  const ended = `it ended with exit code ${exitCode}${said ? `: ${said}` : ''}`;
  if (cause !== undefined) return { report: failed(service, unproven(`${ended}; but ${cause}`)), note: 'unproven' };
  const message = `the new image can't take over: ${ended}`;
  return { report: failed(service, { code: 'bad-image', message, hint: GOES_ON }), note: 'not-healthy' };
}

const GOES_ON = 'this container goes on as before';
const TRIED_AGAIN = `${GOES_ON}; a later check tries the image again`;
const ENDED: ReportedError = {
  code: 'interrupted',
  message: 'the container that was to replace it was stopped before it had',
  hint: 'the next check tries it again',
};

function unproven(ended: string): ReportedError {
  return { code: 'unproven', message: `its replacement did not take over: ${ended}`, hint: TRIED_AGAIN };
}

/** The same for a helper that the engine refused to start. */
export function judgeRefusedHelper(service: string, error: unknown, cause: string | undefined): HelperVerdict {
  if (isStartRefusedByImage(error) && cause === undefined) {
    const message = `the new image can't be started: ${messageOf(error)}`;
    return { report: failed(service, { code: 'bad-image', message, hint: GOES_ON }), note: 'not-healthy' };
  }
  const message = `its replacement can't be started: ${messageOf(error)}${cause === undefined ? '' : `; but ${cause}`}`;
  const report = failed(service, { code: 'cannot-start', message, hint: TRIED_AGAIN });
  return { report, note: isAway(error) ? undefined : 'cannot-start' };
}

/** The report of a service that was not rolled. */
export function failed(service: string, error: ReportedError): ServiceReport {
  return { service, outcome: 'failed', timings: { total: 0 }, error };
}

interface Document {
  readonly report?: Omit<ServiceReport, 'service'>;
  readonly error?: ReportedError;
}

function documentOf(line: string): Document[] {
  if (!line.startsWith('{')) return [];
  const { outcome, strategy, timings, error } = record(parsed(line));
  const known = OUTCOMES.find((one) => one === outcome);
  const raised = errorOf(error);
  if (known === undefined) return raised ? [{ error: raised }] : [];
  const { total } = record(timings);
  const report = {
    outcome: known,
    ...(typeof strategy === 'string' ? { strategy } : {}),
    timings: { total: typeof total === 'number' ? total : 0 },
    ...(raised ? { error: raised } : {}),
  };
  return [{ report, ...(raised ? { error: raised } : {}) }];
}

const OUTCOMES = ['rolled', 'unchanged', 'rolled-back', 'failed'] as const;

function errorOf(value: unknown): ReportedError | undefined {
  const { code, message, hint } = record(value);
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  // A newer version may know more error codes.
  return { code: isErrorCode(code) ? code : 'step-failed', message, ...(typeof hint === 'string' ? { hint } : {}) };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import type { ContainerConfig } from './container.ts';
import { isStartRefusedByImage } from './engine-error.ts';
import { exitStatus, isErrorCode, messageOf } from './error.ts';
import type { PinnedImage } from './image.ts';
import type { ReportedError, ServiceReport } from './report.ts';

/** How this program was called. */
export interface Call {
  /** Absolute paths of node and the program. */
  readonly program: readonly string[];
  /** Everything behind the program's name. */
  readonly args: readonly string[];
  /** The options among them that lead to the same engine and configuration. */
  readonly options: readonly string[];
}

type Command = Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>;

/**
 * The command with which a container like this one, but of another image, calls swapctl with other arguments. Where its own
 * command ends with those of this run, what comes before them is how swapctl is called there; of both Entrypoint and Cmd only
 * what is answered is to be changed. Elsewhere (a script, `docker exec`) the program is called where it is now.
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

/** What a helper is called with to roll a service to an image, as this run would. */
export function helperArgs({ options }: Call, selector: string, image: PinnedImage, rolled: Rolled): string[] {
  const to = ['--image', image.follows, '--digest', image.digest ?? image.id];
  const settings = Object.entries(rolled.overrides).flatMap(([key, value]) =>
    FLAGS.has(key) ? (value === 'false' ? [`--no-${optionOf(key)}`] : []) : [`--${optionOf(key)}`, value],
  );
  const flags = ['--notify', '--json', '--quiet', ...(rolled.force ? ['--force'] : [])];
  return [...options, 'roll', selector, ...to, ...settings, ...flags];
}

// Options without a value, which only switch something off.
const FLAGS = new Set(['rehearsal', 'drain.idle']);

function optionOf(key: string): string {
  return key.replace('.', '-');
}

/** Whether a container ends when this run does: its command is this very run, and no watch. */
export function endsWithRun(config: ContainerConfig, { args }: Pick<Call, 'args'>): boolean {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return args.length > 0 && !args.includes('watch') && endsWith(command, args);
}

function endsWith(command: readonly string[], args: readonly string[]): boolean {
  return command.length >= args.length && args.every((arg, at) => command[command.length - args.length + at] === arg);
}

/** How a helper ended: by its exit status, and with which lines. */
export interface HelperEnd {
  readonly exitCode: number;
  readonly lines: readonly string[];
}

// Somebody killed it, or stopped it.
const KILLED = new Set([130, 137, 143]);

/**
 * What the end of a helper (by its name) means: the report of its roll where it came to one, or else an error, and whether the
 * image is to blame for that. It may have begun several times; the first that went wrong tells why.
 */
export function judgeHelper(
  service: string,
  name: string,
  { exitCode, lines }: HelperEnd,
): { report: ServiceReport; blame: boolean } {
  const documents = lines.flatMap(documentOf);
  const told = documents.find(({ error }) => error) ?? documents.at(-1);
  if (told?.report) return { report: { ...told.report, service, by: name }, blame: false };
  // An image that does not understand what it is asked can't take over.
  if (told?.error && exitStatus(told.error.code) !== 2) return { report: failed(service, told.error), blame: false };
  const said = told?.error?.message ?? lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? '';
  const killed = KILLED.has(exitCode) || exitCode === 0;
  const error: ReportedError = killed
    ? {
        code: 'interrupted',
        message: 'what was to replace it was ended before it had',
        hint: 'the next check tries it again',
      }
    : {
        code: 'bad-image',
        message: `the new image can't take over: it ended with exit code ${exitCode}${said ? `: ${said}` : ''}`,
        hint: 'this container goes on as before',
      };
  return { report: failed(service, error), blame: !killed };
}

/** The same for a helper that the engine refused to start. */
export function judgeRefusedHelper(service: string, error: unknown): { report: ServiceReport; blame: boolean } {
  const blame = isStartRefusedByImage(error);
  const message = `${blame ? 'the new image' : 'its replacement'} can't be started: ${messageOf(error)}`;
  const hint = `this container goes on as before${blame ? '' : '; the next check tries it again'}`;
  return { report: failed(service, { code: blame ? 'bad-image' : 'cannot-start', message, hint }), blame };
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
  // A newer version may know more of them.
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

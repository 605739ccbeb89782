import type { ComposeService } from './compose-beside.ts';

/** A command of `post_start` or `pre_stop` in a compose file, which compose runs in the container. */
export interface ComposeHook {
  readonly command: readonly string[];
  readonly user?: string;
  readonly privileged?: boolean;
  readonly workingDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The hooks of a service. */
export interface ComposeHooks {
  readonly postStart: readonly ComposeHook[];
  readonly preStop: readonly ComposeHook[];
  /** Definitions with hooks that swapctl does not run. */
  readonly notRun: readonly ComposeService[];
  /** True: no compose file can be read here. */
  readonly unknown: boolean;
}

export const NO_HOOKS: ComposeHooks = { postStart: [], preStop: [], notRun: [], unknown: false };

/** True if a definition has hooks. */
export function hasHooks(definition: ComposeService): boolean {
  return [definition.post_start, definition.pre_stop].some((hooks) => Array.isArray(hooks) && hooks.length > 0);
}

/**
 * The hooks of a service's definitions; of further files they follow those of the first. Undefined: only compose can read them, or one
 * asks for privileges that its container (`privileged`) does not have.
 */
export function hooksIn(
  definitions: readonly ComposeService[],
  privileged: boolean,
): Pick<ComposeHooks, 'postStart' | 'preStop'> | undefined {
  const read = (key: 'post_start' | 'pre_stop'): (ComposeHook | undefined)[] =>
    definitions.flatMap((one) => (Array.isArray(one[key]) ? one[key].map((hook) => hookOf(hook, privileged)) : []));
  const [postStart, preStop] = [read('post_start'), read('pre_stop')];
  if (!isWhole(postStart) || !isWhole(preStop)) return undefined;
  return { postStart, preStop };
}

/** A note on the hooks that a roll runs; undefined: there are none. */
export function hooksNote(service: string, { postStart, preStop }: ComposeHooks): string | undefined {
  const parts = [
    ...(postStart.length > 0 ? [`post_start (${commands(postStart)}) after each start`] : []),
    ...(preStop.length > 0 ? [`pre_stop (${commands(preStop)}) before each stop`] : []),
  ];
  return parts.length > 0 ? `compose's hooks of ${service}: ${parts.join(', ')}` : undefined;
}

function commands({ length }: readonly ComposeHook[]): string {
  return length === 1 ? '1 command' : `${length} commands`;
}

function isWhole(hooks: readonly (ComposeHook | undefined)[]): hooks is ComposeHook[] {
  return !hooks.includes(undefined);
}

// Compose splits a text into words as a shell does; without quotes and the like that is easy.
const PLAIN = /^[\w./:=@%+, -]+$/;

function hookOf(told: unknown, isPrivileged: boolean): ComposeHook | undefined {
  const { command, user, privileged, working_dir: folder, environment } = record(told);
  const words = typeof command === 'string' ? wordsOf(command) : command;
  const env = envOf(environment);
  if (privileged !== undefined && privileged !== false && !isPrivileged) return undefined;
  if (!isTexts(words) || words.length === 0 || env === undefined) return undefined;
  const texts = [...words, ...[user, folder].filter((one) => typeof one === 'string'), ...Object.values(env)];
  if (texts.some(hasVariable)) return undefined;
  return {
    command: words.map(plain),
    ...(typeof user === 'string' || typeof user === 'number' ? { user: plain(String(user)) } : {}),
    ...(privileged === true || privileged === 'true' ? { privileged: true } : {}),
    ...(typeof folder === 'string' ? { workingDir: plain(folder) } : {}),
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, plain(value)])),
  };
}

function wordsOf(command: string): string[] | undefined {
  return PLAIN.test(command) ? command.split(' ').filter(Boolean) : undefined;
}

// A variable without a value gets that of compose's own environment.
function envOf(told: unknown): Record<string, string> | undefined {
  const pairs = Array.isArray(told) ? told.map(pairOf) : Object.entries(record(told));
  if (pairs.some(([, value]) => value === null || value === undefined)) return undefined;
  return Object.fromEntries(pairs.map(([key, value]) => [key, String(value)]));
}

function pairOf(text: unknown): [string, string | undefined] {
  const pair = String(text);
  const at = pair.indexOf('=');
  return at < 0 ? [pair, undefined] : [pair.slice(0, at), pair.slice(at + 1)];
}

// `$$` stands for a dollar sign, in files and in what compose prints of them.
function hasVariable(text: string): boolean {
  return text.replaceAll('$$', '').includes('$');
}

function plain(text: string): string {
  return text.replaceAll('$$', () => '$');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

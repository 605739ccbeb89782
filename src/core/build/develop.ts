import { fail } from '../model/error.ts';
import { asText } from '../text/as-text.ts';
import { joinPath } from '../text/path.ts';
import { nearest, printable } from '../text/suggest.ts';
import type { BuildSpec } from './build.ts';

/** A file or folder to watch, and the files that count in it; patterns are those of .dockerignore. */
export interface WatchedTree {
  /** Absolute. */
  readonly path: string;
  /** Relative to the path. */
  readonly ignore: readonly string[];
  /** Relative to the path; none: everything. */
  readonly include: readonly string[];
  /** Files that the build leaves out, relative to the build's context. */
  readonly outside?: { readonly context: string; readonly ignored: readonly string[] } | undefined;
}

/** A file that was written or removed, and the positions of the trees in which it counts. */
export interface Change {
  readonly path: string;
  readonly removed: boolean;
  readonly trees: readonly number[];
}

/** The actions for a changed file: those of compose's `develop.watch`, and `sync+signal`. */
export const DEV_ACTIONS = ['rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec', 'sync+signal'] as const;

export type DevAction = (typeof DEV_ACTIONS)[number];

/** The action for a change in a tree. */
export interface DevRule extends WatchedTree {
  readonly action: DevAction;
  /** The path of the tree in the container; for every action that syncs. */
  readonly target: string;
  /** True: copy everything at the beginning, and into every new container. */
  readonly initialSync: boolean;
  readonly exec?: DevExec | undefined;
  /** `SIGHUP`; for `sync+signal`. */
  readonly signal?: string | undefined;
}

export interface DevExec {
  readonly command: readonly string[];
  readonly user?: string | undefined;
  readonly privileged?: boolean | undefined;
  readonly workingDir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A service in development: the source of its build, and the rules for changed files. */
export interface Developed {
  readonly service: string;
  /** Undefined: the build is unknown, so the service can't be rebuilt. */
  readonly build: BuildSpec | undefined;
  readonly rules: readonly DevRule[];
  /** Id of the image that it runs now. */
  readonly image: string;
}

/** A file of this machine, and its path in a container. */
export interface SyncedFile {
  readonly path: string;
  readonly target: string;
  readonly removed: boolean;
}

export function syncs({ action }: Pick<DevRule, 'action'>): boolean {
  return action.startsWith('sync');
}

/** The path in the container of a file of a rule's tree. */
export function targetOf({ path, target }: Pick<DevRule, 'path' | 'target'>, file: string): string {
  return file === path ? target : joinPath(target, file.slice(path.replace(/\/$/, '').length + 1));
}

/**
 * Reads a rule of a label or of `--watch`: `ACTION PATH [TARGET] [ignore=A,B] [include=A,B] [initial] [signal=HUP]
 * [exec=COMMAND…]`, where the command takes the rest of the line. Paths are relative to `base`. Raises `config`, with `what`
 * naming the setting.
 */
export function parseDevRule(text: string, base: string, what: string): DevRule {
  const [head = '', command] = split(text, / exec=/);
  const [action = '', ...words] = head.trim().split(/\s+/);
  const options = new Map(words.filter(isOption).map((word) => [split(word, /=/)[0] ?? '', split(word, /=/)[1] ?? '']));
  const [path, target, ...more] = words.filter((word) => !isOption(word));
  if (path === undefined || more.length > 0) return wrongRule(what, text, 'it has no path, or too many words');
  return checkedRule(
    {
      action: actionOf(action, what),
      path: joinPath(base, path),
      target: target ?? '',
      ignore: commas(options.get('ignore')),
      include: commas(options.get('include')),
      initialSync: options.has('initial'),
      exec: command === undefined ? undefined : { command: ['/bin/sh', '-c', command.trim()] },
      signal: options.has('signal') ? signalName(options.get('signal') ?? '', what) : undefined,
    },
    what,
    text,
  );
}

/** Reads several rules, separated by `;`. */
export function parseDevRules(text: string, base: string, what: string): DevRule[] {
  return text
    .split(';')
    .filter((rule) => rule.trim() !== '')
    .map((rule) => parseDevRule(rule, base, what));
}

type Fields = Readonly<Record<string, unknown>>;

/** The `develop.watch` of a service as `docker compose config` shows it, with absolute paths. Raises `config`. */
export function composeRules(service: Fields, name: string): DevRule[] {
  const { watch } = record(service.develop);
  return list(watch).map((entry, at) => {
    const rule = record(entry);
    const what = `${name}: develop.watch ${at + 1}`;
    const { command, user, privileged, working_dir: workingDir, environment } = record(rule.exec);
    const exec: DevExec | undefined =
      rule.exec === undefined
        ? undefined
        : {
            command: typeof command === 'string' ? ['/bin/sh', '-c', command] : list(command).map(asText),
            user: text(user),
            privileged: privileged === true,
            workingDir: text(workingDir),
            env: Object.fromEntries(
              Object.entries(record(environment)).flatMap(([key, one]) => (one === null ? [] : [[key, asText(one)]])),
            ),
          };
    const read: DevRule = {
      action: actionOf(text(rule.action) ?? '', what),
      path: text(rule.path) ?? '',
      target: text(rule.target) ?? '',
      ignore: list(rule.ignore).map(asText),
      include: list(rule.include).map(asText),
      initialSync: rule.initial_sync === true,
      exec,
    };
    return checkedRule(read, what, `${read.action} ${read.path}`);
  });
}

function checkedRule(rule: DevRule, what: string, said: string): DevRule {
  const { action, path, target, exec, signal } = rule;
  if (!path.startsWith('/')) return wrongRule(what, said, `${printable(path)} is no absolute path`);
  if (syncs(rule) && !target.startsWith('/'))
    return wrongRule(what, said, 'it syncs, and has no absolute path in the container');
  if (action === 'sync+exec' && !exec?.command.length) return wrongRule(what, said, 'it has no exec=COMMAND');
  if (action === 'sync+signal' && signal === undefined) return wrongRule(what, said, 'it has no signal=NAME');
  return rule;
}

function wrongRule(what: string, said: string, why: string): never {
  return fail('config', `${what}: ${printable(said)}: ${why}`, {
    hint: 'write it like: sync ./src /app/src ignore=*.tmp, rebuild package.json, sync+signal ./conf /etc/app signal=HUP',
  });
}

function actionOf(word: string, what: string): DevAction {
  const action = DEV_ACTIONS.find((known) => known === word);
  if (action) return action;
  const near = nearest(DEV_ACTIONS, word);
  return fail('config', `${what}: ${printable(word)} is no action`, {
    hint: near ? `did you mean ${near}?` : `use one of: ${DEV_ACTIONS.join(', ')}`,
  });
}

function signalName(word: string, what: string): string {
  const name = word.toUpperCase().replace(/^(SIG)?/, 'SIG');
  if (/^SIG[A-Z]+[0-9]?$|^SIGRTM(IN|AX)[+-]\d+$/.test(name)) return name;
  return fail('config', `${what}: ${printable(word)} is no signal`, { hint: 'write it like HUP or SIGUSR1' });
}

function isOption(word: string): boolean {
  return word === 'initial' || /^(ignore|include|signal)=/.test(word);
}

function split(text: string, mark: RegExp): string[] {
  const found = mark.exec(text);
  return found ? [text.slice(0, found.index), text.slice(found.index + found[0].length)] : [text];
}

function commas(text: string | undefined): string[] {
  return (text ?? '').split(',').filter(Boolean);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

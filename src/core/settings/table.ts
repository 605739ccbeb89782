import { parseGitSource, shownGit } from '../build/git.ts';
import { parseProxyAllow } from '../proxy/consent.ts';
import { parseProxyPlace, parseRouteName, proxyAsLabel } from '../proxy/place.ts';
import { parseDuration } from '../text/duration.ts';
import { parseBackoff, parseSchedule } from '../update/schedule.ts';
import { parseTrack } from '../update/track.ts';
import { parseWindows } from '../update/window.ts';
import { parseCanary } from './canary.ts';
import { asLabel, parseHooks, shownHook } from './hooks.ts';
import type { Policy } from './policy.ts';
import {
  cmdProbe,
  count,
  devRules,
  flag,
  httpProbe,
  imageName,
  longDuration,
  names,
  oneOf,
  port,
  tcpProbe,
  volumesToCopy,
} from './values.ts';

/** The shape of a value, for editors and for the values of a YAML file. */
export type Form =
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'flag' | 'duration' | 'text' }
  | { readonly kind: 'number'; readonly least: number; readonly most: number }
  /** A list in a file; a label separates the items with this. */
  | { readonly kind: 'list'; readonly separator: string };

/** One setting of a service: by label, in swapctl.yml, some on the command line. */
export interface Setting {
  /** The field that it sets; of settings for the same field, only one can count. */
  readonly field: keyof Policy;
  /** Raises `config`; `what` names the place in the error. */
  readonly read: (value: string, what: string) => Partial<Policy>;
  readonly form: Form;
  /** The value if no source sets it. */
  readonly preset: string | undefined;
  readonly about: string;
  /** The meaning of a value in a label, if it differs from other sources. */
  readonly asLabel?: (fields: Partial<Policy>, what: string) => Partial<Policy>;
  /** The value without its secrets, if it may have any. */
  readonly show?: (value: string) => string;
}

const TEXT: Form = { kind: 'text' };
const DURATION: Form = { kind: 'duration' };
const FLAG: Form = { kind: 'flag' };
const STRATEGIES = ['auto', 'start-first', 'stop-first', 'handover'] as const;
const VERDICTS = ['auto', 'true', 'false'] as const;
const LOST_PORTS = ['fail', 'warn', 'off'] as const;
const VOLUMES = ['exclusive', 'shared'] as const;
const HOOK_FAILURES = ['report', 'undo'] as const;
const PORT: Form = { kind: 'number', least: 1, most: 65_535 };
const FEW: Form = { kind: 'number', least: 0, most: 99 };
const SEMICOLONS: Form = { kind: 'list', separator: ';' };
const COMMAS: Form = { kind: 'list', separator: ',' };

/** Every setting by its key: the label without the prefix, and the key in swapctl.yml. A new setting is a new line here. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  strategy: row(
    'strategy',
    oneOf(STRATEGIES),
    choice(STRATEGIES),
    'auto',
    'the order in which swapctl replaces the container; auto: swapctl chooses',
  ),
  volumes: row(
    'volumes',
    oneOf(VOLUMES),
    choice(VOLUMES),
    'exclusive',
    'shared: two containers may write to the volumes and bind mounts at the same time, so these do not require stop-first',
  ),
  rehearsal: row(
    'rehearsal',
    flag,
    FLAG,
    'true',
    'with stop-first, prove the new image in a second container before the old one stops, where that is possible',
  ),
  gate: row('gate', flag, FLAG, 'true', 'keep clients from the new container until it is healthy'),
  settle: row(
    'settleMs',
    parseDuration,
    DURATION,
    '5s',
    'how long to watch the new container while the old one is still there; in a handover, how long to watch the stand-in',
  ),
  'drain.timeout': row('drainMs', parseDuration, DURATION, '10s', 'maximum time to wait for busy connections to end'),
  'drain.idle': row(
    'drainIdle',
    flag,
    FLAG,
    'true',
    'true ends a drain when all open connections are idle; false waits until they close',
  ),
  'drain.close': row(
    'drainClose',
    flag,
    FLAG,
    'false',
    'true closes idle connections before the old container stops, for an app that exits at once on SIGTERM',
  ),
  linger: row(
    'lingerMs',
    parseDuration,
    DURATION,
    '10s',
    'maximum time to redirect the address of a stopped container while clients still connect to it',
  ),
  proxy: {
    ...row('proxy', parseProxyPlace, TEXT, undefined, 'the proxy in front that switches and drains the service'),
    asLabel: proxyAsLabel,
  },
  'proxy.route': row('proxyRoute', parseRouteName, TEXT, undefined, 'the route of the proxy to the service'),
  'proxy.port': row('proxyPort', port, PORT, undefined, 'the port of the container that the proxy sends requests to'),
  'proxy.hold': row(
    'proxyHoldMs',
    parseDuration,
    DURATION,
    '0s',
    'with stop-first, how long the proxy holds new requests while the container is replaced',
  ),
  'proxy.allow': row(
    'proxyAllow',
    parseProxyAllow,
    COMMAS,
    undefined,
    'services whose labels may name this container as their proxy',
  ),
  canary: row(
    'canary',
    parseCanary,
    TEXT,
    'off',
    'the share of new requests (with a proxy) or connections (with the kernel layer) that the new container gets first, and for how long',
  ),
  'on-switch': {
    ...row(
      'onSwitch',
      parseHooks,
      SEMICOLONS,
      undefined,
      'what to do for other containers when the old container has stopped',
    ),
    asLabel,
    show: (value) => parseHooks(value, 'on-switch').map(shownHook).join('; '),
  },
  'on-switch.failure': row(
    'onSwitchFailure',
    oneOf(HOOK_FAILURES),
    choice(HOOK_FAILURES),
    'report',
    'undo: a start-first roll goes back to the old container if a hook fails',
  ),
  'hooks.from': row(
    'hooksFrom',
    names,
    COMMAS,
    undefined,
    'containers whose labels may ask for hooks that reach this container',
  ),
  'health.timeout': row(
    'healthTimeoutMs',
    parseDuration,
    DURATION,
    undefined,
    'maximum time until a new container is healthy',
  ),
  'health.cmd': row(
    'probe',
    cmdProbe,
    TEXT,
    undefined,
    'healthy if the command, run in the container by /bin/sh, ends with 0',
  ),
  'health.http': row(
    'probe',
    httpProbe,
    TEXT,
    undefined,
    'healthy if the HTTP status is below 400; HOST is sent as the Host header',
  ),
  'health.tcp': row('probe', tcpProbe, PORT, undefined, 'healthy if the port accepts connections'),
  'health.engine': row(
    'engineVerdict',
    oneOf(VERDICTS),
    choice(VERDICTS),
    'auto',
    'true: the old container stays until the engine also reports the new one as healthy; auto: swapctl decides',
  ),
  'health.ports': row(
    'lostPorts',
    oneOf(LOST_PORTS),
    choice(LOST_PORTS),
    'fail',
    'the result for a new container that does not listen on a published TCP port on which the old one listens',
  ),
  track: row('track', parseTrack, TEXT, 'digest', 'the tags that the service follows'),
  keep: row('keep', count, FEW, '1', 'number of old images to retain for rollbacks'),
  'backup.volumes': row(
    'backup',
    volumesToCopy,
    COMMAS,
    'false',
    'the volumes to copy before the new container starts',
  ),
  'backup.keep': row('backupKeep', count, FEW, '1', 'number of volume backups to keep'),
  'backup.eraser': row(
    'eraser',
    imageName,
    TEXT,
    undefined,
    "an image on this engine whose rm empties the volumes before a restore, if the service's own image has no rm",
  ),
  enable: row('enable', flag, FLAG, undefined, 'true: update and watch update the service; false: --all leaves it out'),
  'monitor-only': row('monitorOnly', flag, FLAG, 'false', 'report newer images, never roll to them unattended'),
  schedule: row('schedule', parseSchedule, TEXT, 'every 15m jitter 2m', 'when watch checks for a newer image'),
  window: row('windows', parseWindows, SEMICOLONS, undefined, 'when an unattended roll may start'),
  'min-age': row('minAgeMs', longDuration, DURATION, '0s', 'minimum age of an image before an unattended roll to it'),
  'min-interval': row('minIntervalMs', longDuration, DURATION, '0s', 'minimum time between two rolls of the service'),
  backoff: row(
    'backoff',
    parseBackoff,
    TEXT,
    '5m-24h',
    'time without unattended rolls after failures, doubled with each failure',
  ),
  'build.git': {
    ...row('git', parseGitSource, TEXT, undefined, 'the repository to build the service from'),
    show: (value) => shownGit(parseGitSource(value, 'build.git')),
  },
  'dev.watch': row('devRules', devRules, SEMICOLONS, undefined, 'what swapctl dev does when files change'),
  'depends-on': row(
    'dependsOn',
    names,
    COMMAS,
    undefined,
    'services to roll before this one, in addition to depends_on of compose',
  ),
};

const UNSAID: Partial<Policy> = {
  eraser: undefined,
  healthTimeoutMs: undefined,
  probe: undefined,
  enable: undefined,
  proxy: undefined,
  proxyRoute: undefined,
  proxyPort: undefined,
  proxyAllow: undefined,
  windows: [],
  onSwitch: [],
  hooksFrom: [],
  devRules: undefined,
  git: undefined,
  dependsOn: [],
};

/** The policy if no source sets anything. */
export const DEFAULTS: Policy = Object.assign({}, UNSAID, ...Object.values(SETTINGS).map(preset));

function preset({ read, preset: text }: Setting): Partial<Policy> {
  return text === undefined ? {} : read(text, 'default');
}

/** The setting of a key; undefined if there is none. */
export function settingOf(key: string): Setting | undefined {
  // Not an inherited property: a label may be called `constructor`.
  return Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
}

/** A setting's value for people, without secrets. */
export function shownValue(key: string, value: string): string {
  return settingOf(key)?.show?.(value) ?? value.trim();
}

/** Keys that exclude each other but were given together in one place: `health.cmd` and `health.tcp`. */
export function clashing(keys: readonly string[]): string[] {
  return keys.filter((key) => keys.some((other) => other !== key && fieldOf(other) === fieldOf(key)));
}

function fieldOf(key: string): string {
  return settingOf(key)?.field ?? key;
}

function row<K extends keyof Policy>(
  field: K,
  read: (value: string, what: string) => Policy[K],
  form: Form,
  preset: string | undefined,
  about: string,
): Setting {
  // TypeScript can't see that a computed key is of type K.
  const readField = (value: string, what: string): Partial<Policy> =>
    ({ [field]: read(value, what) }) as Partial<Policy>;
  return { field, read: readField, form, preset, about };
}

function choice(of: readonly string[]): Form {
  return { kind: 'choice', of };
}

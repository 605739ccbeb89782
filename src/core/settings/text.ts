import { SETTINGS, type Setting } from './table.ts';

/** The description of a setting that the reference, the help and the JSON schema share. */
export interface SettingText {
  /** Its effect. */
  readonly effect: string;
  /** Its choices, or its range and unit. */
  readonly values: string;
  /** Its default; undefined if an unset setting has no effect. */
  readonly byDefault: string | undefined;
}

/** The sections of the reference, in order. */
export const GROUPS = [
  'Unattended updates',
  'Strategy',
  'Health',
  'Traffic',
  'Rollback and backups',
  'Builds',
] as const;

export type Group = (typeof GROUPS)[number];

interface Details {
  readonly group: Group;
  /** Replaces the text derived from the form of the value. */
  readonly values?: string;
  readonly byDefault?: string;
}

const [UPDATES, STRATEGY, HEALTH, TRAFFIC, BACKUPS, BUILDS] = GROUPS;

// The order is that of the reference.
const DETAILS: Readonly<Record<string, Details>> = {
  enable: { group: UPDATES },
  track: { group: UPDATES, values: 'digest, patch, minor, major, newest, a version range, or regex:PATTERN' },
  'monitor-only': { group: UPDATES },
  schedule: { group: UPDATES, values: 'every INTERVAL of at least 10s, or a cron expression; each with jitter TIME' },
  window: {
    group: UPDATES,
    values: 'times of the week such as Mon-Fri 02:00-05:00, separated by ;',
    byDefault: 'always',
  },
  'min-age': { group: UPDATES },
  'min-interval': { group: UPDATES },
  backoff: { group: UPDATES, values: 'FIRST-LONGEST, two durations of at most 365d, or off' },
  'depends-on': { group: UPDATES, values: 'services, separated by ,' },
  strategy: { group: STRATEGY },
  volumes: { group: STRATEGY },
  rehearsal: { group: STRATEGY },
  settle: { group: STRATEGY },
  'health.cmd': { group: HEALTH, values: 'shell command' },
  'health.http': { group: HEALTH, values: '[HOST:]PORT[/PATH]' },
  'health.tcp': { group: HEALTH },
  'health.timeout': { group: HEALTH, byDefault: 'from the health check' },
  'health.engine': { group: HEALTH },
  'health.ports': { group: HEALTH },
  gate: { group: TRAFFIC },
  'drain.timeout': { group: TRAFFIC },
  'drain.idle': { group: TRAFFIC },
  'drain.close': { group: TRAFFIC },
  linger: { group: TRAFFIC },
  proxy: {
    group: TRAFFIC,
    values: 'DRIVER:CONTAINER, DRIVER:PROJECT/SERVICE or DRIVER:host, with the driver haproxy, nginx, caddy or traefik',
  },
  'proxy.route': { group: TRAFFIC, values: 'name', byDefault: 'the name of the service' },
  'proxy.hold': { group: TRAFFIC },
  'proxy.allow': {
    group: TRAFFIC,
    values: 'PROJECT/SERVICE or names of containers, separated by ,; * for all',
    byDefault: 'the services of its compose project',
  },
  'proxy.port': { group: TRAFFIC, byDefault: 'the only exposed TCP port' },
  canary: { group: TRAFFIC, values: 'PERCENT% for DURATION, 1% to 99%, or off' },
  'on-switch': { group: TRAFFIC, values: 'signal SIGNAL CONTAINER, exec CONTAINER COMMAND, call URL, separated by ;' },
  'on-switch.failure': { group: TRAFFIC },
  'hooks.from': { group: TRAFFIC, values: 'names of containers, separated by ,' },
  keep: { group: BACKUPS },
  'backup.volumes': { group: BACKUPS, values: 'true, false, or volumes, separated by ,' },
  'backup.keep': { group: BACKUPS },
  'backup.eraser': { group: BACKUPS, values: 'image' },
  'build.git': { group: BUILDS, values: 'URL#branch:folder' },
  'dev.watch': { group: BUILDS, values: 'rules, separated by ;' },
};

/** The keys of a section, in the order of the reference. */
export function keysOf(group: Group): string[] {
  return Object.keys(DETAILS).filter((key) => DETAILS[key]?.group === group);
}

/** Describes a setting. Raises an error for an unknown key. */
export function settingText(key: string): SettingText {
  const setting = SETTINGS[key];
  if (!setting) throw new Error(`there is no setting ${key}`);
  const { values = valuesOf(setting), byDefault } = DETAILS[key] ?? {};
  return { effect: setting.about, values, byDefault: setting.preset ?? byDefault };
}

/** Effect, values and default of a setting in one line. */
export function settingLine(key: string): string {
  const { effect, values, byDefault } = settingText(key);
  return `${effect} (${values}${byDefault === undefined ? '' : `; default: ${byDefault}`})`;
}

function valuesOf(setting: Setting): string {
  const { form } = setting;
  switch (form.kind) {
    case 'choice':
      return `${form.of.slice(0, -1).join(', ')} or ${form.of.at(-1)}`;
    case 'flag':
      return 'true or false';
    case 'number':
      return `${form.least} to ${form.most}`;
    case 'duration':
      return `duration of at most ${isLong(setting) ? '365d' : '24h'}`;
    case 'list':
      return `texts, separated by ${form.separator}`;
    case 'text':
      return 'text';
  }
}

// The reader of the value knows the limit; a second copy could differ.
function isLong({ read }: Setting): boolean {
  try {
    read('365d', 'this');
    return true;
  } catch {
    return false;
  }
}

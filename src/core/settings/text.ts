import { SETTINGS, type Setting } from './table.ts';

/** What people read about a setting: the reference, the help and the JSON schema take it from here. */
export interface SettingText {
  /** What it changes. */
  readonly effect: string;
  /** What it may be: choices, range and unit. */
  readonly values: string;
  /** What holds where nobody sets it; undefined if it then has no effect. */
  readonly byDefault: string | undefined;
}

/** The groups of the reference, in their order. */
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
  /** Where the form of the value does not say enough. */
  readonly values?: string;
  readonly byDefault?: string;
}

const [UPDATES, STRATEGY, HEALTH, TRAFFIC, BACKUPS, BUILDS] = GROUPS;

// In the order of the reference.
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
  linger: { group: TRAFFIC },
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

/** The keys of a group in the order of the reference. */
export function keysOf(group: Group): string[] {
  return Object.keys(DETAILS).filter((key) => DETAILS[key]?.group === group);
}

/** What people read about the setting with that key. */
export function settingText(key: string): SettingText {
  const setting = SETTINGS[key];
  if (!setting) throw new Error(`there is no setting ${key}`);
  const { values = valuesOf(setting), byDefault } = DETAILS[key] ?? {};
  return { effect: setting.about, values, byDefault: setting.preset ?? byDefault };
}

/** Effect, values and default in one line. */
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

// Its reader knows best.
function isLong({ read }: Setting): boolean {
  try {
    read('365d', 'this');
    return true;
  } catch {
    return false;
  }
}

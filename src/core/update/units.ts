import { fail } from '../model/error.ts';
import { cronVariable, cronWord } from '../text/encode/cron.ts';
import { systemdQuoted, systemdWord } from '../text/encode/systemd.ts';
import { printable } from '../text/suggest.ts';
import { parseSchedule } from './schedule.ts';

/** The wish of a user for unattended runs. */
export interface UnitWish {
  readonly scheduler: 'cron' | 'systemd';
  /** A scheduled run (`update`), or a daemon; daemons with systemd only. */
  readonly runs: 'update' | 'watch' | 'serve';
  /** Five fields of cron or `every 15m`; with systemd `every 15m` or a calendar expression (systemd.time(7)). */
  readonly schedule: string | undefined;
}

/** The command to run, and the machine. */
export interface UnitPlace {
  /** Absolute path of node, that of this program, and options of all commands. */
  readonly command: readonly string[];
  /** Variables that swapctl needs to find the same engine. */
  readonly env: Readonly<Record<string, string>>;
  /** The machine's name, which spreads the minute of the runs over machines. */
  readonly host: string;
}

/** A file for cron or systemd. */
export interface UnitFile {
  readonly path: string;
  readonly content: string;
}

/** The files that `swapctl install` is to write, and the commands to run afterwards. */
export interface UnitPlan {
  readonly files: readonly UnitFile[];
  /** Commands for the shell. */
  readonly next: readonly string[];
  readonly notes: readonly string[];
}

/** The result for one file. */
export interface WrittenUnit {
  readonly path: string;
  readonly outcome: 'written' | 'unchanged';
}

/** The use cases of `swapctl install`; they need no engine. */
export interface InstallDesk {
  /** Raises `usage` and `config`. */
  plan(wish: UnitWish): Promise<UnitPlan>;
  /** Raises `refused` before it writes anything, if a file exists that swapctl did not write, or may not be written. */
  write(files: readonly UnitFile[], options: { readonly force: boolean }): Promise<WrittenUnit[]>;
}

const CRON = '/etc/cron.d/swapctl';
const UNITS = '/etc/systemd/system';
const UPDATE = `${UNITS}/swapctl.service`;
const TIMER = `${UNITS}/swapctl.timer`;
const DAEMONS = { watch: `${UNITS}/swapctl-watch.service`, serve: `${UNITS}/swapctl-serve.service` } as const;

/** The files that start swapctl: at most one of them should exist. */
export const STARTERS: readonly string[] = [CRON, TIMER, ...Object.values(DAEMONS)];

/** Marks a file that swapctl wrote. */
export const UNIT_MARK = '# Written by swapctl install, which writes it anew only as long as this line is here.';

/** Variables for what is in swapctl.yml as ${VARIABLE}. */
const ENVIRONMENT_FILE = '/etc/swapctl/env';

/**
 * The files of a wish, and the commands to run afterwards. Raises `usage` for an unsuitable schedule or a value that no such file
 * can hold.
 */
export function unitPlan(wish: UnitWish, place: UnitPlace): Omit<UnitPlan, 'notes'> {
  for (const text of [...place.command, ...Object.values(place.env), wish.schedule ?? ''])
    if (/[\x00-\x1f\x7f]/.test(text))
      return fail('usage', `${printable(text)} has a control character in it, which cron and systemd do not take`);
  if (wish.scheduler === 'cron') return { files: [cronFile(wish, place)], next: [] };
  const { runs } = wish;
  if (runs !== 'update') return { files: [daemonUnit(runs, place)], next: enabling(DAEMONS[runs]) };
  return { files: [updateUnit(place), timerUnit(wish)], next: enabling(TIMER) };
}

function enabling(unit: string): string[] {
  return ['systemctl daemon-reload', `systemctl enable --now ${unit.slice(UNITS.length + 1)}`];
}

function cronFile({ runs, schedule }: UnitWish, { command, env, host }: UnitPlace): UnitFile {
  if (runs !== 'update')
    return fail('usage', 'cron keeps no daemon', { hint: `use --systemd --${runs}, or --cron without --${runs}` });
  const update = [...command, '--quiet', 'update'].map(cronWord).join(' ');
  // cron mails all output, so the line prints output only after a failure.
  const line = `out=$(${update}) || printf '\\%s\\n' "$out"`;
  return file(CRON, [
    // nft is in sbin, which is not in cron's default path.
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...Object.entries(env).map(([name, value]) => cronVariable(name, value)),
    `${cronTime(schedule, host)} root ${line}`,
  ]);
}

const EVERY_DEFAULT = 'every 15m';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function cronTime(text: string = EVERY_DEFAULT, host: string): string {
  const schedule = parseSchedule(text, '--schedule');
  const hint = 'write it like 0 4 * * *, or every 15m; swapctl.schedule and swapctl.window can do more';
  if (schedule.jitterMs > 0 || (schedule.kind === 'cron' && schedule.zone !== undefined))
    return fail('usage', `--schedule: cron knows neither jitter nor time zones: ${printable(text)}`, { hint });
  if (schedule.kind === 'cron') return schedule.expression;
  const { ms } = schedule;
  if (ms % MINUTE === 0 && HOUR % ms === 0) {
    const minutes = ms / MINUTE;
    return minutes === 1 ? '* * * * *' : `${spread(host, minutes)}-59/${minutes} * * * *`;
  }
  if (ms % HOUR === 0 && DAY % ms === 0) return `${spread(host, 60)} ${ms === DAY ? '0' : `*/${ms / HOUR}`} * * *`;
  return fail('usage', `--schedule: cron can't do ${printable(text)}, only what divides an hour or a day`, { hint });
}

/** A number below `most`, always the same for a machine. */
function spread(host: string, most: number): number {
  return [...host].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 7) % most;
}

function updateUnit(place: UnitPlace): UnitFile {
  return file(UPDATE, [
    ...unitSection('swapctl update: rolls containers to newer images'),
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${[...place.command, 'update'].map(systemdWord).join(' ')}`,
    ...serviceLines(place),
  ]);
}

function timerUnit({ schedule }: UnitWish): UnitFile {
  return file(TIMER, [
    '[Unit]',
    'Description=Starts swapctl update',
    '',
    '[Timer]',
    ...timerTime(schedule),
    'RandomizedDelaySec=2min',
    '',
    '[Install]',
    'WantedBy=timers.target',
  ]);
}

const CALENDAR = /^[\w*:.,/~ +-]+$/;

function timerTime(text = '*:0/15'): string[] {
  if (/^every /.test(text)) {
    const schedule = parseSchedule(text, '--schedule');
    if (schedule.kind === 'every' && schedule.jitterMs === 0)
      return ['OnBootSec=2min', `OnUnitActiveSec=${Math.round(schedule.ms / 1000)}s`];
  }
  const fields = text.trim().split(/\s+/).length;
  if (!CALENDAR.test(text) || fields > 4)
    return fail('usage', `--schedule: ${printable(text)} is no calendar expression of systemd`, {
      hint: 'write it like every 15m, *-*-* 04:00, or Mon..Fri 04:00 Europe/Berlin (systemd-analyze calendar explains them)',
    });
  // Persistent: a machine that was off runs the missed update later.
  return [`OnCalendar=${text.trim()}`, 'Persistent=true'];
}

const SERVICE_OF = {
  watch: { about: 'swapctl watch: rolls containers to newer images', lines: [] },
  serve: {
    about: 'swapctl serve: rolls containers to newer images, and answers an HTTP API',
    lines: ['# Holds the socket: every user who may connect to it is an administrator.', 'RuntimeDirectory=swapctl'],
  },
} as const;

function daemonUnit(runs: 'watch' | 'serve', place: UnitPlace): UnitFile {
  const { about, lines } = SERVICE_OF[runs];
  return file(DAEMONS[runs], [
    ...unitSection(about),
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${[...place.command, runs].map(systemdWord).join(' ')}`,
    ...lines,
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=on-failure',
    'RestartSec=10s',
    '# A restart does not fix a mistake in the configuration.',
    'RestartPreventExitStatus=2',
    ...serviceLines(place),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
  ]);
}

function unitSection(description: string): string[] {
  return [
    '[Unit]',
    `Description=${description}`,
    'Wants=network-online.target',
    'After=network-online.target docker.service',
  ];
}

function serviceLines({ env }: UnitPlace): string[] {
  return [
    ...Object.entries(env).map(([name, value]) => `Environment=${systemdQuoted(`${name}=${value}`)}`),
    `EnvironmentFile=-${ENVIRONMENT_FILE}`,
    '# A roll comes to a safe end first; its helpers (nft, ssh) are left to it until then.',
    'KillMode=mixed',
    'TimeoutStopSec=5min',
    ...HARDENING,
  ];
}

// nft needs NET_ADMIN in the host's network, and SYS_ADMIN and SYS_PTRACE in those of containers (nsenter); sockets, logins and
// compose files of other users need the last two. A restriction of namespaces would block nsenter, and credential helpers write
// to the home folder.
const HARDENING = [
  'CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE',
  'NoNewPrivileges=yes',
  'ProtectSystem=full',
  'ProtectKernelTunables=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'SystemCallArchitectures=native',
];

function file(path: string, lines: readonly string[]): UnitFile {
  return { path, content: `# ${path}\n${UNIT_MARK}\n${lines.join('\n')}\n` };
}

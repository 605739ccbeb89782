import { Option } from 'commander';
import { fail } from '../../core/model/error.ts';
import type { UnitPlan, WrittenUnit } from '../../core/update/units.ts';
import { seeHelp } from '../common/failure.ts';
import type { Page } from '../terminal/style.ts';
import type { AddCommand, Finish, OpenSession } from './add-command.ts';
import { type Session, show } from './session.ts';

/** The options of `install` as they were written. */
interface InstallFlags {
  readonly cron?: boolean;
  readonly systemd?: boolean;
  readonly watch?: boolean;
  readonly serve?: boolean;
  readonly schedule?: string;
  readonly print?: boolean;
  readonly force?: boolean;
}

/** Adds the command to the program. */
export function addInstall(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('install', 'install a cron job or systemd units that run swapctl', [
    'swapctl install --systemd --print',
    'swapctl install --systemd --schedule "*-*-* 04:00"',
    'swapctl install --systemd --watch',
    'swapctl install --systemd --serve',
    'swapctl install --cron --schedule "0 4 * * *"',
  ])
    .addOption(new Option('--cron', 'run swapctl update as a cron job').conflicts('systemd'))
    .option('--systemd', 'run swapctl update from a systemd timer')
    .addOption(new Option('--watch', 'run swapctl watch as a systemd service').conflicts('cron'))
    .addOption(new Option('--serve', 'run swapctl serve as a systemd service').conflicts(['cron', 'watch']))
    .option('--schedule <when>', 'when to update: every 15m (default), or a cron or systemd schedule')
    .option('--print', 'print the files without writing them')
    .option('--force', 'overwrite files that swapctl did not write')
    .action(async (flags: InstallFlags) => finish(await runInstall(session(), flags)));
}

/** Writes or prints the files that let cron or systemd run swapctl, and names the next commands. */
async function runInstall({ context, globals }: Session, flags: InstallFlags): Promise<number> {
  const { cron = false, systemd = false, schedule, print = false, force = false } = flags;
  const runs = flags.serve ? 'serve' : flags.watch ? 'watch' : 'update';
  const hint = seeHelp('swapctl install');
  if (!cron && !systemd) return fail('usage', 'choose --cron or --systemd', { hint });
  if (runs !== 'update' && schedule !== undefined)
    return fail('usage', `--${runs} takes no --schedule: set the schedule in swapctl.yml or in labels`, { hint });
  const desk = await context.openInstall(globals);
  const plan = await desk.plan({ scheduler: cron ? 'cron' : 'systemd', runs, schedule });
  if (print) show({ context, globals }, printable(plan), printedView, plan);
  else {
    const files = await desk.write(plan.files, { force });
    show({ context, globals }, { ...plan, files }, writtenView);
  }
  return 0;
}

type Printable = ReturnType<typeof printable>;

// Line by line, since sanitizing removes line breaks.
function printable({ files, ...plan }: UnitPlan) {
  return { ...plan, files: files.map(({ content }) => content.trimEnd().split('\n')) };
}

function printedView({ files, next, notes }: Printable): string[] {
  return [
    ...files.flatMap((lines, at) => [...(at > 0 ? [''] : []), ...lines]),
    ...(notes.length + next.length > 0 ? [''] : []),
    ...notes.map((note) => `# ${note}`),
    ...next.map((command) => `# next: ${command}`),
  ];
}

interface Installed extends Omit<UnitPlan, 'files'> {
  readonly files: readonly WrittenUnit[];
}

function writtenView({ files, next, notes }: Installed, { style }: Page): string[] {
  return [
    ...files.map(({ path, outcome }) => `${style.green('✔')} ${path} ${style.dim(outcome)}`),
    ...notes.map((note) => `${style.yellow('!')} ${note}`),
    ...next.map((command) => `${style.dim('next:')} ${command}`),
  ];
}

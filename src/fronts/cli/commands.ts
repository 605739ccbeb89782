import { Argument, Command, type CommanderError, Option } from 'commander';
import { fail } from '../../core/error.ts';
import { PULL_POLICIES } from '../../core/image.ts';
import {
  runCheck,
  runConfig,
  runDev,
  runDoctor,
  runHistory,
  runNames,
  runPlan,
  runRecover,
  runRoll,
  runRollback,
  runStatus,
  runUpdate,
  runWatch,
} from './actions.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { seeHelp } from './failure.ts';
import { type InstallFlags, runInstall } from './install.ts';
import type { CliContext, Terminal } from './program.ts';
import type { DevFlags, RollFlags, UpdateFlags, WatchFlags } from './requests.ts';
import type { Globals, Session } from './session.ts';
import { screenWidth } from './style.ts';
import { CONFIG_VIEWS, type ConfigView } from './views/config.ts';

/** The whole command line as commander knows it; `finish` is called with the exit status of the command that ran. */
export function createProgram(context: CliContext, finish: (status: number) => void): Command {
  const program = new Command('swapctl');
  const add: AddCommand = (name, summary, examples) => addCommand(program, name, summary, examples);
  const session = (): Session => ({ context, globals: program.opts<Globals>() });
  configure(program, context);
  addRolls(add, session, finish);
  addUpdate(add, session, finish);
  addDev(add, session, finish);
  addViews(add, session, finish);
  addConfig(add, session, finish);
  addInstall(add, session, finish);
  addCompletion(program, add, session, finish);
  return program;
}

type AddCommand = (name: string, summary: string, examples: readonly string[]) => Command;
type Finish = (status: number) => void;
type OpenSession = () => Session;

function configure(program: Command, { terminal, version }: CliContext): void {
  program
    .description('Swaps the image of running containers without losing a request.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--host <url>', 'the engine: unix://, tcp:// or ssh://')
    .option('--context <name>', 'the docker context whose engine to use')
    .option('--config <file>', 'the configuration (default: swapctl.yml here or in /etc/swapctl)')
    .option('--json', 'print results as one JSON document')
    .addOption(new Option('-q, --quiet', 'show no progress, only why something failed').conflicts('verbose'))
    .option('-v, --verbose', 'show probes, times and details')
    .option('--no-color', 'print without colours (as NO_COLOR does)')
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => title.toLowerCase() })
    .configureOutput({
      writeOut: (text) => terminal.stdout(text),
      writeErr: (text) => void terminal.stderr.write(text),
      // Told by tellFailure, as every other error.
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(terminal.stdoutIsTty, terminal.stderr),
      getErrHelpWidth: () => helpWidth(terminal.stderr.isTTY === true, terminal.stderr),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', `\n${HELP_END}`);
  raiseUsage(program, 'swapctl');
}

const HELP_END = `A service is one of compose (project/service where the short name is ambiguous),
a container's name, or an id. The engine is the one that docker would use, unless
--host or --context name another.

exit status:
  0  done, or nothing to do
  1  failed, the old version serves as before
  2  wrong usage or configuration, nothing touched
  3  needs attention: it says what and how
  4  another roll of it is under way
  5  engine or registry out of reach, nothing touched
 10  check only: updates are available`;

function helpWidth(isTty: boolean, stderr: Terminal['stderr']): number {
  return Math.min(isTty ? screenWidth(stderr) : 100, 100);
}

function addCommand(program: Command, name: string, summary: string, examples: readonly string[]): Command {
  const command = program
    .command(name)
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
  command.addHelpText('after', `\nexamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
  return raiseUsage(command, `swapctl ${name}`);
}

// commander would print and end the process; here a mistake is an error like any other.
function raiseUsage(command: Command, name: string): Command {
  return command.exitOverride((error: CommanderError) => {
    if (error.exitCode === 0 || error.code === 'commander.help') throw error;
    const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
    const meant = suggestion?.replace(/^\(Did you mean (.*)\)$/, 'did you mean $1');
    return fail('usage', what, { hint: [meant, seeHelp(name)].filter(Boolean).join(' ') });
  });
}

function addRolls(add: AddCommand, session: OpenSession, finish: Finish): void {
  const roll = add('roll', 'swap services to a newer image', [
    'swapctl roll web',
    'swapctl roll web worker --settle 30s',
    'swapctl roll shop/web --image ghcr.io/me/shop:1.5',
  ]);
  rollOptions(roll)
    .option('--digest <digest>', 'roll to this digest of it, whatever the tag means by now')
    .option('--notify', 'tell those whom swapctl.yml names what came of it')
    .action(async (services: string[], flags: RollFlags) => finish(await runRoll(session(), services, flags)));
  const plan = add('plan', 'show what roll would do, and why', [
    'swapctl plan web',
    'swapctl plan web --image app:2 --json',
    'swapctl plan web --explain',
  ]);
  plan.option('--explain', 'show every setting, and where its value comes from');
  rollOptions(plan).action(async (services: string[], flags: RollFlags) =>
    finish(await runPlan(session(), services, flags)),
  );
  const back = add('rollback', 'swap a service back to an earlier image', [
    'swapctl rollback web',
    'swapctl rollback web --image sha256:3f9a',
    'swapctl rollback web --with-volumes',
  ]);
  back
    .argument('<service>', 'what to roll back')
    .option('--image <ref>', 'an older image of the history: its reference, or the beginning of its digest')
    .option('--with-volumes', 'put its volumes back, too, as they were copied when it ran that image');
  timeOptions(back).action(async (service: string, flags: RollFlags) =>
    finish(await runRollback(session(), service, flags)),
  );
}

const WATCH_SIGNALS = `
signals:
  SIGHUP   read swapctl.yml again
  SIGUSR1  check everything now
  SIGTERM  end; a roll under way comes to its safe end first`;

function addUpdate(add: AddCommand, session: OpenSession, finish: Finish): void {
  const update = add('update', 'roll what is newer: what is opted in, in its windows', [
    'swapctl update',
    'swapctl update --dry-run',
    'swapctl update shop/web shop/worker',
  ]);
  update
    .argument('[service...]', 'what to update (default: everything with swapctl.enable=true)')
    .option('--all', 'everything but what has swapctl.enable=false')
    .option('--dry-run', 'decide, and change nothing');
  timeOptions(update).action(async (services: string[], flags: UpdateFlags) =>
    finish(await runUpdate(session(), services, flags)),
  );
  const watch = add('watch', 'stay, and update by schedule', [
    'swapctl watch',
    'swapctl --json watch',
    'swapctl watch shop/web',
  ]);
  watch
    .argument('[service...]', 'what to watch (default: everything with swapctl.enable=true)')
    .option('--all', 'everything but what has swapctl.enable=false')
    .option('--heartbeat <file>', 'write the time into it every 10 s (or SWAPCTL_HEARTBEAT)')
    .addHelpText('after', WATCH_SIGNALS);
  timeOptions(watch).action(async (services: string[], flags: WatchFlags) =>
    finish(await runWatch(session(), services, flags)),
  );
}

const DEV_RULES = `
rules of --watch (compose's develop.watch and the label swapctl.dev.watch say the same):
  rebuild PATH                       build the image and roll to it
  sync PATH TARGET                   copy what changes into the container
  restart PATH                       start the container anew
  sync+restart PATH TARGET           copy, then start it anew
  sync+exec PATH TARGET exec=CMD     copy, then run a command in it
  sync+signal PATH TARGET signal=HUP copy, then send a signal
and ignore=A,B include=A,B initial (copy all of it at the beginning) before exec=`;

function addDev(add: AddCommand, session: OpenSession, finish: Finish): void {
  const dev = add('dev', 'watch the source, build what changes, and roll to it', [
    'swapctl dev web',
    'swapctl dev web --build ./web --target dev',
    'swapctl dev web --git https://git.example.org/me/shop.git#main:web',
    "swapctl dev web --watch 'sync ./src /app/src' --watch 'rebuild package.json'",
  ]);
  dev
    .argument('<service...>', 'what to develop')
    .option('--build <dir>', 'build this folder, instead of what the compose files say')
    .option('--file <path>', 'with --build: its Dockerfile')
    .option('--target <stage>', 'with --build: the stage to build')
    .option('--build-arg <key=value>', 'with --build: an argument of the build (may be repeated)', collect)
    .option('--git [url]', 'follow a branch of a repository (URL#branch:folder) instead of files')
    .option('--interval <time>', 'with --git: how often to ask whether the branch moved (default: 10s)')
    .option('--watch <rule>', 'what to do when files change (may be repeated)', collect)
    .option('--poll [time]', 'look every so often (500ms), for mounts that tell no changes')
    .option('--no-first-build', 'wait for a change, instead of building what is there now')
    .option('--rollback-on-exit', 'at the end, bring back what ran before')
    .addHelpText('after', DEV_RULES);
  timeOptions(dev).action(async (services: string[], flags: DevFlags) =>
    finish(await runDev(session(), services, flags)),
  );
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function rollOptions(command: Command): Command {
  return timeOptions(
    command
      .argument('<service...>', 'what to roll')
      .option('--image <ref>', 'roll to this image instead of the followed reference')
      .addOption(new Option('--pull <when>', 'when to fetch the image').choices(PULL_POLICIES))
      .option('--force', 'roll even if the image is unchanged or failed before, or a docker run waits for it'),
  )
    .addOption(
      new Option('--strategy <way>', 'the order of the swap').choices([
        'auto',
        'start-first',
        'stop-first',
        'handover',
      ]),
    )
    .option('--no-rehearsal', 'with stop-first, skip the proof of the new image before the old container stops')
    .option('--keep <n>', 'how many old images to keep as the way back');
}

function timeOptions(command: Command): Command {
  return command
    .option('--settle <time>', 'how long to watch the new container with the old one still at hand')
    .option('--drain-timeout <time>', 'maximum time to wait for busy connections')
    .option('--no-drain-idle', 'wait for idle connections as well')
    .option('--health-timeout <time>', 'how long it may take to become healthy');
}

function addViews(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('status', 'show what runs, and how it is', ['swapctl status', 'swapctl status web --json'])
    .argument('[service...]', 'what to show (default: everything)')
    .action(async (services: string[]) => finish(await runStatus(session(), services)));
  add('check', 'ask the registries what is newer', ['swapctl check', 'swapctl check web --json'])
    .argument('[service...]', 'what to ask about (default: everything that runs)')
    .action(async (services: string[]) => finish(await runCheck(session(), services)));
  add('history', 'show what a service ran, and what failed', ['swapctl history web'])
    .argument('<service>', 'whose history')
    .action(async (service: string) => finish(await runHistory(session(), service)));
  add('recover', 'finish or undo what a killed roll left', ['swapctl recover', 'swapctl recover web'])
    .argument('[service...]', 'what to recover (default: everything)')
    .action(async (services: string[]) => finish(await runRecover(session(), services)));
  add('doctor', 'check whether swapctl can work here', [
    'swapctl doctor',
    'swapctl --host ssh://deploy@example.org doctor',
  ]).action(async () => finish(await runDoctor(session())));
}

function addConfig(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('config', 'check swapctl.yml, or show it', [
    'swapctl config check',
    'swapctl --config ./swapctl.yml config show',
    'swapctl config schema > swapctl.schema.json',
    'swapctl config test-notify',
  ])
    .addArgument(
      new Argument(
        '<what>',
        'check: list every mistake; show: what was understood; schema: for editors; test-notify: send everybody a test',
      ).choices(CONFIG_VIEWS),
    )
    .action(async (what: ConfigView) => finish(await runConfig(session(), what)));
}

function addInstall(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('install', 'have cron or systemd run it', [
    'swapctl install --systemd --print',
    'swapctl install --systemd --schedule "*-*-* 04:00"',
    'swapctl install --systemd --watch',
    'swapctl install --cron --schedule "0 4 * * *"',
  ])
    .addOption(new Option('--cron', 'run swapctl update by cron').conflicts('systemd'))
    .option('--systemd', 'run swapctl update by a timer of systemd')
    .addOption(new Option('--watch', 'run swapctl watch, as a service of systemd').conflicts('cron'))
    .option('--schedule <when>', 'when to update: every 15m (default), or as cron or systemd have it')
    .option('--print', 'show what would be written, and write nothing')
    .option('--force', 'overwrite files that swapctl did not write')
    .action(async (flags: InstallFlags) => finish(await runInstall(session(), flags)));
}

function addCompletion(program: Command, add: AddCommand, session: OpenSession, finish: Finish): void {
  add('completion', 'print a completion script for a shell', [
    'source <(swapctl completion bash)',
    'swapctl completion zsh > ~/.zfunc/_swapctl',
    'swapctl completion fish > ~/.config/fish/completions/swapctl.fish',
  ])
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => session().context.terminal.stdout(completionScript(program, shell)));
  const names = program.command('__names', { hidden: true }).action(async () => finish(await runNames(session())));
  raiseUsage(names, 'swapctl');
}

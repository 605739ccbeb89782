import { Argument, Command, type CommanderError, Option } from 'commander';
import { fail } from '../../core/model/error.ts';
import { PULL_POLICIES } from '../../core/model/image.ts';
import { seeHelp } from '../common/failure.ts';
import type { DevFlags, RollFlags, UpdateFlags, WatchFlags } from '../common/requests.ts';
import { screenWidth } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import {
  runCheck,
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
import type { AddCommand, Finish, OpenSession } from './add-command.ts';
import { completionScript, SHELLS, type Shell } from './completion/script.ts';
import { addConfig } from './config.ts';
import type { CliContext } from './context.ts';
import { addGroupOptions } from './group/options.ts';
import { addInstall } from './install.ts';
import { addProxy } from './proxy.ts';
import { describeServe, runServe, SERVE_EXAMPLES } from './serve/command.ts';
import { addToken } from './serve/token.ts';
import type { Globals, Session } from './session.ts';

type About = (setting: string) => string;

/**
 * The whole command line as a commander tree. `finish` gets the exit status of the command; `about` describes the setting of an
 * option.
 */
export function createProgram(context: CliContext, finish: Finish, about: About): Command {
  const program = new Command('swapctl');
  const add: AddCommand = (name, summary, examples) => addCommand(program, name, summary, examples);
  const session = (): Session => ({ context, globals: program.opts<Globals>() });
  configure(program, context);
  addRolls(add, session, finish, about);
  addUpdate(add, session, finish, about);
  addDev(add, session, finish, about);
  addViews(add, session, finish);
  addConfig(add, session, finish);
  addInstall(add, session, finish);
  addProxy(add, session, finish);
  addToken(add, session, finish);
  addCompletion(program, add, session, finish);
  return program;
}

function configure(program: Command, { terminal, version }: CliContext): void {
  program
    .description('Swaps the image of running containers without losing a request.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .option('--host <url>', 'engine to connect to: unix://, tcp:// or ssh://')
    .option('--context <name>', 'Docker context of the engine')
    .addOption(
      new Option(
        '--server <url>',
        'work through swapctl serve: unix:///PATH or https://HOST:PORT (also: SWAPCTL_SERVER)',
      ).conflicts(['host', 'context']),
    )
    .option('--config <file>', 'configuration file (default: swapctl.yml here or in /etc/swapctl)')
    .option('--json', 'print results as JSON')
    .addOption(new Option('-q, --quiet', 'hide progress; print only results and errors').conflicts('verbose'))
    .option('-v, --verbose', 'print each step, probes and other details')
    .option('--trace', 'print engine, registry and nft calls, and decisions (also: NODE_DEBUG=swapctl)')
    .option('--no-color', 'print without colours (also: NO_COLOR=1)')
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => title.toLowerCase() })
    .configureOutput({
      writeOut: (text) => terminal.stdout(text),
      writeErr: (text) => void terminal.stderr.write(text),
      // tellFailure prints it, like every other error.
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(terminal.stdoutIsTty, terminal.stderr),
      getErrHelpWidth: () => helpWidth(terminal.stderr.isTTY === true, terminal.stderr),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', `\n${HELP_END}`);
  addGroupOptions(program);
  raiseUsage(program, 'swapctl');
}

const HELP_END = `A service is a compose service (project/service if its name is ambiguous), a
container name, or a container id. swapctl finds the engine as docker does; --host
and --context choose another one.

exit status:
  0  done, or nothing to do
  1  failed; the old version still serves
  2  wrong usage or configuration; nothing changed
  3  needs attention; the message says what to do
  4  another process is rolling the service
  5  engine or registry unreachable; nothing changed
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

// commander would print the message and exit; here a mistake is an error like any other.
function raiseUsage(command: Command, name: string): Command {
  return command.exitOverride((error: CommanderError) => {
    if (error.exitCode === 0 || error.code === 'commander.help') throw error;
    const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
    const meant = suggestion?.replace(/^\(Did you mean (.*)\)$/, 'did you mean $1');
    return fail('usage', what, { hint: [meant, seeHelp(name)].filter(Boolean).join(' ') });
  });
}

function addRolls(add: AddCommand, session: OpenSession, finish: Finish, about: About): void {
  const roll = add('roll', 'roll services to a newer image', [
    'swapctl roll web',
    'swapctl roll web worker --settle 30s',
    'swapctl roll shop/web --image ghcr.io/me/shop:1.5',
  ]);
  rollOptions(roll, about)
    .option('--digest <digest>', 'roll to exactly this digest, even if the tag has moved')
    .option('--notify', 'send the notifications configured in swapctl.yml')
    .action(async (services: string[], flags: RollFlags) => finish(await runRoll(session(), services, flags)));
  const plan = add('plan', 'show what roll would do, and why', [
    'swapctl plan web',
    'swapctl plan web --image app:2 --json',
    'swapctl plan web --explain',
  ]);
  plan.option('--explain', 'show every setting and the origin of its value');
  rollOptions(plan, about).action(async (services: string[], flags: RollFlags) =>
    finish(await runPlan(session(), services, flags)),
  );
  const back = add('rollback', 'roll a service back to an earlier image', [
    'swapctl rollback web',
    'swapctl rollback web --image sha256:3f9a',
    'swapctl rollback web --with-volumes',
  ]);
  back
    .argument('<service>', 'service to roll back')
    .option('--image <ref>', 'earlier image (see history): a reference, or the start of a digest')
    .option('--with-volumes', 'also restore the volume backup that belongs to that image');
  timeOptions(back, about).action(async (service: string, flags: RollFlags) =>
    finish(await runRollback(session(), service, flags)),
  );
}

const WATCH_SIGNALS = `
signals:
  SIGHUP   reload swapctl.yml
  SIGUSR1  check all services now
  SIGTERM  finish or undo the current roll, then exit`;

function addUpdate(add: AddCommand, session: OpenSession, finish: Finish, about: About): void {
  const update = add('update', 'update opted-in services that have a newer image and an open window', [
    'swapctl update',
    'swapctl update --dry-run',
    'swapctl update shop/web shop/worker',
  ]);
  update
    .argument('[service...]', 'services to update (default: all with swapctl.enable=true)')
    .option('--all', 'include all services except those with swapctl.enable=false')
    .addOption(new Option('--dry-run', 'print the decisions without changing anything').conflicts('metricsFile'))
    .option('--metrics-file <file>', "write metrics for node_exporter's textfile collector");
  timeOptions(update, about).action(async (services: string[], flags: UpdateFlags) =>
    finish(await runUpdate(session(), services, flags)),
  );
  const watch = add('watch', 'run as a daemon and update on a schedule', [
    'swapctl watch',
    'swapctl --json watch',
    'swapctl watch shop/web',
  ]);
  watch
    .argument('[service...]', 'services to watch (default: all with swapctl.enable=true)')
    .option('--all', 'include all services except those with swapctl.enable=false')
    .option('--heartbeat <file>', 'write the time to this file every 10 s (also: SWAPCTL_HEARTBEAT)')
    .addHelpText('after', WATCH_SIGNALS);
  timeOptions(watch, about).action(async (services: string[], flags: WatchFlags) =>
    finish(await runWatch(session(), services, flags)),
  );
  const serve = add('serve', 'run as a daemon like watch, and answer HTTP and gRPC', SERVE_EXAMPLES);
  timeOptions(
    describeServe(serve, collect, async (services, flags) => finish(await runServe(session(), services, flags))),
    about,
  );
}

const DEV_RULES = `
rules for --watch (also in compose's develop.watch and the label swapctl.dev.watch):
  rebuild PATH                        build the image and roll to it
  sync PATH TARGET                    copy changed files into the container
  restart PATH                        start a new container of the same image
  sync+restart PATH TARGET            copy, then start a new container
  sync+exec PATH TARGET exec=CMD      copy, then run a command in the container
  sync+signal PATH TARGET signal=HUP  copy, then send a signal to the container
A rule may have ignore=A,B, include=A,B and initial (copy all files at the start),
each before exec=.`;

function addDev(add: AddCommand, session: OpenSession, finish: Finish, about: About): void {
  const dev = add('dev', 'build and roll services whenever their source changes', [
    'swapctl dev web',
    'swapctl dev web --build ./web --target dev',
    'swapctl dev web --git https://git.example.org/me/shop.git#main:web',
    "swapctl dev web --watch 'sync ./src /app/src' --watch 'rebuild package.json'",
  ]);
  dev
    .argument('<service...>', 'services to build and roll')
    .option('--build <dir>', 'build this folder instead of the build section of compose')
    .option('--file <path>', 'with --build: Dockerfile to use')
    .option('--target <stage>', 'with --build: stage to build')
    .option('--build-arg <key=value>', 'with --build: build argument (repeatable)', collect)
    .option('--git [url]', 'build from a branch (URL#branch:folder) instead of local files')
    .option('--interval <time>', 'with --git: time between checks of the branch (default: 10s)')
    .option('--watch <rule>', 'action when files change; see the rules below (repeatable)', collect)
    .option('--poll [time]', 'poll files (default: every 500ms) if mounts report no changes')
    .option('--no-first-build', 'wait for a change instead of building at the start')
    .option('--rollback-on-exit', 'roll back to the previous image on exit')
    .addHelpText('after', DEV_RULES);
  timeOptions(dev, about).action(async (services: string[], flags: DevFlags) =>
    finish(await runDev(session(), services, flags)),
  );
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function rollOptions(command: Command, about: About): Command {
  return timeOptions(
    command
      .argument('<service...>', 'services to roll')
      .option('--image <ref>', 'roll to this image instead of the tracked reference')
      .addOption(
        new Option('--pull <when>', 'when to pull the image (default: always, except for local builds)').choices(
          PULL_POLICIES,
        ),
      )
      .option('--force', 'roll an unchanged or rejected image, or a foreground docker run'),
    about,
  )
    .addOption(
      new Option('--strategy <strategy>', about('strategy')).choices(['auto', 'start-first', 'stop-first', 'handover']),
    )
    .option('--no-rehearsal', 'skip the rehearsal of the new image before stop-first')
    .option('--keep <n>', about('keep'));
}

const OVERRIDES = `
Options override the label of the same name (--settle: swapctl.settle) and swapctl.yml.`;

function timeOptions(command: Command, about: About): Command {
  return command
    .option('--settle <time>', about('settle'))
    .option('--drain-timeout <time>', about('drain.timeout'))
    .option('--no-drain-idle', 'wait for idle connections, too')
    .option('--health-timeout <time>', about('health.timeout'))
    .addHelpText('after', OVERRIDES);
}

function addViews(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('status', 'show services, their containers and their health', ['swapctl status', 'swapctl status web --json'])
    .argument('[service...]', 'services to show (default: all)')
    .action(async (services: string[]) => finish(await runStatus(session(), services)));
  add('check', 'look for newer images in the registries', ['swapctl check', 'swapctl check web --json'])
    .argument('[service...]', 'services to check (default: all that run)')
    .action(async (services: string[]) => finish(await runCheck(session(), services)));
  add('history', 'show the images that a service ran, and the failed ones', ['swapctl history web'])
    .argument('<service>', 'service to show')
    .action(async (service: string) => finish(await runHistory(session(), service)));
  add('recover', 'finish or undo interrupted rolls', ['swapctl recover', 'swapctl recover web'])
    .argument('[service...]', 'services to recover (default: all)')
    .action(async (services: string[]) => finish(await runRecover(session(), services)));
  add('doctor', 'check that this host and its engine support swapctl', [
    'swapctl doctor',
    'swapctl --host ssh://deploy@example.org doctor',
  ]).action(async () => finish(await runDoctor(session())));
}

function addCompletion(program: Command, add: AddCommand, session: OpenSession, finish: Finish): void {
  add('completion', 'print a shell completion script', [
    'source <(swapctl completion bash)',
    'swapctl completion zsh > ~/.zfunc/_swapctl',
    'swapctl completion fish > ~/.config/fish/completions/swapctl.fish',
  ])
    .addArgument(new Argument('<shell>', 'shell to complete in').choices(SHELLS))
    .action((shell: Shell) => session().context.terminal.stdout(completionScript(program, shell)));
  const names = program.command('__names', { hidden: true }).action(async () => finish(await runNames(session())));
  raiseUsage(names, 'swapctl');
}

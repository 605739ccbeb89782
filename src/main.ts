import { homedir } from 'node:os';
import { systemClock } from './adapters/host/clock.ts';
import { currentFolder } from './adapters/host/folder.ts';
import { tidyHeap } from './adapters/host/heap.ts';
import { outliveReaders, terminalWatch } from './adapters/host/output.ts';
import { onFirstSignal } from './adapters/host/signals.ts';
import type { App } from './app/app.ts';
import type { GroupApp } from './app/group/group.ts';
import type { GroupWorld } from './app/group/world.ts';
import type { TokenDesk } from './core/access/desk.ts';
import { exitStatus, fail } from './core/model/error.ts';
import type { SnippetDesk } from './core/proxy/snippet.ts';
import type { ConfigDesk } from './core/settings/config.ts';
import type { InstallDesk } from './core/update/units.ts';
import type { CliContext } from './fronts/cli/context.ts';
import { runCli } from './fronts/cli/program.ts';
import type { Configuration, Ports, Report } from './ports/ports.ts';

declare const SWAPCTL_VERSION: string;

interface Reach {
  readonly host?: string;
  readonly context?: string;
  readonly config?: string;
  readonly server?: { readonly address: string; readonly token: string | undefined };
  readonly trace: boolean;
  readonly report: Report;
}

type GroupReach = Parameters<CliContext['openGroup']>[0];

const world = {
  env: process.env,
  home: homedir(),
  // Read only when it is needed: the folder may be gone.
  get folder() {
    return currentFolder();
  },
};

let configuration: Configuration | undefined;

// Load the modules for an engine only when a command needs one: `swapctl --version` must start as fast as bare Node.
async function openApp(reach: Reach): Promise<{ app: App; close: () => void }> {
  if (reach.server) {
    const { remoteApp } = await import('./fronts/client/app.ts');
    return remoteApp(reach.server, reach.report, reach.trace ? systemClock().now : undefined);
  }
  const wire = await import('./wiring/ports.ts');
  const endTrace = reach.trace ? wire.reportCalls(reach.report) : () => {};
  try {
    const { app, close } = await openTraced(reach);
    const end = (): void => {
      close();
      endTrace();
    };
    return { app, close: end };
  } catch (error) {
    endTrace();
    throw error;
  }
}

async function openTraced(reach: Reach): Promise<{ app: App; close: () => void }> {
  const [{ createApp }, { withSwarm }, { openConfig, openPorts }] = await Promise.all([
    import('./app/app.ts'),
    import('./app/with-swarm.ts'),
    import('./wiring/ports.ts'),
  ]);
  // A daemon reopens the engine after an outage, with its previous configuration.
  configuration ??= await openConfig({ ...reach, ...world });
  const ports = await openPorts({ ...reach, ...world, configuration });
  return { app: withSwarm(createApp(ports), ports), close: closerOf(ports) };
}

function closerOf({ engine, registry }: Ports): () => void {
  return () => {
    engine.close();
    registry.close();
  };
}

/** The hosts of --on, which are connected once a command needs them. */
async function openGroup(reach: GroupReach): Promise<GroupApp> {
  const [{ createGroup }, { createApp }, { withSwarm }, wire, { openGroupTools, reachOf }, { hostGroup }, { onHost }] =
    await Promise.all([
      import('./app/group/group.ts'),
      import('./app/app.ts'),
      import('./app/with-swarm.ts'),
      import('./wiring/ports.ts'),
      import('./wiring/group.ts'),
      import('./core/inventory/inventory.ts'),
      import('./core/group/progress.ts'),
    ]);
  const { on, config, skipUnreachable, trace, report } = reach;
  const configured = await wire.openConfig({ ...world, config });
  const { inventory } = configured.config();
  const group = hostGroup(inventory, on);
  const endTrace = trace ? wire.reportCalls(report) : () => {};
  const open = async (host: string): ReturnType<GroupWorld['open']> => {
    const address = inventory.hosts[host] ?? fail('unexpected', `there is no host ${host}`);
    const own = { report: (progress: Parameters<Report>[0]) => report(onHost(host, progress)) };
    const ports = await wire.openPorts({
      ...world,
      ...(await reachOf(host, address)),
      ...own,
      configuration: configured,
    });
    return { app: withSwarm(createApp(ports), ports), close: closerOf(ports) };
  };
  const app = createGroup({ group, open, skipUnreachable, report, ...openGroupTools(world) });
  const close = (): void => {
    app.close();
    endTrace();
  };
  return { ...app, close };
}

async function openDesk(reach: Pick<Reach, 'config'>): Promise<ConfigDesk> {
  const { openConfigDesk } = await import('./wiring/ports.ts');
  return openConfigDesk({ ...reach, ...world });
}

async function openSnippets(): Promise<SnippetDesk> {
  return (await import('./wiring/proxies.ts')).snippetDesk;
}

async function openInstall(reach: Omit<Reach, 'report' | 'trace'>): Promise<InstallDesk> {
  const { openInstallDesk } = await import('./wiring/install.ts');
  return openInstallDesk({ ...reach, ...world });
}

async function openTokens(): Promise<TokenDesk> {
  const { openTokenDesk } = await import('./fronts/server/access/desk.ts');
  return openTokenDesk(systemClock().now);
}

const interruption = new AbortController();
// A closed terminal interrupts every command without a handler of its own.
let onHangUp = (): void => interruption.abort();
process.on('SIGHUP', () => onHangUp());

function onAsked(asked: (what: 'reload' | 'check') => void): void {
  onHangUp = () => asked('reload');
  process.on('SIGUSR1', () => asked('check'));
}

// The second signal ends the process, and leaves half-done work to `swapctl recover`.
onFirstSignal(
  process,
  () => interruption.abort(),
  () => process.exit(130),
);

const isTerminalClosed = terminalWatch();
let unwritten = false;
outliveReaders(process, () => {
  unwritten = true;
});
process.on('exit', (status) => {
  if (unwritten && status === 0) process.exitCode = exitStatus('attention');
  if (!isTerminalClosed()) return;
  // Node can't give back a terminal that is gone: it would abort, with a core dump.
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
});

process.exitCode = await runCli(process.argv.slice(2), {
  terminal: {
    stdout: (text) => void process.stdout.write(text),
    stdoutIsTty: process.stdout.isTTY === true,
    stderr: process.stderr,
    env: process.env,
    now: systemClock().now,
  },
  version: SWAPCTL_VERSION,
  signal: interruption.signal,
  openApp,
  openGroup,
  openConfig: openDesk,
  openInstall,
  openSnippets,
  openTokens,
  tryHook: async (hook, message) => {
    const { tryHook } = await import('./fronts/server/hooks/trial.ts');
    return tryHook(hook, message, systemClock().now());
  },
  sleep: systemClock().sleep,
  folder: currentFolder,
  onAsked,
  tidy: tidyHeap,
});

// A user who interrupts does not wait for the answer to a question.
if (interruption.signal.aborted) process.stdout.write('', () => process.exit());

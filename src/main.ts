import { homedir } from 'node:os';
import type { App } from './app.ts';
import type { ConfigDesk } from './core/config.ts';
import type { InstallDesk } from './core/units.ts';
import { runCli } from './fronts/cli/program.ts';
import type { Report } from './ports.ts';
import { systemClock } from './system/clock.ts';

declare const SWAPCTL_VERSION: string;

type Reach = { readonly host?: string; readonly context?: string; readonly config?: string; readonly report: Report };

const world = { env: process.env, home: homedir(), folder: process.cwd() };

// What needs an engine is loaded only when one is needed: `swapctl --version` is to start like bare Node.
async function openApp(reach: Reach): Promise<{ app: App; close: () => void }> {
  const [{ createApp }, { openPorts }] = await Promise.all([import('./app.ts'), import('./wire.ts')]);
  const ports = await openPorts({ ...reach, ...world });
  const close = (): void => {
    ports.engine.close();
    ports.registry.close();
  };
  return { app: createApp(ports), close };
}

async function openConfig(reach: Pick<Reach, 'config'>): Promise<ConfigDesk> {
  const { openConfigDesk } = await import('./wire.ts');
  return openConfigDesk({ ...reach, ...world });
}

async function openInstall(reach: Omit<Reach, 'report'>): Promise<InstallDesk> {
  const { openInstallDesk } = await import('./install.ts');
  return openInstallDesk({ ...reach, ...world });
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it: what is half done is left to `swapctl recover`.
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  });
}
// A reader that goes away (`| head`) is no error of ours.
process.stdout.on('error', () => process.exit(0));

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
  openConfig,
  openInstall,
});

// Whoever interrupts a question does not wait for its answer.
if (interruption.signal.aborted) process.stdout.write('', () => process.exit());

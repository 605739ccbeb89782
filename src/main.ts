import { homedir } from 'node:os';
import type { App } from './app.ts';
import { runCli } from './fronts/cli/program.ts';
import type { Report } from './ports.ts';

declare const SWAPCTL_VERSION: string;

interface Reach {
  readonly host?: string;
  readonly context?: string;
  readonly report: Report;
}

// What needs an engine is loaded only when one is needed: `swapctl --version` is to start like bare Node.
async function openApp({ host, context, report }: Reach): Promise<{ app: App; close: () => void }> {
  const [{ createApp }, docker, system, traffic] = await Promise.all([
    import('./app.ts'),
    import('./docker/open.ts'),
    import('./system/open.ts'),
    import('./traffic/nft-kernel.ts'),
  ]);
  const { env } = process;
  const engine = await docker.openEngine(
    { ...(host ? { host } : {}), ...(context ? { context } : {}) },
    env,
    homedir(),
  );
  const logins = async (): Promise<string[]> => docker.knownLogins(env, homedir());
  const kernel = traffic.nftKernel(async () => (await engine.facts()).local);
  const ports = { engine, report, kernel, ...system.openSystem(engine, logins) };
  return { app: createApp(ports), close: () => engine.close() };
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
  },
  version: SWAPCTL_VERSION,
  signal: interruption.signal,
  openApp,
});

import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { systemClock } from './adapters/host/clock.ts';
import { outliveReaders } from './adapters/host/output.ts';
import { runStep, type StepWorld } from './fronts/action/step.ts';

// The program that a runner starts for a step that `uses` this repository; see action.yml.

const { env } = process;

const openApp: StepWorld['openApp'] = async ({ access: { tls, ssh, logins }, server, ...reach }) => {
  if (server) {
    const { remoteApp } = await import('./fronts/client/app.ts');
    return remoteApp(server, reach.report);
  }
  const [{ createApp }, { withSwarm }, { openPorts }] = await Promise.all([
    import('./app/app.ts'),
    import('./app/with-swarm.ts'),
    import('./wiring/ports.ts'),
  ]);
  // The checked-out repository is the current folder, so its files (a swapctl.yml of a pull request) count as in a shell.
  const world = { env, home: homedir(), folder: process.cwd() };
  const ports = await openPorts({ ...reach, ...world, access: { tls, ssh, logins } });
  const close = (): void => {
    ports.engine.close();
    ports.registry.close();
  };
  return { app: withSwarm(createApp(ports), ports), close };
};

// A cancelled workflow sends SIGINT, SIGTERM 7.5 s later, and kills after another 2.5 s: use all that time to end safely.
const cancellation = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancellation.abort());

// A runner that stops reading, or has no room for its log, must not end a roll in the middle.
outliveReaders(process, () => {});

process.exitCode = await runStep({
  env,
  stdout: (text) => void process.stdout.write(text),
  append: appendFileSync,
  token: randomUUID(),
  temporary: env.RUNNER_TEMP || tmpdir(),
  clock: systemClock(),
  signal: cancellation.signal,
  openApp,
});

// A user who cancels does not wait for the answer to a question.
if (cancellation.signal.aborted) process.stdout.write('', () => process.exit());

import type { App } from '../../app/app.ts';
import { exitStatus, messageOf, SwapError } from '../../core/model/error.ts';
import type { Progress } from '../../core/report/progress.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { toReported } from '../../core/report/reported-error.ts';
import { formatDuration } from '../../core/text/duration.ts';
import { sanitizeText } from '../../core/text/sanitize.ts';
import { untilAborted } from '../common/aborted.ts';
import { explained, gravest } from '../common/failure.ts';
import type { Access } from './access.ts';
import { type Asked, readInputs } from './asked.ts';
import { comment } from './comment.ts';
import { inputsOf, secretsOf } from './input.ts';
import { type Keys, removeKeys, writeKeys } from './keys.ts';
import { createGroups } from './progress.ts';
import { documentOf, errorsOf, outcomeOf, type Result } from './result.ts';
import { type Outlet, openRunner, type Runner } from './runner.ts';
import { summaryOf } from './summary.ts';

/** The environment of a workflow's step. */
export interface StepWorld extends Outlet {
  /** The place of temporary files. */
  readonly temporary: string;
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** Aborted when the workflow is cancelled. */
  readonly signal: AbortSignal;
  /** Connects to the engine. */
  openApp(options: {
    readonly host?: string;
    readonly config?: string;
    readonly access: Omit<Access, 'host' | 'ssh' | 'server'> & { readonly ssh?: Keys['ssh'] };
    readonly server?: NonNullable<Access['server']>;
    readonly report: (progress: Progress) => void;
  }): Promise<{ app: App; close(): void }>;
}

// The state for the step after the job: runners pass it on as STATE_….
const BEGUN = 'begun';
const ENDED = 'ended';
const FOLDER = 'folder';

/**
 * Runs a step of a workflow and resolves to its exit status (the same as of the command line); it never rejects. The runner
 * starts it again after the job: then it removes the remains of a killed step.
 */
export async function runStep(world: StepWorld): Promise<number> {
  const runner = openRunner(world);
  if (world.env[`STATE_${BEGUN}`] !== undefined) return afterJob(world, runner);
  runner.state(BEGUN, 'yes');
  for (const secret of secretsOf(inputsOf(world.env))) runner.mask(secret);
  const began = world.clock.now();
  let asked: Asked | undefined;
  let result: Result;
  try {
    asked = readInputs(inputsOf(world.env));
    result = await doIt(world, runner, asked);
  } catch (error) {
    result = { kind: 'raised', error: reportedError(error) };
  }
  await tell(world, runner, { asked, result, seconds: (world.clock.now() - began) / 1000 });
  runner.state(ENDED, 'yes');
  return gravest(errorsOf(result).map(({ error }) => exitStatus(error.code)));
}

async function doIt(world: StepWorld, runner: Runner, asked: Asked): Promise<Result> {
  const limit = limited(world, runner, asked.timeoutMs);
  try {
    return await withApp(world, runner, asked, (app) => {
      const working = work(app, asked, limit.signal);
      return asked.dryRun ? untilAborted(working, limit.signal) : working;
    });
  } catch (error) {
    throw explained(error, !asked.dryRun);
  } finally {
    limit.end();
  }
}

async function work(app: App, asked: Asked, signal: AbortSignal): Promise<Result> {
  const { command, services, all, dryRun } = asked;
  const request = asked.request(signal);
  switch (command) {
    case 'roll':
      return { kind: 'rolls', reports: await app.roll(services, request) };
    case 'plan':
      return { kind: 'plans', plans: await app.plan(services, request) };
    case 'rollback':
      return { kind: 'rolls', reports: [await app.rollback(services[0] ?? '', request)] };
    case 'update':
      return { kind: 'updates', update: await app.update(services, { ...request, all, dryRun }) };
  }
}

/** Opens the engine, with keys in files while it is open. */
async function withApp<T>(
  world: StepWorld,
  runner: Runner,
  { access: { host, ssh, tls, logins, server }, config }: Pick<Asked, 'access' | 'config'>,
  use: (app: App) => Promise<T>,
): Promise<T> {
  const keys = ssh && (await writeKeys(ssh, world.temporary));
  if (keys) runner.state(FOLDER, keys.folder);
  const groups = createGroups(runner, world.env, world.clock.now);
  try {
    const opening = world.openApp({
      ...(host === undefined ? {} : { host }),
      ...(config === undefined ? {} : { config }),
      ...(server === undefined ? {} : { server }),
      access: { tls, logins, ...(keys ? { ssh: keys.ssh } : {}) },
      report: groups.report,
    });
    const { app, close } = await untilAborted(opening, world.signal).catch((error) => {
      opening.then((late) => late.close()).catch(() => {});
      throw error;
    });
    try {
      return await use(app);
    } finally {
      close();
    }
  } finally {
    groups.stop();
    if (keys) await removeKeys(keys.folder);
  }
}

/** Ends when the workflow is cancelled, or after the given time. */
function limited(world: StepWorld, runner: Runner, ms: number | undefined): { signal: AbortSignal; end(): void } {
  const run = new AbortController();
  const over = new AbortController();
  const stop = (why: string) => (): void => {
    if (run.signal.aborted || over.signal.aborted) return;
    runner.text(`${why}: it ends at the next safe point\n`);
    run.abort();
  };
  const cancelled = stop('cancelled');
  world.signal.addEventListener('abort', cancelled);
  if (world.signal.aborted) cancelled();
  if (ms !== undefined) void world.clock.sleep(ms, over.signal).then(stop(`${formatDuration(ms)} are over (timeout)`));
  const end = (): void => {
    over.abort();
    world.signal.removeEventListener('abort', cancelled);
  };
  return { signal: run.signal, end };
}

interface Shown {
  readonly asked: Asked | undefined;
  readonly result: Result;
  readonly seconds: number;
}

async function tell(world: StepWorld, runner: Runner, { asked, result, seconds }: Shown): Promise<void> {
  for (const [name, value] of Object.entries(outputsOf(result, seconds))) runner.output(name, value);
  for (const { what, error } of errorsOf(result)) annotate(runner, what, error);
  const title =
    `swapctl ${asked?.command ?? ''}${asked?.dryRun && asked.command === 'update' ? ' (dry run)' : ''}`.trim();
  const markdown = summaryOf(result, { title });
  runner.summary(markdown);
  if (!asked?.comment || world.signal.aborted) return;
  try {
    const key = [asked.command, ...asked.services, asked.access.host ?? ''].join(' ').replace(/[^\w./:@ -]|--+/g, '_');
    const written = await comment(markdown, { env: world.env, token: asked.comment.token, key });
    if (!written) runner.text('this run is of no pull request, so there is nothing to comment on\n');
  } catch (error) {
    runner.annotate('warning', 'swapctl', sanitizeText(messageOf(error)));
  }
}

function outputsOf(result: Result, seconds: number): Record<string, string> {
  const first = result.kind === 'rolls' ? result.reports[0] : undefined;
  const plan = result.kind === 'plans' ? result.plans[0] : undefined;
  const update = result.kind === 'updates' ? result.update.services.find(({ report }) => report) : undefined;
  const { from, to } = first ?? update?.report ?? {};
  return {
    outcome: outcomeOf(result),
    'from-image': from?.image ?? '',
    'from-digest': from?.digest ?? '',
    'to-image': to?.image ?? plan?.image ?? '',
    'to-digest': to?.digest ?? plan?.digest ?? '',
    seconds: seconds.toFixed(1),
    report: JSON.stringify(documentOf(result)),
  };
}

function annotate(runner: Runner, what: string, { message, hint, log = [] }: ReportedError): void {
  const said = log.length > 0 ? ['', 'The last lines that its container wrote:', ...log.slice(-10)] : [];
  const lines = [message, ...(hint ? [hint] : []), ...said].map(sanitizeText);
  runner.annotate('error', sanitizeText(what === 'swapctl' ? what : `swapctl: ${what}`), lines.join('\n'));
}

function reportedError(error: unknown): ReportedError {
  if (!(error instanceof SwapError)) {
    const hint = 'nothing is known to be broken: swapctl status shows the state now';
    return { code: 'step-failed', message: `unexpected: ${messageOf(error)}`, hint };
  }
  return toReported(error);
}

/** Removes the remains of a killed step: keys, and a half-done roll. */
async function afterJob(world: StepWorld, runner: Runner): Promise<number> {
  const folder = world.env[`STATE_${FOLDER}`];
  if (folder) await removeKeys(folder);
  if (world.env[`STATE_${ENDED}`] !== undefined) return 0;
  try {
    const { services, access, config, dryRun } = readInputs(inputsOf(world.env));
    // A server ends its jobs by itself.
    if (dryRun || access.server) return 0;
    const items = await withApp(world, runner, { access, config }, (app) => app.recover(services, world.signal));
    for (const { service, found, outcome } of items)
      runner.annotate('notice', 'swapctl', sanitizeText(`${service}: ${found}: ${outcome}`));
    return gravest(items.map(({ outcome }) => (outcome === 'failed' ? 3 : 0)));
  } catch (error) {
    annotate(runner, 'swapctl', reportedError(error));
    return 0;
  }
}

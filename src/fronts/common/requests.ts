import path from 'node:path';
import type { RollRequest, UpdateRequest } from '../../app/app.ts';
import { type BuildSpec, PLAIN_BUILD } from '../../core/build/build.ts';
import { parseDevRule } from '../../core/build/develop.ts';
import { parseGitSource } from '../../core/build/git.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { PullPolicy } from '../../core/model/image.ts';
import { NO_LABELS } from '../../core/model/own-labels.ts';
import { parseReference } from '../../core/model/reference.ts';
import { readPolicy } from '../../core/settings/read.ts';
import { parseDuration } from '../../core/text/duration.ts';
import { printable } from '../../core/text/suggest.ts';
import { askedTarget } from '../../core/update/roll-target.ts';
import { parseSchedule } from '../../core/update/schedule.ts';
import type { DevRequest } from '../../daemons/dev/dev.ts';
import { seeHelp } from './failure.ts';

/** The options of `roll`, `plan` and `rollback` as they were written. */
export interface RollFlags {
  readonly image?: string;
  readonly digest?: string;
  readonly pull?: PullPolicy;
  readonly force?: boolean;
  readonly explain?: boolean;
  readonly settle?: string;
  readonly drainTimeout?: string;
  readonly drainIdle?: boolean;
  readonly healthTimeout?: string;
  readonly strategy?: string;
  readonly rehearsal?: boolean;
  readonly keep?: string;
  readonly notify?: boolean;
  readonly withVolumes?: boolean;
}

/** The request of `roll` and `plan`, after all checks, so that a mistake ends the run before an engine is asked. */
export function rollRequest(flags: RollFlags, command: string, signal: AbortSignal): RollRequest {
  const { image, digest, pull, force, explain } = flags;
  return checked(command, () => {
    if (digest !== undefined && !DIGEST.test(digest))
      return fail('usage', `${printable(digest)} is no digest`, { hint: 'write it like sha256:3f9a…, all of it' });
    const target = askedTarget({ image, digest });
    return { target, pull, force, overrides: overrides(flags), signal, ...(explain ? { explain } : {}) };
  });
}

/** The request of `rollback`; its image may be the start of a digest of the history. */
export function rollbackRequest(flags: RollFlags, command: string, signal: AbortSignal): RollRequest {
  const { image, withVolumes } = flags;
  return checked(command, () => {
    if (image !== undefined && !DIGEST_START.test(image)) parseReference(image);
    return { earlier: image, withVolumes, overrides: overrides(flags), signal };
  });
}

/** The options of `update` as they were written. */
export interface UpdateFlags extends Pick<RollFlags, 'settle' | 'drainTimeout' | 'drainIdle' | 'healthTimeout'> {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly metricsFile?: string;
}

/** The options of `watch` as they were written. */
export interface WatchFlags extends UpdateFlags {
  readonly heartbeat?: string;
}

/** The request of `watch`. */
export function watchRequest(flags: UpdateFlags, command: string): Pick<UpdateRequest, 'all' | 'overrides'> {
  return checked(command, () => ({ all: flags.all, overrides: overrides(flags) }));
}

/** The options of `dev` as they were written. */
export interface DevFlags extends RollFlags {
  readonly git?: string | true;
  readonly interval?: string;
  readonly build?: string;
  readonly file?: string;
  readonly target?: string;
  readonly buildArg?: readonly string[];
  readonly watch?: readonly string[];
  readonly poll?: string | true;
  readonly firstBuild?: boolean;
  readonly rollbackOnExit?: boolean;
}

// A developer watches the result: no proof over seconds, and the next save must not wait.
const DEV_TIMES = { settle: '0s', 'drain.timeout': '2s', linger: '2s' };
const POLL_EVERY = '500ms';

/** The request of `dev`; paths are relative to the folder. */
export function devRequest(services: readonly string[], flags: DevFlags, command: string, folder: string): DevRequest {
  const { watch = [], poll, firstBuild = true, rollbackOnExit = false } = flags;
  return checked(command, () => {
    if (flags.interval !== undefined) fail('usage', '--interval goes with --git', { hint: '--poll is for files' });
    for (const rule of watch) parseDevRule(rule, folder, '--watch');
    return {
      services,
      build: devBuild(flags, folder),
      rules: watch,
      folder,
      firstBuild,
      rollbackOnExit,
      pollMs: poll === undefined ? undefined : parseDuration(poll === true ? POLL_EVERY : poll, '--poll'),
      overrides: { ...DEV_TIMES, ...overrides(flags) },
    };
  });
}

const ASK_EVERY = '10s';

/** The request to track a branch: a watch like that of any other service, only with a short interval. */
export function gitRequest(flags: DevFlags, command: string): Pick<UpdateRequest, 'overrides'> {
  return checked(command, () => {
    const { git, interval = ASK_EVERY, build, watch, poll, rollbackOnExit, firstBuild } = flags;
    const other = { '--build': build, '--watch': watch, '--poll': poll, '--rollback-on-exit': rollbackOnExit };
    const [clash] = Object.entries(other).find(([, value]) => value !== undefined) ?? [];
    const without = clash ?? (firstBuild === false ? '--no-first-build' : undefined);
    if (without) fail('usage', `${without} does not go with --git`, { hint: 'with --git the files come from commits' });
    if (typeof git === 'string') parseGitSource(git, '--git');
    parseSchedule(`every ${interval}`, '--interval');
    const source = typeof git === 'string' ? { 'build.git': git } : {};
    const own = { ...DEV_TIMES, schedule: `every ${interval}`, backoff: 'off', ...source, ...overrides(flags) };
    readPolicy(NO_LABELS, own);
    return { overrides: own };
  });
}

function devBuild({ build, file, target, buildArg = [] }: DevFlags, folder: string): BuildSpec | undefined {
  if (build === undefined) {
    const alone = file ? '--file' : target ? '--target' : buildArg.length > 0 ? '--build-arg' : undefined;
    return alone ? fail('usage', `${alone} goes with --build`, { hint: 'compose files say it in build:' }) : undefined;
  }
  const args = Object.fromEntries(buildArg.map((arg) => [arg.split('=', 1)[0] ?? '', arg.slice(arg.indexOf('=') + 1)]));
  const context = path.resolve(folder, build);
  return { ...PLAIN_BUILD, context, dockerfile: file && path.resolve(folder, file), target, args };
}

/** The request of `update`. */
export function updateRequest(flags: UpdateFlags, command: string, signal: AbortSignal): UpdateRequest {
  const { all, dryRun } = flags;
  return checked(command, () => ({ all, dryRun, overrides: overrides(flags), signal }));
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const DIGEST_START = /^(sha256:)?[0-9a-f]{4,64}$/;

function overrides(flags: RollFlags): Record<string, string> {
  const given = {
    settle: flags.settle,
    'drain.timeout': flags.drainTimeout,
    'drain.idle': flags.drainIdle === false ? 'false' : undefined,
    'health.timeout': flags.healthTimeout,
    strategy: flags.strategy,
    rehearsal: flags.rehearsal === false ? 'false' : undefined,
    keep: flags.keep,
  };
  const written = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  readPolicy(NO_LABELS, written);
  return written;
}

function checked<T>(command: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    const hint = [error.hint, seeHelp(command)].filter(Boolean).join('; ');
    return fail(error.code, error.message, { hint, cause: error.cause });
  }
}

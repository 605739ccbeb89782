import type { RollRequest, UpdateRequest } from '../../app.ts';
import { fail, SwapError } from '../../core/error.ts';
import type { PullPolicy } from '../../core/image.ts';
import { readPolicy } from '../../core/policy.ts';
import { parseReference } from '../../core/reference.ts';
import { seeHelp } from './failure.ts';

/** The options of `roll`, `plan` and `rollback` as they were written. */
export interface RollFlags {
  readonly image?: string;
  readonly pull?: PullPolicy;
  readonly force?: boolean;
  readonly explain?: boolean;
  readonly settle?: string;
  readonly drainTimeout?: string;
  readonly healthTimeout?: string;
  readonly strategy?: string;
  readonly rehearsal?: boolean;
  readonly keep?: string;
  readonly notify?: boolean;
}

/** What `roll` and `plan` are asked to do, all of it checked, so that a mistake ends the run before an engine is asked. */
export function rollRequest(flags: RollFlags, command: string, signal: AbortSignal): RollRequest {
  const { image, pull, force, explain } = flags;
  return checked(command, () => {
    if (image !== undefined) parseReference(image);
    return { image, pull, force, overrides: overrides(flags), signal, ...(explain ? { explain } : {}) };
  });
}

/** What `rollback` is asked to do; its image may be the beginning of a digest of the history. */
export function rollbackRequest(flags: RollFlags, command: string, signal: AbortSignal): RollRequest {
  const { image } = flags;
  return checked(command, () => {
    if (image !== undefined && !DIGEST_START.test(image)) parseReference(image);
    return { image, overrides: overrides(flags), signal };
  });
}

/** The options of `update` as they were written. */
export interface UpdateFlags extends Pick<RollFlags, 'settle' | 'drainTimeout' | 'healthTimeout'> {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

/** What `watch` is asked to do. */
export function watchRequest(flags: UpdateFlags, command: string): Pick<UpdateRequest, 'all' | 'overrides'> {
  return checked(command, () => ({ all: flags.all, overrides: overrides(flags) }));
}

/** What `update` is asked to do. */
export function updateRequest(flags: UpdateFlags, command: string, signal: AbortSignal): UpdateRequest {
  const { all, dryRun } = flags;
  return checked(command, () => ({ all, dryRun, overrides: overrides(flags), signal }));
}

const DIGEST_START = /^(sha256:)?[0-9a-f]{4,64}$/;

function overrides(flags: RollFlags): Record<string, string> {
  const given = {
    settle: flags.settle,
    'drain.timeout': flags.drainTimeout,
    'health.timeout': flags.healthTimeout,
    strategy: flags.strategy,
    rehearsal: flags.rehearsal === false ? 'false' : undefined,
    keep: flags.keep,
  };
  const written = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  readPolicy({}, written);
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

import type { RollRequest } from '../../app/app.ts';
import { PULL_POLICIES, type PullPolicy } from '../../core/model/image.ts';
import { parseDuration } from '../../core/text/duration.ts';
import { type RollFlags, rollbackRequest, rollRequest, updateRequest } from '../common/requests.ts';
import { type Access, accessOf } from './access.ts';
import { flag, type Input, oneOf, refuse, singleLine } from './input.ts';

const COMMANDS = ['roll', 'plan', 'rollback', 'update'] as const;

export type Command = (typeof COMMANDS)[number];

/** The request of a workflow's step, after all checks. */
export interface Asked {
  readonly command: Command;
  readonly services: readonly string[];
  /** True: change nothing. */
  readonly dryRun: boolean;
  /** For `update`: every service that is not opted out. */
  readonly all: boolean;
  /** After this time the step ends as if the workflow had been cancelled. */
  readonly timeoutMs: number | undefined;
  readonly config: string | undefined;
  readonly access: Access;
  /** Comments on the pull request with this token. */
  readonly comment: { readonly token: string } | undefined;
  /** The request for the use cases, once there is a signal. */
  request(signal: AbortSignal): RollRequest;
}

/** Reads the inputs. Raises `usage` (or `config`, for settings) for a mistake, before the first change. */
export function readInputs(input: Input): Asked {
  const single = singleLine(input);
  const dryRun = flag(single, 'dry-run');
  const command = oneOf(single, 'command', COMMANDS) ?? 'roll';
  if (dryRun && command === 'rollback')
    refuse('dry-run', 'has no meaning with the command rollback', 'use the command plan');
  const services = servicesOf(input, command);
  const timeout = single('timeout');
  return {
    command: command === 'roll' && dryRun ? 'plan' : command,
    services,
    dryRun: dryRun || command === 'plan',
    all: flag(single, 'all'),
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, 'timeout'),
    config: single('config'),
    access: accessOf(input, single),
    comment: commentOf(single),
    request: requestOf(single, command),
  };
}

function servicesOf(input: Input, command: Command): string[] {
  const services = (input('service') ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const hostile = services.find((name) => name.startsWith('-'));
  if (hostile) refuse('service', `names ${JSON.stringify(hostile)}, which begins with a dash`);
  if (services.length === 0 && command !== 'update')
    refuse('service', 'is missing', `say which service to ${command}: a compose service, a container or an id`);
  if (services.length > 1 && command === 'rollback') refuse('service', 'names several', 'roll back one at a time');
  return services;
}

const FLAGS = {
  image: 'image',
  strategy: 'strategy',
  settle: 'settle',
  'drain-timeout': 'drainTimeout',
  'health-timeout': 'healthTimeout',
  keep: 'keep',
} as const;

function requestOf(single: Input, command: Command): Asked['request'] {
  const given = Object.entries(FLAGS).flatMap(([name, key]) => {
    const text = single(name);
    return text === undefined ? [] : [[key, text] as const];
  });
  const pull: PullPolicy | undefined = oneOf(single, 'pull', PULL_POLICIES);
  const flags: RollFlags = {
    ...Object.fromEntries(given),
    ...(pull ? { pull } : {}),
    ...(flag(single, 'force') ? { force: true } : {}),
    ...switchedOff(single),
  };
  return fitting(command, flags);
}

const ON_BY_DEFAULT = { rehearsal: 'rehearsal', 'drain-idle': 'drainIdle' } as const;

function switchedOff(single: Input): Partial<RollFlags> {
  const off = Object.entries(ON_BY_DEFAULT).filter(([name]) => single(name) !== undefined && !flag(single, name));
  return Object.fromEntries(off.map(([, key]) => [key, false]));
}

// Read once before there is a signal, so that a mistake is reported at once.
function fitting(command: Command, flags: RollFlags): Asked['request'] {
  const read = (signal: AbortSignal): RollRequest => {
    if (command === 'rollback') return rollbackRequest(flags, 'action.yml', signal);
    if (command !== 'update') return rollRequest(flags, 'action.yml', signal);
    const { overrides = {} } = updateRequest(flags, 'action.yml', signal);
    return { overrides, signal };
  };
  const meaningless = command === 'update' ? (['image', 'pull', 'force'] as const) : [];
  for (const name of meaningless)
    if (flags[name] !== undefined) refuse(name, 'has no meaning with the command update', 'use the command roll');
  read(new AbortController().signal);
  return read;
}

function commentOf(single: Input): Asked['comment'] {
  if (!flag(single, 'comment')) return undefined;
  const token = single('github-token');
  return token === undefined
    ? refuse(
        'comment',
        'needs a token',
        'leave github-token at its default, or set a token that may write to pull requests',
      )
    : { token };
}

import { parseDuration } from './duration.ts';
import { fail } from './error.ts';
import type { Strategy } from './way.ts';

/** How one service is to be rolled: from its container's labels, overruled by the command line. Times in milliseconds. */
export interface Policy {
  readonly strategy: Strategy;
  /** Whether a second writer on its volumes is harmless. */
  readonly volumes: 'exclusive' | 'shared';
  /** Whether stop-first proves the image without the exclusive things first. */
  readonly rehearsal: boolean;
  /** How long a new container is watched after it took over, with the old one still at hand. */
  readonly settleMs: number;
  /** How long at the most open connections of the old container are waited for. */
  readonly drainMs: number;
  /** How long a new container may take to become healthy; undefined: derived from its health check. */
  readonly healthTimeoutMs: number | undefined;
  readonly probe: UserProbe | undefined;
  /** How many old images are kept as the way back. */
  readonly keep: number;
}

/** A health check given by label, for images that have none. */
export type UserProbe =
  | { readonly kind: 'cmd'; readonly command: string }
  | { readonly kind: 'http'; readonly port: number; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: number };

const DEFAULTS: Policy = {
  strategy: 'auto',
  volumes: 'exclusive',
  rehearsal: true,
  settleMs: 5000,
  drainMs: 10_000,
  healthTimeoutMs: undefined,
  probe: undefined,
  keep: 1,
};

type Reader = (value: string, what: string) => Partial<Policy>;

/** Every label that steers swapctl, and how its value is read. */
const READERS: Record<string, Reader> = {
  strategy: (value, what) => ({ strategy: oneOf(value, ['auto', 'start-first', 'stop-first', 'handover'], what) }),
  volumes: (value, what) => ({ volumes: oneOf(value, ['exclusive', 'shared'], what) }),
  rehearsal: (value, what) => ({ rehearsal: oneOf(value, ['true', 'false'], what) === 'true' }),
  settle: (value, what) => ({ settleMs: parseDuration(value, what) }),
  'drain.timeout': (value, what) => ({ drainMs: parseDuration(value, what) }),
  'health.timeout': (value, what) => ({ healthTimeoutMs: parseDuration(value, what) }),
  'health.cmd': (value, what) => ({ probe: { kind: 'cmd', command: nonEmpty(value, what) } }),
  'health.http': (value, what) => ({ probe: httpProbe(value, what) }),
  'health.tcp': (value, what) => ({ probe: { kind: 'tcp', port: port(value, what) } }),
  keep: (value, what) => ({ keep: count(value, what) }),
};

const PREFIX = 'swapctl.';
const OWN = `${PREFIX}state.`;
// Set by test suites to mark what is theirs; they steer nothing.
const MARK = `${PREFIX}test`;

/** The keys of the labels that steer swapctl, with their prefix. */
export const POLICY_LABELS: readonly string[] = Object.keys(READERS).map((key) => PREFIX + key);

/**
 * Reads the policy of a service from the labels that its user set (not its image) and from overrides of the command
 * line, which use the same keys without the prefix. Raises `config` for unknown keys and wrong values.
 */
export function readPolicy(
  labels: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>> = {},
): Policy {
  let policy = DEFAULTS;
  refuseTwoChecks(labels);
  for (const [label, value] of Object.entries(labels)) {
    if (!label.startsWith(PREFIX) || label.startsWith(OWN) || label === MARK || label.startsWith(`${MARK}.`)) continue;
    const reader = readerOf(label.slice(PREFIX.length)) ?? unknownLabel(label);
    policy = { ...policy, ...reader(value, `label ${label}`) };
  }
  for (const [key, value] of Object.entries(overrides)) {
    const reader = readerOf(key) ?? unknownLabel(PREFIX + key);
    policy = { ...policy, ...reader(value, `--${key.replaceAll('.', '-')}`) };
  }
  return policy;
}

function refuseTwoChecks(labels: Readonly<Record<string, string>>): void {
  const given = ['cmd', 'http', 'tcp'].map((kind) => `${PREFIX}health.${kind}`).filter((label) => label in labels);
  if (given.length > 1) fail('config', `${given.join(' and ')} are set at once`, { hint: 'keep one of them' });
}

// Not what every object has: a label may be called `constructor`.
function readerOf(key: string): Reader | undefined {
  return Object.hasOwn(READERS, key) ? READERS[key] : undefined;
}

function unknownLabel(label: string): never {
  const near = POLICY_LABELS.find((known) => distance(known, label) <= 2);
  return fail('config', `label ${printable(label)} is none that swapctl knows`, {
    hint: near ? `did you mean ${near}?` : `known are: ${POLICY_LABELS.join(', ')}`,
  });
}

function oneOf<T extends string>(value: string, allowed: readonly T[], what: string): T {
  const found = allowed.find((candidate) => candidate === value.trim());
  return (
    found ??
    fail('config', `${what}: ${printable(value)} is not allowed`, { hint: `use one of: ${allowed.join(', ')}` })
  );
}

function nonEmpty(value: string, what: string): string {
  return (
    value.trim() || fail('config', `${what} is empty`, { hint: 'give a shell command that ends with 0 when healthy' })
  );
}

function httpProbe(value: string, what: string): UserProbe {
  const match = /^:?(\d{1,5})(\/[^\s]*)?$/.exec(value.trim());
  if (!match?.[1])
    return fail('config', `${what}: ${printable(value)} is no port and path`, { hint: 'write it like 8080/healthz' });
  return { kind: 'http', port: port(match[1], what), path: match[2] ?? '/' };
}

function port(value: string, what: string): number {
  const number = /^\d{1,5}$/.test(value.trim()) ? Number(value) : 0;
  if (number < 1 || number > 65_535)
    return fail('config', `${what}: ${printable(value)} is no port`, { hint: 'give a number from 1 to 65535' });
  return number;
}

function count(value: string, what: string): number {
  if (!/^\d{1,2}$/.test(value.trim()))
    return fail('config', `${what}: ${printable(value)} is no count`, { hint: 'give a number from 0 to 99' });
  return Number(value);
}

/** A user's text made safe to print: quoted, control characters escaped, not endless. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

/** Edit distance, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

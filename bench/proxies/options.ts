// The options of the command, and what they choose.
import { parseArgs } from 'node:util';
import { APPS, type Choice, HEALTHS, STRATEGIES } from './cells.ts';
import { lacking } from './images.ts';
import { PROXIES } from './proxies.ts';

const PARTS = ['table', 'side-by-side'] as const;

const USAGE = `usage: npm run bench -- proxies [--binaries FOLDER] [--rolls N] [--part ${PARTS.join(' | ')}]
    [--proxy NAME ...] [--health ${HEALTHS.join(' | ')} ...] [--app ${APPS.join(' | ')} ...] [--replicas 1 | 2 ...]
    [--strategy ${STRATEGIES.join(' | ')} ...] [--everything]
Options with ... may be given several times. Proxies: ${PROXIES.map(({ name }) => name).join(' | ')}`;

export interface Options {
  readonly binaries: string | undefined;
  readonly rolls: number;
  readonly parts: readonly (typeof PARTS)[number][];
  readonly choice: Choice;
  /** The chosen proxies that can't be had, with the files that the folder lacks. */
  readonly missing: readonly { readonly name: string; readonly files: readonly string[] }[];
}

const MANY = { type: 'string', multiple: true } as const;
const OPTIONS = {
  binaries: { type: 'string' },
  rolls: { type: 'string', default: '1' },
  everything: { type: 'boolean' },
  part: MANY,
  proxy: MANY,
  health: MANY,
  app: MANY,
  replicas: MANY,
  strategy: MANY,
} as const;

function valuesOf(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

/** By default one roll of each proxy and each HEALTHCHECK, and the list side by side. */
export function parseOptions(args: string[]): Options {
  const values = valuesOf(args);
  const rolls = Number(values.rolls);
  if (!Number.isInteger(rolls) || rolls < 1) throw new Error(USAGE);
  const all = values.everything ?? false;
  const named = picked(
    values.proxy,
    PROXIES.map(({ name }) => name),
  );
  const proxies = PROXIES.filter(({ name }) => named?.includes(name) ?? true);
  const missing = proxies.map((proxy) => ({ name: proxy.name, files: lacking(proxy.binaries, values.binaries) }));
  return {
    binaries: values.binaries,
    rolls,
    parts: picked(values.part, PARTS) ?? PARTS,
    missing: missing.filter(({ files }) => files.length > 0),
    choice: {
      proxies: proxies.filter((_, at) => missing[at]?.files.length === 0),
      apps: picked(values.app, APPS) ?? (all ? APPS : ['drains']),
      replicas: picked(values.replicas, ['1', '2'])?.map(Number) ?? (all ? [1, 2] : [1]),
      healths: picked(values.health, HEALTHS) ?? (all ? HEALTHS : ['30s', 'none', '1s']),
      slowForAll: all || values.health !== undefined,
      strategies: picked(values.strategy, STRATEGIES) ?? (all ? STRATEGIES : ['start-first']),
    },
  };
}

/** The values that are named, in the order of all; undefined if none is. */
function picked<T extends string>(named: readonly string[] | undefined, all: readonly T[]): readonly T[] | undefined {
  const unknown = named?.find((one) => !all.includes(one as T));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${all.join(', ')}\n${USAGE}`);
  return named && all.filter((one) => named.includes(one));
}

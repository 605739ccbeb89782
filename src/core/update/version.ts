/** A tag that is a version: `v1.27.3-rc.1-alpine` is prefix `v`, numbers 1 27 3, pre-release rc 1, suffix `-alpine`. */
export interface Version {
  readonly prefix: string;
  readonly numbers: readonly number[];
  /** The parts of the pre-release (`rc`, `1`); undefined for a release. */
  readonly pre: readonly string[] | undefined;
  /** The same as numbers, for the order: the stage (alpha, beta, rc), and its number. */
  readonly stage: readonly number[] | undefined;
  /** The part that makes it another kind of image, from the separator on; without the numbers of a base system. */
  readonly suffix: string;
  /** The version of the base system: 3 20 of `-alpine3.20`. Empty if the tag does not name it. */
  readonly base: readonly number[];
}

// In ascending order. Single letters are of Python's kind: 3.14.0b1, 3.14.0rc1.
const STAGES = [
  ['dev', 'develop', 'snapshot', 'nightly', 'canary', 'edge', 'unstable', 'experimental', 'insiders'],
  ['alpha', 'a'],
  ['beta', 'b', 'm', 'milestone', 'ea', 'preview', 'pre', 'next', 'test', 'testing'],
  ['rc', 'cr'],
] as const;

const WORDS = STAGES.flat().filter((word) => word.length > 2 || word === 'rc' || word === 'cr' || word === 'ea');
const LETTERS = STAGES.flat().filter((word) => word.length === 1);
// MinIO and others name a release by its time: RELEASE.2024-11-07T00-52-20Z.
const INSTANT = /^(\D*)(\d{4})-(\d{2})-(\d{2})T(\d{2})-(\d{2})-(\d{2})Z(.*)$/;
// A word with a number before `-v` belongs to the name: pg14-v0.2.0 is version 0.2.0 for PostgreSQL 14.
const NAMED = /^([A-Za-z]{2,}\d{1,9}(?:\.\d{1,9}){0,2}-v)(\d{1,15}(?:\.\d{1,15}){0,5})(?![\d.])(.*)$/;
// A newer system is the same kind of image; a newer -php8.2 or -jdk21 is not.
const SYSTEM = /^(.*-(?:alpine|debian|ubuntu|ubi))(\d{1,9}(?:\.\d{1,9}){0,2})$/;
const VERSION = /^(\D*?)(\d{1,15}(?:\.\d{1,15}){0,5})(?![\d.])(.*)$/;
const PRE = new RegExp(
  `^[-._+~]?((?:${WORDS.join('|')})(?![a-z])|(?:${LETTERS.join('|')})(?=\\d))[-._]?(\\d{1,15}(?:\\.\\d{1,15}){0,3})?(?=[-._+]|$)`,
  'i',
);

/** Reads a tag as a version; undefined if it holds none. */
export function parseVersion(tag: string): Version | undefined {
  const [, before = '', ...instant] = INSTANT.exec(tag) ?? [];
  if (instant.length > 0) return release(before, instant.slice(0, -1), instant.at(-1) ?? '');
  const [, prefix = '', dotted, rest = ''] = NAMED.exec(tag) ?? VERSION.exec(tag) ?? [];
  if (dotted === undefined || /[0-9a-f]{7}/i.test(hexRun(prefix, dotted, rest))) return undefined;
  const numbers = dotted.split('.');
  const [whole, word, count] = PRE.exec(rest) ?? [];
  if (whole === undefined || word === undefined) return release(prefix, numbers, rest);
  const counts = count?.split('.') ?? [];
  return {
    ...release(prefix, numbers, rest.slice(whole.length)),
    pre: [word.toLowerCase(), ...counts.map((one) => String(Number(one)))],
    stage: [stageOf(word.toLowerCase()), ...counts.map(Number)],
  };
}

function release(prefix: string, numbers: readonly string[], rest: string): Version {
  const [, suffix = rest, system] = SYSTEM.exec(rest) ?? [];
  const base = system?.split('.').map(Number) ?? [];
  return { prefix, numbers: numbers.map(Number), pre: undefined, stage: undefined, suffix, base };
}

/** True: both versions are of the same kind of image, so that one can be newer than the other. */
export function sameKind(a: Version, b: Version): boolean {
  const alike = a.prefix === b.prefix && a.suffix === b.suffix && isDate(a) === isDate(b);
  // Another major version of the system is another kind, and so is an unnamed one.
  return alike && a.base[0] === b.base[0];
}

/** Compares number by number; a missing one counts as zero. */
export function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [left, right] = [a[at] ?? 0, b[at] ?? 0];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

// A build of 2024 or of 20240115 is not version two thousand of a project at 8.
function isDate({ numbers: [first = 0] }: Version): boolean {
  return first >= 1000;
}

// A commit hash that starts with digits is no version.
function hexRun(prefix: string, dotted: string, rest: string): string {
  if (prefix !== '' && !/[-_]$|^v$/.test(prefix)) return '';
  const [run = ''] = /^[0-9a-f]*/i.exec(`${dotted}${rest}`) ?? [];
  return /[a-f]/i.test(run) && !dotted.includes('.') ? run : '';
}

function stageOf(word: string): number {
  return STAGES.findIndex((words) => words.some((one) => one === word));
}

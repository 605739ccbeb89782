/** A tag that is a version: `v1.27.3-rc.1-alpine` is prefix `v`, numbers 1 27 3, pre-release rc 1, suffix `-alpine`. */
export interface Version {
  readonly prefix: string;
  readonly numbers: readonly number[];
  /** The parts of the pre-release (`rc`, `1`); undefined for a release. */
  readonly pre: readonly string[] | undefined;
  /** The same as numbers, for the order: how far along (alpha, beta, rc), and which one. */
  readonly stage: readonly number[] | undefined;
  /** What makes it another kind of image, from the separator on. */
  readonly suffix: string;
}

// In the order in which they come before a release. Single letters are of Python's kind: 3.14.0b1, 3.14.0rc1.
const STAGES = [
  ['dev', 'develop', 'snapshot', 'nightly', 'canary', 'edge', 'unstable', 'experimental', 'insiders'],
  ['alpha', 'a'],
  ['beta', 'b', 'm', 'milestone', 'ea', 'preview', 'pre', 'next', 'test', 'testing'],
  ['rc', 'cr'],
] as const;

const WORDS = STAGES.flat().filter((word) => word.length > 2 || word === 'rc' || word === 'cr' || word === 'ea');
const LETTERS = STAGES.flat().filter((word) => word.length === 1);
const VERSION = /^(\D*?)(\d{1,15}(?:\.\d{1,15}){0,5})(?![\d.])(.*)$/;
const PRE = new RegExp(
  `^[-._+~]?((?:${WORDS.join('|')})(?![a-z])|(?:${LETTERS.join('|')})(?=\\d))[-._]?(\\d{1,15}(?:\\.\\d{1,15}){0,3})?(?=[-._+]|$)`,
  'i',
);

/** Reads a tag as a version; undefined if there is none in it. */
export function parseVersion(tag: string): Version | undefined {
  const [, prefix = '', dotted, rest = ''] = VERSION.exec(tag) ?? [];
  if (dotted === undefined || /[0-9a-f]{7}/i.test(hexRun(prefix, dotted, rest))) return undefined;
  const numbers = dotted.split('.').map(Number);
  const [whole, word, count] = PRE.exec(rest) ?? [];
  if (whole === undefined || word === undefined)
    return { prefix, numbers, pre: undefined, stage: undefined, suffix: rest };
  const counts = count?.split('.') ?? [];
  return {
    prefix,
    numbers,
    pre: [word.toLowerCase(), ...counts.map((one) => String(Number(one)))],
    stage: [stageOf(word.toLowerCase()), ...counts.map(Number)],
    suffix: rest.slice(whole.length),
  };
}

/** Whether two versions are of the same kind of image, so that one can be newer than the other. */
export function sameKind(a: Version, b: Version): boolean {
  return a.prefix === b.prefix && a.suffix === b.suffix && isDate(a) === isDate(b);
}

/** Compares number by number; what is missing counts as zero. */
export function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [left, right] = [a[at] ?? 0, b[at] ?? 0];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

// A build of 2024 or of 20240115 is not version two thousand of what is at 8.
function isDate({ numbers: [first = 0] }: Version): boolean {
  return first >= 1000;
}

// A commit's hash that begins with digits is no version.
function hexRun(prefix: string, dotted: string, rest: string): string {
  if (prefix !== '' && !/[-_]$|^v$/.test(prefix)) return '';
  const [run = ''] = /^[0-9a-f]*/i.exec(`${dotted}${rest}`) ?? [];
  return /[a-f]/i.test(run) && !dotted.includes('.') ? run : '';
}

function stageOf(word: string): number {
  return STAGES.findIndex((words) => words.some((one) => one === word));
}

import path from 'node:path';
import { fail, messageOf } from '../../core/model/error.ts';
import { printable } from '../../core/text/suggest.ts';
import { readText } from '../files/read.ts';
import { fenceOf } from './fence.ts';
import { freshEffort, type Glob, globOf } from './glob.ts';

/** The patterns that leave paths out, and the folders to walk all the same. */
export interface Ignore {
  /** A path relative to the folder of the patterns, with `/`. */
  leavesOut(relative: string): boolean;
  /** True: no file below the folder can count. */
  closes(relative: string): boolean;
}

/**
 * Patterns of .dockerignore; `!` re-includes files. Raises `config` for more or longer patterns than any build has: the excluded
 * files must not silently get into an image.
 */
export function ignoreOf(patterns: readonly string[]): Ignore {
  if (patterns.length > MOST_PATTERNS)
    fail('config', `there are ${patterns.length} patterns of files to leave out; swapctl takes ${MOST_PATTERNS}`);
  const rules = patterns.flatMap(ruleOf);
  const exceptions = rules.flatMap(({ exception, pattern }) => (exception ? [pattern] : []));
  const leavesOut = (relative: string): boolean => relative !== '' && lastOf(rules, relative);
  return {
    leavesOut,
    // As the docker CLI does; an initial wildcard matches at any depth.
    closes: (relative) =>
      leavesOut(relative) &&
      !exceptions.some((pattern) => /^[*?[]/.test(pattern) || `${pattern}/`.startsWith(`${relative}/`)),
  };
}

interface Rule {
  readonly exception: boolean;
  readonly pattern: string;
  readonly matches: Glob;
}

const MOST_PATTERNS = 5000;
// The maximum length of a path.
const LONGEST_PATTERN = 4096;

// Cleaned as docker does: `/a/./b/../c/` is `a/c`.
function ruleOf(line: string): Rule[] {
  const text = line.trim();
  const exception = text.startsWith('!');
  const pattern = path.posix.normalize((exception ? text.slice(1) : text).trim() || '.').replace(/^\/+|\/+$/g, '');
  if (pattern === '.' || pattern === '') return [];
  if (pattern.length > LONGEST_PATTERN)
    fail(
      'config',
      `the pattern ${printable(pattern)}… of files to leave out is longer than ${LONGEST_PATTERN} characters`,
    );
  return [{ exception, pattern, matches: globOf(pattern) }];
}

// The last rule that matches a path, or one of its parent folders, decides.
function lastOf(rules: readonly Rule[], relative: string): boolean {
  const how = { above: true, effort: freshEffort() };
  return rules.reduce(
    (out, { exception, matches }) => (exception === out && matches(relative, how) ? !exception : out),
    false,
  );
}

/** The ignore file of a build: `<Dockerfile>.dockerignore`, else `.dockerignore`. */
export async function ignoreFile(
  context: string,
  dockerfile: string | undefined,
): Promise<{ readonly file: string; readonly patterns: readonly string[] } | undefined> {
  const own = dockerfile === undefined ? undefined : await read(`${dockerfile}.dockerignore`, context);
  return own ?? (await read(path.join(context, '.dockerignore'), context));
}

async function read(file: string, context: string): Promise<{ file: string; patterns: string[] } | undefined> {
  const lines = (await textOf(file, context))?.replace(/^\ufeff/, '').split(/\r?\n/);
  return lines && { file, patterns: lines.filter((line) => line.trim() !== '' && !line.startsWith('#')) };
}

async function textOf(file: string, context: string): Promise<string | undefined> {
  try {
    return await readText(file, { within: fenceOf(file, context) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return fail('config', `${file} can't be read: ${messageOf(error)}`, {
      hint: 'it has to be a regular file that you may read',
    });
  }
}

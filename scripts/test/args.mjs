// The arguments of the test commands.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../prepare/npm.mjs';
import { Failure } from '../shell.mjs';

/** Of the commands whose tests run on an engine. */
export const AT_A_TIME = { 'at-a-time': { type: 'string' } };

const PATTERN = { 'test-name-pattern': { type: 'string', multiple: true } };

/** Files, by their paths in this repository; and `--test-name-pattern` as node has it, beside what the command takes. */
export function parse(args, more = {}) {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...PATTERN, ...more } });
    const files = positionals.map((file) => path.relative(root, path.resolve(file)));
    return { ...values, patterns: values['test-name-pattern'] ?? [], files, atOnce: countOf(values['at-a-time']) };
  } catch (error) {
    throw new Failure(error.message);
  }
}

function countOf(text) {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d?$/.test(text)) throw new Failure(`--at-a-time ${text}: it is a number from 1 to 99`);
  return Number(text);
}

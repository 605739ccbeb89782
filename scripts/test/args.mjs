// The arguments of the test commands.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../prepare/npm.mjs';
import { Failure } from '../shell.mjs';

const PATTERN = { 'test-name-pattern': { type: 'string', multiple: true } };

/** Files, by their paths in this repository; and `--test-name-pattern` as node has it, beside what the command takes. */
export function parse(args, more = {}) {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...PATTERN, ...more } });
    const files = positionals.map((file) => path.relative(root, path.resolve(file)));
    return { ...values, patterns: values['test-name-pattern'] ?? [], files };
  } catch (error) {
    throw new Failure(error.message);
  }
}

// What nobody should have to expect: any JSON, and real answers of which a part is missing or something else.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EngineError } from '../../src/core/model/engine-error.ts';
import { SwapError } from '../../src/core/model/error.ts';
import { anyCharacters } from './text.ts';

// SWAPCTL_TEST_LONG=1 is for whoever changes a decoder.
const RUNS = process.env.SWAPCTL_TEST_LONG === '1' ? 20_000 : 500;

const KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''];
const CONTROL = ['\u001b[2J', '\u0000', '\u202e', '\r\n', '\u009b31m'];

/** Texts with control characters, names that every object has, and long ones. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  anyCharacters,
  fc.constantFrom(...KEYS, ...CONTROL, 'x'.repeat(10_000), '9'.repeat(400)),
);

/** Any document that JSON can hold, as JSON.parse gives it, with keys that objects have by themselves. */
export const anyJson: fc.Arbitrary<unknown> = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false, 0, -1, 1e308, '', [], {}),
      anyText,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(anyText, tie('value')), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
    ),
  }))
  .value.map((value) => JSON.parse(JSON.stringify(value)));

/** A real answer, of which up to three parts are missing or something else. */
export function mutated(answer: unknown): fc.Arbitrary<unknown> {
  const paths = pathsOf(answer);
  const change = fc.record({ path: fc.constantFrom(...paths), drop: fc.boolean(), by: anyJson });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy = { answer: structuredClone(answer) };
    for (const { path, drop, by } of changes) alter(copy, ['answer', ...path], drop ? undefined : by);
    return copy.answer ?? null;
  });
}

function pathsOf(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...at, key]))];
}

function alter(root: object, path: readonly string[], by: unknown): void {
  let parent: Record<string, unknown> = root as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    const next = parent[key];
    if (typeof next !== 'object' || next === null) return;
    parent = next as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  // JSON has no lists with holes.
  if (by === undefined && Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (by === undefined) delete parent[last];
  else Object.defineProperty(parent, last, { value: by, enumerable: true, configurable: true, writable: true });
}

/**
 * Whatever comes in, the work ends with a value (of which `then` makes use, as the rest of the program does) or a coded error, and
 * no object has become another by it.
 */
export function survives<T>(inputs: fc.Arbitrary<T>, work: (input: T) => unknown): void {
  fc.assert(
    fc.property(inputs, (input) => {
      try {
        work(input);
      } catch (error) {
        if (!isCoded(error)) throw error;
      }
      assertUnpolluted();
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
}

/** The same for work that waits for something. */
export async function survivesLater<T>(inputs: fc.Arbitrary<T>, work: (input: T) => Promise<unknown>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      await work(input).catch((error) => {
        if (!isCoded(error)) throw error;
      });
      assertUnpolluted();
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
}

function isCoded(error: unknown): boolean {
  return error instanceof SwapError || error instanceof EngineError;
}

function assertUnpolluted(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  const fresh: Record<string, unknown> = {};
  for (const key in fresh) assert.fail(`every object has ${key} now`);
}

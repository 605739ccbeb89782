// What a fuzzer tries: texts of a kind, and what has to hold for each, whatever it is.
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { EngineError } from '../../src/core/model/engine-error.ts';
import { SwapError } from '../../src/core/model/error.ts';
import { anyJson, anyText, mutated } from '../lab/hostile.ts';

/** A decoder or an encoder, with inputs for it. */
export interface Target {
  readonly name: string;
  /** Tries one input. Raises where something does not hold. */
  readonly property: fc.IAsyncProperty<[unknown]>;
  /** Work that has to take time in proportion to a text, and texts that were or may be hard, by their length. */
  readonly linear?: {
    readonly work: (text: string) => unknown;
    readonly texts: readonly ((length: number) => string)[];
  };
}

/** A target. `holds` may raise the project's own errors, and no other. */
export function target<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => unknown,
  linear?: Target['linear'],
): Target {
  const property = fc.asyncProperty(inputs, async (input) => {
    try {
      await holds(input);
    } catch (error) {
      if (!(error instanceof SwapError) && !(error instanceof EngineError)) throw error;
      mustBeClear(error);
    }
    assert.deepEqual(Object.keys(Object.prototype), []);
  });
  return { name, property: property as unknown as Target['property'], ...(linear ? { linear } : {}) };
}

// A person has to make sense of it, and no text of a stranger may be the whole of it.
function mustBeClear({ message }: Error): void {
  assert.ok(message.trim().length > 3, 'an error says something');
  assert.ok(message.length < 100_000, 'an error is not as long as what it is about');
}

/** Texts out of the words of a format, and real ones of which parts are gone, doubled or something else. */
export function texts(words: readonly string[], samples: readonly string[] = []): fc.Arbitrary<string> {
  const word = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: anyText });
  const made = fc.array(word, { maxLength: 20 }).map((all) => all.join(''));
  if (samples.length === 0) return fc.oneof({ weight: 4, arbitrary: made }, anyText);
  return fc.oneof({ weight: 2, arbitrary: made }, { weight: 3, arbitrary: altered(samples, word) }, anyText);
}

function altered(samples: readonly string[], word: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({ at: fc.nat(1000), length: fc.nat(8), by: word, times: fc.integer({ min: 0, max: 3 }) });
  return fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 })).map(([sample, changes]) =>
    changes.reduce((text, { at, length, by, times }) => {
      const place = text.length === 0 ? 0 : at % text.length;
      return text.slice(0, place) + by.repeat(times) + text.slice(place + length);
    }, sample),
  );
}

/** Documents of JSON like a real one, or like nothing. */
export function documents(...samples: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(anyJson, ...samples.map((sample) => mutated(sample)));
}

/** The same as texts, some of which are no JSON. */
export function jsonTexts(...samples: readonly unknown[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: documents(...samples).map((value) => JSON.stringify(value)) },
    texts(
      ['{', '}', '[', ']', '"', ':', ',', 'null', '1e999', '\\u0000'],
      samples.map((one) => JSON.stringify(one)),
    ),
  );
}

/** Texts that repeat a word. */
export function repeated(...words: readonly string[]): ((length: number) => string)[] {
  return words.map((word) => (length) => word.repeat(Math.ceil(length / word.length)).slice(0, length));
}

const SHORT = 4000;
const FACTOR = 4;
// Four times the text: about 4 times the time where it grows in proportion, 16 times where it grows with the square.
const MOST = 9;
const TRIES = 25;
// Below that it is too short to be measured, and far from what could keep anybody busy.
const UNNOTICED_MS = 8;

/** Raises where a text four times as long takes far more than four times as long, however often it is measured. */
export async function mustBeLinear({ name, linear }: Target): Promise<void> {
  for (const [at, make] of (linear?.texts ?? []).entries()) {
    const ratios: number[] = [];
    const isLinear = async (): Promise<boolean> => {
      const [short, long] = [await msOf(linear, make(SHORT)), await msOf(linear, make(SHORT * FACTOR))];
      ratios.push(long / short);
      return long < UNNOTICED_MS || long < short * MOST;
    };
    let found = false;
    for (let tries = 0; tries < TRIES && !found; tries++) found = await isLinear();
    assert.ok(
      found,
      `${name}: text ${at} (${make(20)}…): ${FACTOR} times the text took ${Math.min(...ratios)} times the time`,
    );
  }
}

async function msOf(linear: Target['linear'], text: string): Promise<number> {
  const began = performance.now();
  try {
    await linear?.work(text);
  } catch (error) {
    if (!(error instanceof SwapError) && !(error instanceof EngineError)) throw error;
  }
  return performance.now() - began;
}

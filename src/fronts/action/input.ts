import { fail } from '../../core/model/error.ts';

/** One input by its name in action.yml; undefined if it is empty. */
export type Input = (name: string) => string | undefined;

type Env = Readonly<Record<string, string | undefined>>;

/** The inputs in the runner's variables: `INPUT_` and the name in capitals, spaces as underscores. */
export function inputsOf(env: Env): Input {
  return (name) => {
    const text = env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`]?.trim();
    return text === '' ? undefined : text;
  };
}

// Must not appear in the log, from any source.
const SECRET = ['token', 'password', 'ssh-key', 'tls-key', 'github-token'];

/** The secret inputs in the form in which a log may show them: line by line. */
export function secretsOf(input: Input): string[] {
  return SECRET.flatMap((name) => (input(name) ?? '').split(/\r?\n/)).filter((line) => line.trim() !== '');
}

/** A line break in a single value is a mistake, or an attempt to inject a line. */
export function singleLine(input: Input): Input {
  return (name) => {
    const text = input(name);
    if (text !== undefined && /[\r\n\0]/.test(text)) refuse(name, 'has a line break in it');
    return text;
  };
}

/** True for `true`, false if empty. Raises `usage` for any other value. */
export function flag(single: Input, name: string): boolean {
  const text = single(name);
  if (text === undefined || /^false$/i.test(text)) return false;
  return /^true$/i.test(text) || refuse(name, `is ${JSON.stringify(text)}`, 'write true or false');
}

/** One of some words. Raises `usage` for another. */
export function oneOf<T extends string>(single: Input, name: string, allowed: readonly T[]): T | undefined {
  const text = single(name);
  const found = allowed.find((one) => one === text);
  if (text !== undefined && found === undefined)
    refuse(name, `is ${JSON.stringify(text.slice(0, 40))}`, `one of: ${allowed.join(', ')}`);
  return found;
}

/** Raises `usage`: the input, its mistake, and the next action. */
export function refuse(name: string, what: string, hint?: string): never {
  return fail('usage', `the input ${name} ${what}`, hint === undefined ? {} : { hint });
}

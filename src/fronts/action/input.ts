import { fail } from '../../core/model/error.ts';

/** One input by its name in action.yml; undefined where it is empty. */
export type Input = (name: string) => string | undefined;

type Env = Readonly<Record<string, string | undefined>>;

/** The inputs as the runner hands them over: `INPUT_` and the name in capitals, spaces as underscores. */
export function inputsOf(env: Env): Input {
  return (name) => {
    const text = env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`]?.trim();
    return text === '' ? undefined : text;
  };
}

// What must not be seen in the log, whoever prints it.
const SECRET = ['token', 'password', 'ssh-key', 'tls-key', 'github-token'];

/** The inputs that are secret, as they may turn up in a log: line by line. */
export function secretsOf(input: Input): string[] {
  return SECRET.flatMap((name) => (input(name) ?? '').split(/\r?\n/)).filter((line) => line.trim() !== '');
}

/** A line break in what is one value is a mistake, or somebody's trick to add a line where it is used. */
export function singleLine(input: Input): Input {
  return (name) => {
    const text = input(name);
    if (text !== undefined && /[\r\n\0]/.test(text)) refuse(name, 'has a line break in it');
    return text;
  };
}

/** Whether it is true; an empty one is not. Raises `usage` for what is neither. */
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

/** Raises `usage`: which input, what is wrong with it, what to do. */
export function refuse(name: string, what: string, hint?: string): never {
  return fail('usage', `the input ${name} ${what}`, hint === undefined ? {} : { hint });
}

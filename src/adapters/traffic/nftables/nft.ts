import { RuleError, type RuleTrouble } from '../../../core/traffic/kernel-layer.ts';
import { type Ending, runProgram } from '../program.ts';
import type { Script } from './script.ts';
import { objectsOf, type Table } from './table.ts';

// Thousands of rules take nft seconds on a slow machine; one that hangs must not hang a roll.
const LONGEST_MS = 30_000;
const MOST_WORDS = 300;

/** Runs `nft -f -` with a script, in the network namespace of a process or in ours, as one transaction. Raises RuleError. */
export async function applyNft(script: Script, pid?: number): Promise<void> {
  const trouble = troubleOf(await nft(['-f', '-'], script, pid), pid !== undefined);
  if (trouble) throw new RuleError(trouble);
}

/** Why nft would not accept a script (the kernel checks it without an effect); undefined if it would. */
export async function whyNotTaken(scripts: readonly Script[], pid?: number): Promise<RuleTrouble | undefined> {
  return troubleOf(await nft(['-c', '-f', '-'], scripts.join(''), pid), pid !== undefined);
}

/** The reason that rules can't be read here, for example an nft without JSON; undefined if they can. */
export async function whyNotRead(): Promise<RuleTrouble | undefined> {
  return troubleOf(await nft(['-j', 'list', 'tables', 'inet'], ''), false);
}

type Family = 'inet' | 'bridge';

/** The names of all tables of a family. Raises RuleError. */
export async function tablesOf(family: Family): Promise<string[]> {
  const listed = await listing(['list', 'tables', family]);
  return objectsOf(listed, 'table').flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}

/** One table; undefined if there is none. Raises RuleError. */
export async function tableOf(family: Family, name: string): Promise<Table | undefined> {
  try {
    return await listing(['list', 'table', family, name]);
  } catch (error) {
    if (error instanceof RuleError && isAbsent(error.trouble)) return undefined;
    throw error;
  }
}

async function listing(args: readonly string[]): Promise<Table> {
  const ending = await nft(['-j', ...args], '');
  const trouble = troubleOf(ending, false);
  if (trouble) throw new RuleError(trouble);
  return JSON.parse(ending.kind === 'exited' ? ending.stdout : '{}');
}

function nft(args: readonly string[], input: string, pid?: number): Promise<Ending> {
  const inside = pid === undefined ? [] : ['nsenter', `--net=/proc/${pid}/ns/net`];
  const [program = 'nft', ...rest] = [...inside, 'nft', ...args];
  return runProgram(program, rest, input, LONGEST_MS);
}

/** The failure; undefined if there was none. `inside`: nsenter started nft, in another network namespace. */
export function troubleOf(ending: Ending, inside: boolean): RuleTrouble | undefined {
  switch (ending.kind) {
    case 'missing':
      return { kind: 'missing', program: inside ? 'nsenter' : 'nft' };
    case 'killed':
      return { kind: 'killed', signal: ending.signal };
    case 'timeout':
      return { kind: 'timeout', afterMs: ending.afterMs };
    case 'exited':
      return ending.status === 0 ? undefined : refusalOf(ending.stderr);
  }
}

function refusalOf(stderr: string): RuleTrouble {
  if (/^nsenter: failed to execute/m.test(stderr)) return { kind: 'missing', program: 'nft' };
  const words = wordsOf(stderr).slice(0, MOST_WORDS);
  if (/^nsenter: /.test(words)) return { kind: 'closed', words };
  return { kind: /Operation not permitted|Permission denied/.test(words) ? 'forbidden' : 'refused', words };
}

// The first error, with the line of the script; without its position and the carets.
function wordsOf(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const at = lines.findIndex((line) => /^\S+:\d+:\d+\S*: Error: /.test(line));
  if (at < 0) return lines.join(' ').trim();
  const said = lines[at]?.replace(/^.*?: Error: /, '');
  return [said, lines[at + 1]].filter(Boolean).join(': ');
}

function isAbsent(trouble: RuleTrouble): boolean {
  return trouble.kind === 'refused' && /No such file or directory/.test(trouble.words);
}

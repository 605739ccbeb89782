import { spawn } from 'node:child_process';
import { SwapError } from '../core/error.ts';

/**
 * Runs `nft -f -` with a script, in the network namespace of a process or in ours: all of it takes effect at once, or
 * nothing. Raises `step-failed` with nft's own words.
 */
export async function applyNft(script: string, pid?: number): Promise<void> {
  const inside = pid === undefined ? [] : ['nsenter', `--net=/proc/${pid}/ns/net`];
  const [program = 'nft', ...args] = [...inside, 'nft', '-f', '-'];
  const { status, stderr } = await run(program, args, script);
  if (status !== 0) throw new SwapError('step-failed', `nft refused the rules: ${stderr.trim().slice(0, 500)}`);
}

type Family = 'inet' | 'bridge';

/** Why the network namespace of a process can't be entered, in one line; undefined if it can. */
export async function whyNotEnterable(pid: number): Promise<string | undefined> {
  const { status, stderr } = await run('nsenter', [`--net=/proc/${pid}/ns/net`, 'nft', 'list', 'tables'], '');
  return status === 0 ? undefined : (stderr.trim().split('\n')[0] ?? '').slice(0, 200);
}

/** The names of all tables of a family; undefined where nft is missing or not allowed. */
export async function tablesOf(family: Family): Promise<string[] | undefined> {
  const { status, stdout } = await run('nft', ['list', 'tables', family], '');
  if (status !== 0) return undefined;
  return [...stdout.matchAll(/^table \w+ (\S+)/gm)].flatMap(([, name]) => (name ? [name] : []));
}

/** One table as nft prints it; undefined where there is none. */
export async function tableOf(family: Family, name: string): Promise<string | undefined> {
  const { status, stdout } = await run('nft', ['list', 'table', family, name], '');
  return status === 0 ? stdout : undefined;
}

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], input: string): Promise<Ended> {
  return new Promise((resolve) => {
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
    const child = spawn(program, args, { env: { ...process.env, PATH: path }, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += String(text)));
    child.stderr.on('data', (text) => (stderr += String(text)));
    child.on('error', (error) => resolve({ status: -1, stdout, stderr: error.message }));
    child.on('close', (status) => resolve({ status: status ?? -1, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

import { spawn } from 'node:child_process';
import * as z from 'zod';
import { fail, messageOf } from '../../../core/model/error.ts';

/** The end of a program: its exit status (null if killed) and its whole stdout. */
export type Ran = { readonly code: number | null; readonly stdout: string };

/** Runs a program with a text on stdin; rejects if it can't be started (code ENOENT) or takes too long (code ETIMEDOUT). */
export type Run = (program: string, args: readonly string[], input: string, timeoutMs: number) => Promise<Ran>;

/** The answer of a credential helper for a host. */
export type HelperAnswer = { readonly username: string; readonly secret: string };

const TIMEOUT_MS = 10_000;
const NOT_FOUND = 'credentials not found in native keychain';
const Answer = z.looseObject({ Username: z.string(), Secret: z.string() });

/** Asks `docker-credential-<name> get` for a server; undefined if it has no login, 'login' if it is missing or fails. */
export async function askHelper(
  name: string,
  server: string,
  run: Run = runProgram,
): Promise<HelperAnswer | undefined> {
  const program = `docker-credential-${name}`;
  const ran = await run(program, ['get'], server, TIMEOUT_MS).catch((error) => cannotRun(program, server, error));
  if (ran.code !== 0) return refused(program, server, ran);
  const answer = Answer.safeParse(jsonOrNothing(ran.stdout));
  if (!answer.success)
    return fail('login', `${program} gave an answer for ${server} that can't be understood`, {
      hint: tryIt(program, server),
    });
  const { Username: username, Secret: secret } = answer.data;
  return username === '' && secret === '' ? undefined : { username, secret };
}

function cannotRun(program: string, server: string, error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT')
    return fail(
      'login',
      `the credential helper ${program}, which docker's config.json names for ${server}, is not on the PATH`,
      {
        hint: `install ${program}, or take it out of credsStore / credHelpers and run: docker login ${server}`,
      },
    );
  const why =
    code === 'ETIMEDOUT'
      ? `did not answer within ${TIMEOUT_MS / 1000} s`
      : `can't be run (${code ?? messageOf(error)})`;
  return fail('login', `the credential helper ${program} ${why}`, { hint: tryIt(program, server), cause: error });
}

/** Helpers print the reason on stdout and exit 1, also for a host without a login. */
function refused(program: string, server: string, ran: Ran): undefined {
  if (ran.stdout.trim() === NOT_FOUND) return undefined;
  return fail('login', `the credential helper ${program} failed for ${server}: ${printable(ran)}`, {
    hint: tryIt(program, server),
  });
}

/** The first line of a reason; a partial answer is withheld, since it may hold the secret. */
function printable(ran: Ran): string {
  const line = ran.stdout.trim().split('\n')[0] ?? '';
  if (line === '' || /[{}"]/.test(line)) return ran.code === null ? 'it was killed' : `exit status ${ran.code}`;
  return line.slice(0, 200);
}

function tryIt(program: string, server: string): string {
  return `try: echo ${server} | ${program} get (it prints the secret if it works), or log in again: docker login ${server}`;
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The real `Run`; the program gets a process group of its own, so that Ctrl-C and a timeout hit all of it or nothing. */
export const runProgram: Run = (program, args, input, timeoutMs) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    const out: Buffer[] = [];
    const timer = setTimeout(() => {
      killGroup(child.pid);
      child.stdout.destroy();
      reject(Object.assign(new Error(`${program} timed out`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(out).toString('utf8') });
    });
    // A helper that ends without reading breaks the pipe: its exit status is the better reason.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the same moment.
  }
}

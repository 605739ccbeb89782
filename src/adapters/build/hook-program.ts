import type { RunProgram } from '../../ports/program.ts';
import { type Env, runProgram } from './program.ts';

const MOST_WORDS = 300;

/** Runs programs of this machine with this environment. */
export function programRunner(env: Env): RunProgram {
  return async (program, args, { env: more, timeoutMs }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const { code, stderr } = await runProgram(program, args, { env: { ...env, ...more }, signal });
    if (code === 0) return;
    const said = stderr.join(' ').trim().slice(-MOST_WORDS);
    if (signal.aborted) throw new Error(`no end within ${timeoutMs / 1000} s`);
    if (code === undefined) throw new Error(`it could not be run, or a signal ended it${said ? `: ${said}` : ''}`);
    throw new Error(`it ended with ${code}${said ? `: ${said}` : ''}`);
  };
}

// Running programs and talking to the person at the terminal, for the scripts of this folder.
// They run in a fresh clone, before `npm ci`, so nothing here may come from npm.
import { spawn } from 'node:child_process';

/** Something the person at the terminal can act on: shown without a stack trace. */
export class Failure extends Error {}

export function say(line) {
  process.stderr.write(`==> ${line}\n`);
}

/** Runs a program to its end and returns its stdout; its whole output is shown only if it fails. */
export async function run(command, args, options = {}) {
  const { code, signal, stdout, output } = await attempt(command, args, options);
  if (code === 0) return stdout;
  const how = signal ? `was ended by ${signal}` : `failed with status ${code}`;
  throw new Failure(`\`${[command, ...args].join(' ')}\` ${how}\n${output.trimEnd()}`);
}

/** Like run(), but a failure is an answer and not an exception. */
export function attempt(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let output = '';
    child.stdout?.on('data', (data) => {
      stdout += data;
      output += data;
    });
    child.stderr?.on('data', (data) => {
      output += data;
    });
    child.on('error', (error) => resolve({ code: 127, signal: null, stdout, output: error.message }));
    child.on('close', (code, signal) => resolve({ code, signal, stdout, output }));
  });
}

/** Runs a program on our own terminal and returns its exit status; Ctrl-C is passed on, and waited for. */
export function inForeground(command, args, options = {}) {
  return new Promise((resolve) => {
    // A process group of its own: the terminal's Ctrl-C would otherwise arrive twice, once from it and once from us.
    const child = spawn(command, args, { stdio: 'inherit', detached: true, ...options });
    options.onSpawn?.(child);
    const pass = (signal) => killGroup(child.pid, signal);
    process.on('SIGINT', pass).on('SIGTERM', pass);
    const end = (status) => {
      process.off('SIGINT', pass).off('SIGTERM', pass);
      resolve(status);
    };
    child.on('error', (error) => {
      say(`${command}: ${error.message}`);
      end(127);
    });
    child.on('close', (code, signal) => end(signal ? 128 + (signal === 'SIGINT' ? 2 : 15) : code));
  });
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

/**
 * From here on Ctrl-C doesn't end this process, so that it can clean up behind the programs that Ctrl-C does end.
 * Returns a question: was there one?
 */
export function outliveInterrupts() {
  let interrupted = false;
  const note = () => {
    interrupted = true;
  };
  process.on('SIGINT', note).on('SIGTERM', note);
  return () => interrupted;
}

/** The end of every script: what can be acted on is said in plain words, anything else is a bug and keeps its stack. */
export function exitWith(promise) {
  promise.then(
    (status) => {
      process.exitCode = status ?? 0;
    },
    (error) => {
      say(error instanceof Failure ? error.message : (error.stack ?? String(error)));
      process.exitCode = error.status ?? 1;
    },
  );
}

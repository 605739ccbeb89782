// A proxy that is one process of this machine, with a home and a log in its folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { accepts } from './port.ts';

export interface ProxyRun {
  readonly folder: string;
  readonly pid: () => number;
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
  /** Ends it at once, and starts it again with the files as they are. */
  restart(): Promise<void>;
}

/** Starts a proxy and waits until it accepts connections on all these ports of 127.0.0.1. */
export async function startProxy(
  t: TestContext,
  folder: string,
  argv: readonly string[],
  ports: readonly number[],
): Promise<ProxyRun> {
  const log = path.join(folder, 'log');
  writeFileSync(log, '');
  let child = await started(folder, argv, ports, log);
  const stop = async () => ended(child);
  t.after(stop);
  return {
    folder,
    pid: () => child.pid ?? 0,
    log: () => readFileSync(log, 'utf8'),
    stop,
    restart: async () => {
      await ended(child);
      child = await started(folder, argv, ports, log);
    },
  };
}

async function started(
  folder: string,
  [program = '', ...args]: readonly string[],
  ports: readonly number[],
  log: string,
): Promise<ChildProcess> {
  const output = openSync(log, 'a');
  const env = { PATH: process.env.PATH, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const child = spawn(program, args, { env, stdio: ['ignore', output, output] });
  closeSync(output);
  for (const port of ports) {
    if (await accepts('127.0.0.1', port, () => child.exitCode === null)) continue;
    throw new Error(`${program} ended: ${readFileSync(log, 'utf8')}`);
  }
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await over;
}

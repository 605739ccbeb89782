// HAProxy and nginx of several Debian suites as processes of this machine, each in a folder of its own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { busybox } from './images.ts';
import { accepts } from './port.ts';
import { inTime } from './waiting.ts';

export const PROXY_SUITES = ['bookworm', 'trixie', 'sid'] as const;
export type ProxySuite = (typeof PROXY_SUITES)[number];

// Short enough for the path of a loader.
const SHORT = '/tmp/swp-';

/** Why a suite's proxies can't run here, for node's `skip`. */
export function missingProxies(suite: ProxySuite): string | false {
  try {
    prepared(`proxies-${suite}`);
    return process.getuid?.() === 0 ? false : 'needs root';
  } catch (error) {
    return (error as Error).message;
  }
}

/** `nginx version: nginx/1.22.1` or `HAProxy version 2.6.12-1+deb12u3 …`, in short. */
export function proxyVersion(suite: ProxySuite, program: 'haproxy' | 'nginx'): string {
  if (missingProxies(suite)) return suite;
  const folder = mkdtempSync(SHORT);
  try {
    const argv = ['-c', '"$0" -v 2>&1', programIn(folder, suite, program)];
    return /\d+\.\d+\.\d+/.exec(execFileSync('sh', argv, { encoding: 'utf8' }))?.[0] ?? suite;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function proxyFolder(t: TestContext): string {
  const folder = mkdtempSync(SHORT);
  // Workers run as another user.
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * A program that runs one of the suite with the loader and the libraries of its own suite, under its own name. The binary names its
 * loader by a path, for which a copy has a shorter one; a loader that is called would keep nginx from setting its title.
 */
export function programIn(folder: string, suite: ProxySuite, program: 'haproxy' | 'nginx'): string {
  const root = prepared(`proxies-${suite}`);
  const libraries = ['usr/lib', 'lib'].flatMap((where) => architectures(path.join(root, where)));
  const binary = readFileSync(path.join(root, 'usr/sbin', program));
  const [interpreter = ''] = /\/lib(64)?\/ld-linux[^\0]*/.exec(binary.toString('latin1')) ?? [];
  const loader = libraries.map((one) => path.join(one, path.basename(interpreter))).find(existsSync);
  const link = path.join(folder, 'ld');
  if (!loader || link.length > interpreter.length) throw new Error(`no room for ${link} in ${interpreter}`);
  if (!existsSync(link)) symlinkSync(loader, link);
  const at = binary.indexOf(interpreter);
  binary.fill(0, at, at + interpreter.length).write(link, at);
  const [real, file] = [path.join(folder, `${program}-${suite}`), path.join(folder, program)];
  writeFileSync(real, binary, { mode: 0o755 });
  const run = `LD_LIBRARY_PATH='${libraries.join(':')}' exec -a "$0" '${real}' "$@"`;
  // HAProxy starts itself again by its name, in this environment: a shell that loads no library doesn't mind.
  writeFileSync(file, `#!${busybox()} sh\n${run}\n`, { mode: 0o755 });
  return file;
}

function architectures(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => name.endsWith('-linux-gnu')).map((name) => path.join(folder, name));
}

export interface ProxyProcess {
  /** Starts it; resolves once something listens at the port. */
  start(): Promise<void>;
  /** Ends it and all its processes. */
  stop(): Promise<void>;
}

export function proxyProcess(t: TestContext, argv: readonly string[], port: number): ProxyProcess {
  const [program = '', ...args] = argv;
  let running: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (!running) return;
    const { pid = 0, exitCode } = running;
    const ended = new Promise((resolve) => running?.once('close', resolve));
    if (exitCode === null) process.kill(-pid, 'SIGKILL');
    if (exitCode === null) await inTime(ended, `the end of ${program}`);
    running = undefined;
  };
  t.after(stop);
  return {
    stop,
    start: async () => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
      running = child;
      const listens = await accepts('127.0.0.1', port, () => child.exitCode === null);
      if (!listens) throw new Error(`${program} ended: ${output}`);
    },
  };
}

/** The files of a folder that are text, by name. */
export function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(path.join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

import { chmodSync, lstatSync, mkdirSync, rmSync, type Stats } from 'node:fs';
import { connect, type Server } from 'node:net';
import path from 'node:path';
import { fail, messageOf } from '../../../core/model/error.ts';

// The rights of the socket decide who may do everything that root may: its owner and its group.
const MODE = 0o660;

/** Listens on a unix socket. Replaces that of a dead server; raises `busy` if a live one has it, `config` for other files. */
export async function listenOnSocket(server: Server, file: string): Promise<void> {
  makeFolder(file);
  await clearStale(file);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(notPossible(file, error)));
    // The socket is made within this call: nobody can connect before its rights are set.
    const before = process.umask(0o777 & ~MODE);
    try {
      server.listen(file, resolve);
    } finally {
      process.umask(before);
    }
  });
  chmodSync(file, MODE);
}

function makeFolder(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  } catch (error) {
    notPossible(file, error);
  }
}

async function clearStale(file: string): Promise<void> {
  const found = statsOf(file);
  if (!found) return;
  if (!found.isSocket())
    fail('config', `${file} is there and is no socket`, { hint: 'remove it, or listen on another path (--listen)' });
  if (await answers(file))
    fail('busy', `another server listens on ${file}`, { hint: 'stop it first, or listen on another path (--listen)' });
  rmSync(file, { force: true });
}

function statsOf(file: string): Stats | undefined {
  return lstatSync(file, { throwIfNoEntry: false });
}

// Only a refused connection proves that nobody listens.
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

function notPossible(file: string, error: unknown): never {
  return fail('config', `the server can't listen on ${file}: ${messageOf(error)}`, {
    hint: 'run it as root, or name a path that it may write to (--listen unix:///PATH)',
    cause: error,
  });
}

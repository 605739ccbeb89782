// Real repositories in folders of their own, and servers for them.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type { Scope } from './world.ts';

export interface Repository {
  /** Of the bare repository, which people push to. */
  folder: string;
  /** Its name in the URLs of the servers. */
  name: string;
  /** Commits these files beside those that are there and pushes; resolves with the commit. */
  push(files: Record<string, string>, branch?: string): string;
  /** Any git command in the work tree; resolves with what it says. */
  git(...args: string[]): string;
}

/** A repository with a branch `main`, gone after the test. */
export function gitRepository(t: { after(cleanUp: () => void): void }): Repository {
  const top = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-git-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const [folder, work] = [path.join(top, 'shop.git'), path.join(top, 'work')];
  // Nothing of whoever runs the tests counts.
  const env = { PATH: process.env.PATH, HOME: top, GIT_CONFIG_NOSYSTEM: '1' };
  const run = (...args: string[]) =>
    execFileSync('git', args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  run('init', '--quiet', '--bare', '--initial-branch=main', folder);
  run('init', '--quiet', '--initial-branch=main', work);
  const git = (...args: string[]) => run('-C', work, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args);
  return {
    folder,
    name: path.basename(folder),
    git,
    push: (files, branch = 'main') => {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
        writeFileSync(path.join(work, name), text);
      }
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '--message', 'change');
      git('push', '--quiet', '--force', folder, `HEAD:${branch}`);
      return git('rev-parse', 'HEAD').trim();
    },
  };
}

/** Serves a repository by git's own protocol; resolves with its URL. */
export async function gitDaemon(t: Scope, { folder, name }: Repository, port: number): Promise<string> {
  const base = path.dirname(folder);
  const args = [
    'daemon',
    '--export-all',
    '--reuseaddr',
    '--listen=127.0.0.1',
    `--port=${port}`,
    `--base-path=${base}`,
    base,
  ];
  const daemon = spawn('git', args, { stdio: 'ignore', detached: true });
  const ended = new Promise((resolve) => daemon.on('close', resolve));
  t.after(async () => {
    if (daemon.pid) process.kill(-daemon.pid, 'SIGTERM');
    await ended;
  });
  return `git://127.0.0.1:${port}/${name}`;
}

/** Serves a repository over HTTP, as git-http-backend does, to who logs in so; resolves with its URL, without a login. */
export async function gitHttp(t: Scope, { folder, name }: Repository, login?: string): Promise<string> {
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const server = http.createServer((request, response) => {
    if (wanted && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    answer(path.dirname(folder), request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/${name}`;
}

function answer(root: string, request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://git');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
    },
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => {});
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.on('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    for (const line of all.subarray(0, end).toString().split('\r\n')) {
      const [key = '', value = ''] = line.split(/: (.*)/);
      if (key === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(key, value);
    }
    response.end(all.subarray(end + 4));
  });
}

// nginx out of its Debian package, as an image: the proxy that docker-rollout needs in front of the app.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { cacheFolder } from '../test/lab/cache.ts';
import { withPackages } from '../test/lab/debian.ts';
import { once } from '../test/lab/images.ts';

// nginx and the libraries that it is linked to, in bookworm.
const PACKAGES = ['nginx', 'libc6', 'libcrypt1', 'libpcre2-8-0', 'libssl3', 'zlib1g'];

/** The port that it listens on. */
export const NGINX_PORT = 8080;
/** Where it looks for its configuration. */
export const NGINX_FOLDER = '/conf';

/** An image that runs nginx with the configuration in NGINX_FOLDER; downloaded the first time. */
export async function nginxImage(docker: Docker): Promise<string> {
  const unpacked = unpack();
  return once(docker, 'swapctl-test/nginx:1', PACKAGES.join(), (root) => {
    execFileSync('cp', ['-a', `${unpacked}/.`, root]);
    for (const folder of ['etc', 'run', 'tmp', 'dev', 'proc', 'sys', 'conf', 'var/lib/nginx', 'var/log/nginx']) {
      mkdirSync(path.join(root, folder), { recursive: true });
    }
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
  });
}

function unpack(): string {
  const folder = cacheFolder('nginx');
  const root = path.join(folder, 'root');
  const complete = path.join(folder, 'complete');
  if (existsSync(complete)) return root;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  withPackages('bookworm', PACKAGES, folder, (debs) => {
    for (const deb of debs) execFileSync('dpkg-deb', ['-x', deb, root]);
  });
  writeFileSync(complete, '');
  return root;
}

/** Leads to these servers (`address:port`) in turn; all else is as nginx does it by itself. */
export function nginxConfig(servers: readonly string[]): string {
  return `daemon off;
user root;
worker_processes auto;
pid /run/nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  upstream web { ${servers.map((server) => `server ${server};`).join(' ')} }
  server {
    listen ${NGINX_PORT};
    location / { proxy_pass http://web; }
  }
}
`;
}

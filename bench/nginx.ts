// nginx out of its Debian package, as an image: the proxy that docker-rollout needs in front of the app.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { prepared } from '../scripts/prepare/cache.mjs';
import { once } from '../test/lab/images.ts';

/** The port that it listens on. */
export const NGINX_PORT = 8080;
/** Where it looks for its configuration. */
export const NGINX_FOLDER = '/conf';

/** An image that runs nginx with the configuration in NGINX_FOLDER. */
export async function nginxImage(docker: Docker): Promise<string> {
  const unpacked = prepared('nginx');
  return once(docker, 'swapctl-test/nginx:1', path.basename(unpacked), (root) => {
    execFileSync('cp', ['-a', `${unpacked}/.`, root]);
    for (const folder of ['etc', 'run', 'tmp', 'dev', 'proc', 'sys', 'conf', 'var/lib/nginx', 'var/log/nginx']) {
      mkdirSync(path.join(root, folder), { recursive: true });
    }
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\n');
  });
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

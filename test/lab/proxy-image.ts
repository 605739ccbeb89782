// An image with HAProxy and nginx of Debian 12, and the tools that their official images have.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { addProgram, fillBase, once } from './images.ts';

export function proxyImage(docker: Docker): Promise<string> {
  const unpacked = prepared('proxies');
  return once(docker, 'swapctl-test/driven-proxies:1', path.basename(unpacked), (root) => {
    execFileSync('cp', ['-a', `${unpacked}/.`, root]);
    rmSync(path.join(root, 'usr/bin/caddy'), { force: true });
    fillBase(root);
    addProgram(root, '/usr/bin/getent', '/usr/bin/getent');
    for (const folder of [
      'var/log/nginx',
      'var/lib/nginx',
      'run/haproxy',
      'etc/nginx/swapctl',
      'usr/local/etc/haproxy',
    ])
      mkdirSync(path.join(root, folder), { recursive: true });
  });
}

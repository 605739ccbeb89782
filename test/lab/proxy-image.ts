// Images with proxies: HAProxy, nginx and Caddy of Debian 12, or a program of SWAPCTL_TEST_PROXIES, and the tools that their
// official images have.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { addProgram, busybox, contentOf, fillBase, once } from './images.ts';

const FOLDERS = [
  'var/log/nginx',
  'var/lib/nginx',
  'run/haproxy',
  'etc/nginx/swapctl',
  'etc/caddy',
  'usr/local/etc/haproxy',
];

/** HAProxy, nginx and Caddy of Debian 12. */
export function proxyImage(docker: Docker): Promise<string> {
  const unpacked = prepared('proxies');
  return once(docker, 'swapctl-test/driven-proxies:2', path.basename(unpacked), (root) => {
    execFileSync('cp', ['-a', `${unpacked}/.`, root]);
    fillBase(root);
    addProgram(root, '/usr/bin/getent', '/usr/bin/getent');
    for (const folder of FOLDERS) mkdirSync(path.join(root, folder), { recursive: true });
  });
}

/** A static program on busybox, as the official images of Caddy and Traefik have it. */
export function programImage(docker: Docker, program: string): Promise<string> {
  const name = path.basename(program);
  return once(docker, `swapctl-test/driven-${name}:1`, contentOf([busybox(), program], []), (root) => {
    fillBase(root);
    copyFileSync(program, path.join(root, 'usr/bin', name));
    chmodSync(path.join(root, 'usr/bin', name), 0o755);
    mkdirSync(path.join(root, 'etc', name), { recursive: true });
  });
}

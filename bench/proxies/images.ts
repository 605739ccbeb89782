// One image with every proxy: HAProxy, nginx and Caddy out of their Debian packages, the others out of a folder of binaries.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { fillBase, once } from '../../test/lab/images.ts';

/** Where the image has the files of the folder of binaries. */
export const BINARIES = '/opt/proxies';

/** The files that the folder does not hold. */
export function lacking(files: readonly string[], folder: string | undefined): string[] {
  return files.filter((file) => folder === undefined || !existsSync(path.join(folder, file)));
}

/** The image, with those of the files that the folder holds. */
export async function proxiesImage(docker: Docker, files: readonly string[], folder?: string): Promise<string> {
  const debian = prepared('proxies');
  const there = files.filter((file, at) => files.indexOf(file) === at && lacking([file], folder).length === 0);
  const binaries = there.map((file) => path.join(folder ?? '', file));
  const stamps = binaries.map(stamp);
  const content = [path.basename(path.dirname(debian)), path.basename(debian), ...stamps].join(' ');
  return once(docker, 'swapctl-test/proxies:1', content.replaceAll(/[^\w.-]/g, '_'), (root) => {
    execFileSync('cp', ['-a', `${debian}/.`, root]);
    fillBase(root);
    const folders = ['var/log/nginx', 'var/lib/nginx', 'etc/nginx/conf.d', 'etc/nginx/certs', 'etc/nginx/vhost.d'];
    for (const one of [...folders, BINARIES]) mkdirSync(path.join(root, one), { recursive: true });
    for (const binary of binaries) {
      const target = path.join(root, BINARIES, path.basename(binary));
      copyFileSync(binary, target);
      chmodSync(target, 0o755);
    }
  });
}

function stamp(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return `${path.basename(file)}-${size}-${Math.round(mtimeMs)}`;
}

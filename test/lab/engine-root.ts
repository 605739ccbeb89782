// The file systems of engines: a suite's packages and all they depend on, unpacked as if it were a machine of that suite.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from './cache.ts';
import { type Suite, withPackages } from './debian.ts';

export type Daemon = 'dockerd' | 'podman';

const PACKAGES: Record<Daemon, string> = {
  dockerd: 'docker.io containerd runc kmod',
  podman: 'podman crun netavark aardvark-dns sed',
};
const BASE = 'iproute2 procps util-linux mount iptables nftables ca-certificates base-files bash coreutils libc-bin';

/** The root folder of a suite's engine. */
export function unpackedEngine(suite: Suite, daemon: Daemon): string {
  const folder = cacheFolder('suites', daemon === 'dockerd' ? suite : `${suite}-${daemon}`);
  const root = path.join(folder, 'root');
  const complete = path.join(folder, 'complete');
  if (existsSync(complete)) return root;
  rmSync(root, { recursive: true, force: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(path.join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, path.join(root, name));
  }
  const client = daemon === 'dockerd' && suite !== 'bookworm' ? ['docker-cli'] : [];
  const packages = [...PACKAGES[daemon].split(' '), ...BASE.split(' '), ...client];
  const unpack = (debs: string[]) => {
    // tar and not dpkg-deb -x, which would replace the links from /bin to /usr/bin by folders.
    const pipe = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
    for (const deb of debs) execFileSync('bash', ['-euo', 'pipefail', '-c', pipe, 'unpack', deb, root]);
  };
  withPackages(suite, packages, folder, unpack, { closure: true });
  finish(root);
  writeFileSync(complete, '');
  return root;
}

/** What the packages' own scripts would have done. */
function finish(root: string): void {
  const inside = (...names: string[]) => path.join(root, ...names);
  for (const name of ['iptables', 'ip6tables']) {
    for (const variant of ['', '-save', '-restore']) {
      const link = inside('usr/sbin', `${name}${variant}`);
      rmSync(link, { force: true });
      symlinkSync('/usr/sbin/xtables-nft-multi', link);
    }
  }
  for (const folder of [
    'proc',
    'sys',
    'dev',
    'run',
    'tmp',
    'root',
    'etc/docker',
    'etc/ssl/certs',
    'etc/containers',
    'var/lib',
    'var/tmp',
    '.old',
  ]) {
    mkdirSync(inside(folder), { recursive: true });
  }
  rmSync(inside('var/run'), { recursive: true, force: true });
  symlinkSync('/run', inside('var/run'));
  writeFileSync(inside('etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(inside('etc/group'), 'root:x:0:\ndocker:x:998:\n');
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(certificates)) cpSync(certificates, inside(certificates));
  execFileSync('chroot', [root, '/sbin/ldconfig']);
}

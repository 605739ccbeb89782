// Turns .deb files into the folders of the table. A maker gets the folder to fill, the folder that it becomes when it is
// complete, the .deb files, and `run` for programs.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../shell.mjs';

export async function unpackFiles({ folder, debs, run }) {
  for (const deb of debs) await run('dpkg-deb', ['-x', deb, folder]);
}

/** bin/nft runs the program with the loader and the libraries of its own suite, whose glibc may be newer than the machine's. */
export async function unpackNft({ folder, final, debs, run }) {
  await unpackRoot(path.join(folder, 'root'), debs, run);
  const libraries = libraryFolder(path.join(folder, 'root'));
  const loader = readdirSync(path.join(folder, 'root', libraries)).find((name) => /^ld-linux.*\.so\.\d$/.test(name));
  if (!loader) throw new Failure(`no loader in ${libraries} of ${debs.length} packages`);
  const inside = (...names) => `'${path.join(final, 'root', ...names)}'`;
  const script = [
    '#!/bin/sh',
    `export XTABLES_LIBDIR=${inside(libraries, 'xtables')}`,
    `exec ${inside(libraries, loader)} --library-path ${inside(libraries)} ${inside('usr/sbin/nft')} "$@"`,
  ];
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin/nft'), `${script.join('\n')}\n`);
  chmodSync(path.join(folder, 'bin/nft'), 0o755);
}

function libraryFolder(root) {
  const name = readdirSync(path.join(root, 'usr/lib')).find((entry) => entry.endsWith('-linux-gnu'));
  if (!name) throw new Failure('the packages hold no libraries for this architecture');
  return `usr/lib/${name}`;
}

/** The file system of an engine: the packages unpacked as if it were a machine of their suite. Takes root. */
export async function unpackEngine({ folder, debs, run }) {
  const root = path.join(folder, 'root');
  if (process.getuid() !== 0) throw new Failure('the file system of an engine can only be unpacked as root');
  await unpackRoot(root, debs, run);
  linkIptables(root);
  addFolders(root);
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\ndocker:x:998:\n');
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(certificates)) cpSync(certificates, path.join(root, certificates));
  await run('chroot', [root, '/sbin/ldconfig']);
}

async function unpackRoot(root, debs, run) {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(path.join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, path.join(root, name));
  }
  // tar and not dpkg-deb -x, which would replace the links from /bin to /usr/bin by folders.
  const pipe = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
  for (const deb of debs) await run('bash', ['-euo', 'pipefail', '-c', pipe, 'unpack', deb, root]);
}

// The packages' own scripts would have done these two.
function linkIptables(root) {
  for (const name of ['iptables', 'ip6tables']) {
    for (const variant of ['', '-save', '-restore']) {
      const link = path.join(root, 'usr/sbin', `${name}${variant}`);
      rmSync(link, { force: true });
      symlinkSync('/usr/sbin/xtables-nft-multi', link);
    }
  }
}

function addFolders(root) {
  const system = ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'var/lib', 'var/tmp', '.old'];
  for (const folder of [...system, 'etc/docker', 'etc/ssl/certs', 'etc/containers']) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  rmSync(path.join(root, 'var/run'), { recursive: true, force: true });
  symlinkSync('/run', path.join(root, 'var/run'));
}

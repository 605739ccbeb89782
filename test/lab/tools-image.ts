// An image with what swapctl needs of a machine, and what its own image has besides (ssh and tini).
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { unpackedTool } from './cache.ts';
import { addProgram, busybox, contentOf, fillBase, once } from './images.ts';
import { type NftSuite, nftOf } from './nft.ts';

/** The nft is that of a Debian suite: by default of the one that swapctl's own image is built on. */
export function toolsImage(docker: Docker, nft: NftSuite = 'trixie'): Promise<string> {
  const programs = {
    '/usr/bin/node': realpathSync(process.execPath),
    '/usr/bin/nsenter': '/usr/bin/nsenter',
    '/usr/bin/ss': '/usr/bin/ss',
    '/usr/bin/ssh': '/usr/bin/ssh',
    '/usr/bin/tini': unpackedTool('usr/bin/tini'),
  };
  const { program, root } = nftOf(nft);
  const files = [busybox(), ...Object.values(programs), program, path.join(root, 'usr/sbin/nft')];
  return once(docker, `swapctl-test/tools-${nft}:1`, contentOf(files, [process.version]), (folder) => {
    fillBase(folder);
    for (const [target, file] of Object.entries(programs)) addProgram(folder, file, target);
    addNft(folder, program, root);
    symlinkSync('/bin/busybox', path.join(folder, 'usr/bin/env'));
  });
}

/** With the loader and the libraries of its suite, whose paths are in the script that runs it. */
function addNft(folder: string, program: string, root: string): void {
  const inside = '/opt/nft';
  for (const part of ['usr/lib', 'usr/sbin/nft'])
    cpSync(path.join(root, part), path.join(folder, inside, part), { recursive: true, verbatimSymlinks: true });
  mkdirSync(path.join(folder, 'usr/sbin'), { recursive: true });
  const script = readFileSync(program, 'utf8').replaceAll(root, inside);
  writeFileSync(path.join(folder, 'usr/sbin/nft'), script, { mode: 0o755 });
}

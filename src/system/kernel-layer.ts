import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What moving traffic in the kernel needs of this machine. */
export interface KernelLayer {
  readonly linux: boolean;
  readonly nft: boolean;
  readonly netAdmin: boolean;
}

const CAP_NET_ADMIN = 12;

/** Looks whether this process could move traffic with nftables. */
export function kernelLayer(path: string): KernelLayer {
  return { linux: process.platform === 'linux', nft: isOnPath('nft', path), netAdmin: hasCapability(CAP_NET_ADMIN) };
}

function isOnPath(program: string, path: string): boolean {
  const folders = [...path.split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}

// capabilities(7): CapEff in /proc/PID/status is a bit mask in hex.
function hasCapability(bit: number): boolean {
  try {
    const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 1n;
  } catch {
    return false;
  }
}

// The nft programs of several Debian suites, each with its own libraries.
import path from 'node:path';
import { prepared } from '../../scripts/prepare/cache.mjs';

export const NFT_SUITES = ['bookworm', 'trixie', 'sid'] as const;
export type NftSuite = (typeof NFT_SUITES)[number];

export interface NftProgram {
  /** Runs on this machine, also under nsenter; named `nft`, and alone in its folder, which can stand in PATH. */
  program: string;
  /** Holds usr/sbin/nft with the loader and the libraries that it needs. */
  root: string;
}

export function nftOf(suite: NftSuite): NftProgram {
  const program = prepared(`nft-${suite}`);
  return { program, root: path.join(path.dirname(program), '../root') };
}

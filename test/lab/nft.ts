// The nft programs of several Debian suites, each with its own libraries.
import { execFileSync } from 'node:child_process';
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

/** `nft 1.1.3`: of the program that processes with this environment run. */
export function nftVersion(env: NodeJS.ProcessEnv): string {
  const PATH = `${env.PATH}:/usr/sbin:/sbin`;
  const said = execFileSync('nft', ['--version'], { encoding: 'utf8', env: { ...env, PATH } });
  return `nft ${/v(\d[\d.]*)/.exec(said)?.[1] ?? said.trim()}`;
}

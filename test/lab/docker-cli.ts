// The docker program of this machine with plugins out of Debian packages: what people have who installed Docker's own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder } from './cache.ts';
import { type ComposeVersion, composeBinary } from './compose.ts';
import { withPackages } from './debian.ts';
import type { Scope } from './world.ts';

/** The path of a docker-buildx 0.13; downloaded the first time. */
function buildxBinary(): string {
  const folder = cacheFolder('buildx', '0.13');
  const binary = path.join(folder, 'usr/libexec/docker/cli-plugins/docker-buildx');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  withPackages('trixie', ['docker-buildx'], folder, (debs) => {
    for (const deb of debs) execFileSync('dpkg-deb', ['-x', deb, folder]);
  });
  return binary;
}

export interface Plugins {
  buildx?: boolean;
  compose?: ComposeVersion;
}

/** The environment of a docker program that has these plugins and no others. */
export function dockerCli(t: Scope, { buildx = false, compose = '2.40' }: Plugins = {}): { DOCKER_CONFIG: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-docker-'));
  t.after(async () => rmSync(folder, { recursive: true, force: true }));
  const plugins = path.join(folder, 'cli-plugins');
  mkdirSync(plugins);
  symlinkSync(composeBinary(compose), path.join(plugins, 'docker-compose'));
  if (buildx) symlinkSync(buildxBinary(), path.join(plugins, 'docker-buildx'));
  return { DOCKER_CONFIG: folder };
}

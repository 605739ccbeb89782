// The docker program of this machine with plugins out of Debian packages: what people have who installed Docker's own.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { type ComposeVersion, composeBinary } from './compose.ts';
import type { Scope } from './world.ts';

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
  if (buildx) symlinkSync(prepared('buildx'), path.join(plugins, 'docker-buildx'));
  return { DOCKER_CONFIG: folder };
}

// The package as users get it: packed, installed into an empty folder, and run.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testWorld, untilHealthy } from '../../lab/world.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('packed and installed without a network, it rolls a service', async (t) => {
  const world = testWorld(t);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-npm-'));
  world.after(async () => rmSync(folder, { recursive: true, force: true }));
  const run = async (cwd: string, program: string, ...args: string[]) =>
    (
      await promisify(execFile)(program, args, {
        cwd,
        env: { ...world.env, npm_config_cache: path.join(folder, 'cache') },
      })
    ).stdout;
  await run(ROOT, 'npm', 'pack', './package', '--pack-destination', folder);
  const [tarball = ''] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
  await run(folder, 'npm', 'install', '--offline', '--no-audit', '--no-fund', `./${tarball}`);
  assert.deepEqual(
    readdirSync(path.join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['swapctl'],
  );
  assert.match(await run(folder, 'npx', '--offline', 'swapctl', '--help'), /usage: swapctl/i);

  const [v1, v2] = [await world.image('app:1', { from: 'httpd' }), await world.image('app:2', { from: 'httpd' })];
  await untilHealthy(await world.container('web', { image: v1, network: await world.network('net') }));
  const roll = ['roll', world.name('web'), '--image', v2, '--json', '--settle', '300ms', '--drain-timeout', '1s'];
  const report = JSON.parse(await run(folder, 'npx', '--offline', 'swapctl', ...roll));
  assert.equal(report.outcome, 'rolled');
});

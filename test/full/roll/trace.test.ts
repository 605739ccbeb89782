// The output of `--trace` for a roll: every call and decision, and none of the roll's secrets.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { lab } from '../../engine/update/registry-lab.ts';
import { swapctl } from '../../lab/cli.ts';
import { endOf } from '../../lab/engine.ts';
import type { World } from '../../lab/world.ts';

const SECRETS = {
  env: 's3cret-of-the-container',
  label: 's3cret-of-a-label',
  hook: 's3cret-of-a-hook',
  probe: 's3cret-of-the-probe',
};

for (const how of ['--trace', 'NODE_DEBUG']) {
  test(`${how} prints calls with their status and decisions with their reason, and no secret`, async (t) => {
    const { world, registry, env, settings, push } = await lab(t, { login: 'token' });
    await push('1', 'stable');
    const image = `${registry.host}/team/app:stable`;
    const login = registry.login ?? assert.fail('the registry has no login');
    await endOf(await world.docker.pull(image, { authconfig: { ...login, serveraddress: registry.host } }));
    await world.container('web', {
      image,
      network: await world.network('net'),
      env: { TOKEN: SECRETS.env },
      labels: {
        'example.password': SECRETS.label,
        'swapctl.settle': '300ms',
        'swapctl.health.cmd': `test "${SECRETS.probe}" != ""`,
      },
    });
    await push('2', 'stable');
    // A URL is not allowed in a label.
    const hook = `call http://${world.hostAddress}:9/hook?token=${SECRETS.hook}`;
    const config = configFile(world, `${settings}services:\n  ${world.name('web')}:\n    on-switch: '${hook}'\n`);
    const option = how === '--trace' ? ['--trace'] : [];
    const debug = how === '--trace' ? {} : { NODE_DEBUG: 'other,swapctl' };
    const run = (...args: string[]) =>
      swapctl([...args, world.name('web'), '--json', '--config', config, ...option], { env: { ...env, ...debug } });
    const rolled = await run('roll');
    assert.equal(rolled.json().outcome, 'rolled', rolled.stdout + rolled.stderr);
    // A roll lets the engine ask the registry; a check asks it directly.
    const stderr = `${rolled.stderr}${(await run('check')).stderr}`;
    const lines = stderr.split('\n').filter((line) => line.startsWith('trace '));
    for (const pattern of [
      /engine: GET \/version: 200, \d+ ms$/,
      /engine: POST \S*\/containers\/create: 201, \d+ ms$/,
      /engine: POST \S*\/containers\/[0-9a-f]{12}\/start: 204, \d+ ms$/,
      /registry: HEAD http\S+\/v2\/team\/app\/manifests\/stable: (200|401), \d+ ms$/,
      /web: saw old container \S+ .*; step: create .*; reason: there is no new container yet$/,
      /; no step: nothing is left to do$/,
    ])
      assert.ok(
        lines.some((line) => pattern.test(line)),
        `${pattern}\n${stderr}`,
      );
    if (process.getuid?.() === 0 && /program:/.test(stderr)) assert.match(stderr, /program: (nft|nsenter) .*: exit 0/);
    for (const secret of [...Object.values(SECRETS), login.password, basic(login)])
      assert.ok(!lines.some((line) => line.includes(secret)), `${secret} is in\n${stderr}`);
  });
}

function configFile(world: World, text: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-config-'));
  world.after(async () => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'swapctl.yml');
  writeFileSync(file, text);
  return file;
}

function basic({ username, password }: { username: string; password: string }): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

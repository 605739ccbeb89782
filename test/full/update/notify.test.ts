// The built program with the rights of its unit, a real engine, and a receiver of notifications.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { unitPlan } from '../../../src/core/update/units.ts';
import { scripted } from '../../adapters/registry/scripted.ts';
import { SWAPCTL } from '../../lab/cli.ts';
import { freePort } from '../../lab/port.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';

const QUICK = ['--settle', '500ms', '--drain-timeout', '2s', '--json', '--notify'];

test('a unit has the rights to hand ports over, and people hear what came of it', async (t) => {
  const world = testWorld(t);
  const receiver = await scripted(t, (_, response) => void response.end());
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-tell-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'swapctl.yml');
  writeFileSync(config, `notifications: [{ kind: webhook, url: "http://${receiver.host}/hook" }]\n`);
  const good = await world.image('app:2');
  const bad = await world.image('bad:1', { env: { EXIT_AFTER_MS: 300, EXIT_CODE: 3 } });
  const ports = [{ host: await freePort(), container: 8080 }];
  await untilHealthy(
    await world.container('web', { image: await world.image('app:1'), ports, network: await world.network('net') }),
  );

  const rolled = await asUnit(['--config', config, 'roll', world.name('web'), '--image', good, ...QUICK], world.env);
  assert.equal(rolled.code, 0, rolled.stderr);
  assert.equal(JSON.parse(rolled.stdout).strategy, 'handover');
  const failed = await asUnit(['--config', config, 'roll', world.name('web'), '--image', bad, ...QUICK], world.env);
  assert.equal(failed.code, 1, failed.stderr);

  const [first, second] = receiver.asked.map(({ body }) => JSON.parse(body));
  const { Name: host } = await world.docker.info();
  assert.equal(first.title, `swapctl on ${host}: 1 updated`);
  assert.equal(first.services[0].to.image, good);
  assert.equal(second.title, `swapctl on ${host}: 1 failed`);
  assert.match(second.text, /exited with status 3[\s\S]*\n {4}.*exiting with 3, as EXIT_AFTER_MS says$/);
  assert.deepEqual(JSON.parse(failed.stdout).error.log, second.services[0].error.log);
  assert.equal(receiver.asked.length, 2);
});

/** Runs the program as root with only the rights of the unit. */
function asUnit(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const wish = { scheduler: 'systemd', runs: 'update' as const, schedule: undefined } as const;
  const [unit] = unitPlan(wish, { command: ['/node'], env: {}, host: '' }).files;
  const [, rights = ''] = /^CapabilityBoundingSet=(.*)$/m.exec(unit?.content ?? '') ?? [];
  const bounding = [
    '-all',
    ...rights
      .toLowerCase()
      .split(' ')
      .map((right) => right.replace('cap_', '+')),
  ].join(',');
  const command = ['--no-new-privs', `--bounding-set=${bounding}`, process.execPath, SWAPCTL, ...args];
  const child = spawn('setpriv', command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

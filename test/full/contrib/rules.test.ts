// Prometheus itself reads the alert rules; it takes seconds to start.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

for (const [command, name] of [
  ['check', 'swapctl.rules.yml'],
  ['test', 'swapctl.rules.test.yml'],
] as const)
  test(`the alert rules pass promtool ${command}`, (t) => {
    const file = fileURLToPath(new URL(`../../../contrib/prometheus/${name}`, import.meta.url));
    const { error, status, stdout, stderr } = spawnSync('promtool', [command, 'rules', file], { encoding: 'utf8' });
    if (error) return t.skip('promtool is not installed (Debian package prometheus)');
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

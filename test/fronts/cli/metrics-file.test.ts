import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import type { UpdateReport } from '../../../src/core/update/update.ts';
import { cli, type Given } from './fakes.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-metrics-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const from = { image: 'shop:1', digest: 'sha256:1' };
const UPDATE: UpdateReport = {
  checked: '2026-11-30T12:00:00.000Z',
  services: [
    {
      service: 'shop/web',
      outcome: 'updated',
      from,
      because: 'rolled',
      report: { service: 'shop/web', outcome: 'rolled', strategy: 'start-first', timings: { total: 12_000 } },
    },
    { service: 'shop/db', outcome: 'held', from, because: 'failed before' },
  ],
};

const update = (file: string, given: Given = { update: UPDATE }, ...more: string[]) =>
  cli(['update', '--metrics-file', file, ...more], given);

suite('update --metrics-file', () => {
  test('writes the metrics of the run where the collector can read them', async () => {
    const file = path.join(folder, 'swapctl.prom');
    const mask = process.umask(0o077);
    const { status, stderr } = await update(file).finally(() => process.umask(mask));
    assert.deepEqual([status, stderr], [0, '']);
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^swapctl_rolls_total\{service="shop\/web",.*outcome="rolled",trigger="schedule"\} 1$/m);
    assert.match(text, /^swapctl_service_update_state\{service="shop\/db",state="held"\} 1$/m);
    assert.match(text, /^swapctl_build_info\{version="1.2.3",node="[\d.]+"\} 1$/m);
    assert.match(text, /^swapctl_engine_up 1$/m);
    assert.equal(statSync(file).mode & 0o777, 0o644);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('swapctl.prom')),
      ['swapctl.prom'],
    );
  });

  test('goes on counting in the next run', async () => {
    const file = path.join(folder, 'twice.prom');
    await update(file);
    await update(file);
    assert.match(readFileSync(file, 'utf8'), /^swapctl_roll_duration_seconds_count\{.*outcome="rolled"\} 2$/m);
  });

  test('keeps the services that a run of one service does not concern', async () => {
    const file = path.join(folder, 'one.prom');
    await update(file);
    const one = { ...UPDATE, services: UPDATE.services.slice(0, 1) };
    await update(file, { update: one }, 'shop/web');
    assert.match(readFileSync(file, 'utf8'), /service="shop\/db"/);
    await update(file, { update: one });
    assert.doesNotMatch(readFileSync(file, 'utf8'), /service="shop\/db"/);
  });

  test('says that the engine is down', async () => {
    const file = path.join(folder, 'down.prom');
    const { status } = await update(file, { refuse: new SwapError('engine-unreachable', 'no engine') });
    assert.equal(status, 5);
    assert.match(readFileSync(file, 'utf8'), /^swapctl_engine_up 0$/m);
  });

  test('replaces a link instead of writing through it', async () => {
    const [file, victim] = [path.join(folder, 'link.prom'), path.join(folder, 'victim')];
    writeFileSync(victim, 'secret');
    symlinkSync(victim, `${file}.swapctl-new`);
    await update(file);
    assert.equal(readFileSync(victim, 'utf8'), 'secret');
    assert.match(readFileSync(file, 'utf8'), /swapctl_rolls_total/);
  });

  test('only notes a file that cannot be written: the updates count', async () => {
    const { status, stdout, stderr } = await update(path.join(folder, 'none', 'x.prom'));
    assert.equal(status, 0);
    assert.match(stdout, /shop\/web/);
    assert.match(
      stderr,
      /^swapctl: the metrics file .*x\.prom can't be written: ENOENT.*\n {2}the updates themselves are not affected\n$/,
    );
  });

  test('is refused with --dry-run, which has nothing to count', async () => {
    const { status, stderr } = await update(path.join(folder, 'dry.prom'), { update: UPDATE }, '--dry-run');
    assert.equal(status, 2);
    assert.match(stderr, /'--dry-run' cannot be used with option '--metrics-file/);
  });
});

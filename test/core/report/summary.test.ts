import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import {
  type NotifiedService,
  needsNotification,
  notifiedAfter,
  plainText,
  type Run,
  runOf,
  summarizeRun,
  testSummary,
} from '../../../src/core/report/summary.ts';
import type { Checked } from '../../../src/core/update/newer.ts';

const A = `sha256:ab12${'0'.repeat(60)}`;
const B = `sha256:cd34${'0'.repeat(60)}`;

const UPDATED: NotifiedService = {
  service: 'shop/web',
  outcome: 'updated',
  from: { image: 'shop:1', digest: A },
  to: { image: 'shop:2', digest: B },
  because: 'shop:2 is there',
};
const FAILED: NotifiedService = {
  service: 'api',
  outcome: 'failed',
  from: { image: 'api:1', digest: A },
  to: { image: 'api:1', digest: A },
  because: '',
  error: {
    code: 'not-healthy',
    message: 'it exited with 1',
    hint: 'mend the image',
    log: ['first', ' last\x1b[31m! ', ' '],
  },
};
const AVAILABLE: NotifiedService = {
  service: 'db',
  outcome: 'available',
  from: { image: 'postgres:16', digest: A },
  to: { reference: 'postgres:16', digest: B },
  because: 'it is monitor-only',
};
const CURRENT: NotifiedService = { service: 'proxy', outcome: 'current', because: 'it runs what the registry has' };
const UNKNOWN: NotifiedService = {
  service: 'bot',
  outcome: 'unknown',
  because: '',
  error: { code: 'registry-unreachable', message: 'ghcr.io can not be asked' },
};
const WAITING: NotifiedService = {
  ...AVAILABLE,
  service: 'cache',
  outcome: 'waiting',
  because: 'its window opens at 02:00',
};

const run = (...services: NotifiedService[]): Run => ({ services });

suite('a summary', () => {
  test('counts in its title, and has a line for all but what is current, the worst first', () => {
    const { title, lines, tone } = summarizeRun(
      run(CURRENT, WAITING, UPDATED, AVAILABLE, UNKNOWN, FAILED, CURRENT),
      'host1',
    );
    assert.equal(title, 'swapctl on host1: 1 failed, 1 not checked, 1 updated, 1 available, 1 waiting, 2 current');
    assert.equal(tone, 'bad');
    assert.equal(
      plainText(lines),
      [
        'api failed: it exited with 1; mend the image',
        '    last!',
        'bot could not be checked: ghcr.io can not be asked',
        'shop/web was updated: shop:1 sha256:ab1200000000 → shop:2 sha256:cd3400000000',
        'db has an update: postgres:16 sha256:ab1200000000 → sha256:cd3400000000: it is monitor-only',
        'cache waits to be updated: postgres:16 sha256:ab1200000000 → sha256:cd3400000000: its window opens at 02:00',
      ].join('\n'),
    );
  });

  test('has the tone of what happened', () => {
    assert.equal(summarizeRun(run(UPDATED, CURRENT), undefined).tone, 'good');
    assert.equal(summarizeRun(run(AVAILABLE), undefined).tone, 'plain');
  });

  test('of nothing says so, and needs no host', () => {
    assert.equal(summarizeRun(run(), undefined).title, 'swapctl: nothing to do');
  });

  test('lets nothing through that is no text', () => {
    const odd = run({ ...UPDATED, service: 'a\nb\x1b[2J\u202e' });
    assert.doesNotMatch(plainText(summarizeRun(odd, 'h\x07').lines), /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    assert.equal(summarizeRun(odd, 'h\x07').title, 'swapctl on h\\x07: 1 updated');
  });

  test('is there for programs, too', () => {
    const { document } = summarizeRun(run(UPDATED, CURRENT), 'host1');
    assert.deepEqual(document, {
      title: 'swapctl on host1: 1 updated, 1 current',
      text: 'shop/web was updated: shop:1 sha256:ab1200000000 → shop:2 sha256:cd3400000000',
      host: 'host1',
      counts: { failed: 0, unknown: 0, updated: 1, available: 0, waiting: 0, held: 0, skipped: 0, current: 1 },
      services: [UPDATED, CURRENT],
    });
  });

  test('of rolls has their errors and log lines', () => {
    const reports: ServiceReport[] = [
      { service: 'web', outcome: 'rolled', timings: { total: 1 } },
      { service: 'db', outcome: 'rolled-back', timings: { total: 1 } },
      { service: 'api', outcome: 'unchanged', timings: { total: 1 } },
      {
        service: 'bot',
        outcome: 'failed',
        timings: { total: 1 },
        error: { code: 'not-healthy', message: 'no', log: ['why'] },
      },
    ];
    const told = runOf(reports);
    assert.deepEqual(
      told.services.map(({ outcome }) => outcome),
      ['updated', 'updated', 'current', 'failed'],
    );
    assert.deepEqual(summarizeRun(told, undefined).lines[0], { text: 'bot failed: no', log: 'why' });
  });

  test('takes what a check found as it is', () => {
    const checked: Checked = {
      service: 'db',
      outcome: 'available',
      from: { image: 'postgres:16', digest: A },
      to: { reference: 'postgres:17', digest: B },
      because: 'postgres:17 is there',
    };
    assert.equal(
      summarizeRun({ services: [checked] }, undefined).lines[0]?.text,
      'db has an update: postgres:16 sha256:ab1200000000 → postgres:17 sha256:cd3400000000: postgres:17 is there',
    );
  });

  test('to test with says nothing of any service', () => {
    assert.deepEqual(testSummary('host1').document.services, []);
  });
});

suite('a run is notified', () => {
  const NONE = new Map<string, string>();

  test('always, if that is wanted', () => assert.ok(needsNotification(run(CURRENT), 'always', NONE)));

  test('if something was updated, failed, or is new', () => {
    for (const one of [UPDATED, FAILED, AVAILABLE, UNKNOWN])
      assert.ok(needsNotification(run(CURRENT, one), 'changes', NONE));
    for (const one of [CURRENT, WAITING]) assert.ok(!needsNotification(run(one), 'changes', NONE));
  });

  test('if something failed', () => {
    for (const one of [FAILED, UNKNOWN]) assert.ok(needsNotification(run(one), 'failures', NONE));
    for (const one of [UPDATED, AVAILABLE]) assert.ok(!needsNotification(run(one), 'failures', NONE));
  });

  test('once for what stays as it is, and again when it changed', () => {
    const told = notifiedAfter(NONE, run(AVAILABLE, UNKNOWN));
    assert.ok(!needsNotification(run(AVAILABLE), 'changes', told));
    assert.ok(!needsNotification(run(UNKNOWN), 'failures', told));
    assert.ok(needsNotification(run({ ...AVAILABLE, to: { digest: A } }), 'changes', told));
    // A run may cover only some services: the others are not forgotten.
    const after = notifiedAfter(told, run({ ...AVAILABLE, outcome: 'current' }));
    assert.ok(needsNotification(run(AVAILABLE), 'changes', after));
    assert.ok(!needsNotification(run(UNKNOWN), 'changes', after));
  });

  test('as often as something happens', () => {
    const told = notifiedAfter(NONE, run(FAILED, UPDATED));
    for (const one of [UPDATED, FAILED]) assert.ok(needsNotification(run(one), 'changes', told));
  });
});

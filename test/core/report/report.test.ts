import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { type ErrorCode, exitStatus } from '../../../src/core/model/error.ts';
import { type ReplicaReport, summarize } from '../../../src/core/report/report.ts';

function report(change: Partial<ReplicaReport> = {}): ReplicaReport {
  return { slot: 'web', outcome: 'rolled', timings: { start: 10, total: 20 }, ...change };
}

suite('the report of a service', () => {
  test('of one replica is that of the replica, with the time of the pull', () => {
    const one = summarize('shop/web', [report({ strategy: 'start-first', because: 'x' })], 5, 100);
    assert.deepEqual(one, {
      service: 'shop/web',
      outcome: 'rolled',
      strategy: 'start-first',
      because: 'x',
      timings: { pull: 5, start: 10, total: 100 },
    });
  });

  test('of many lists them, and sums up their times', () => {
    const all = [report({ slot: 'web-1' }), report({ slot: 'web-2', timings: { start: 1, stop: 2, total: 9 } })];
    const sum = summarize('shop/web', all, undefined, 100);
    assert.deepEqual([sum.timings, sum.replicas], [{ start: 11, stop: 2, total: 100 }, all]);
  });

  test('tells the first failure before everything else', () => {
    const error = { code: 'not-healthy', message: 'no' } as const;
    const sum = summarize(
      'web',
      [report({ outcome: 'rolled-back' }), report({ outcome: 'failed', error })],
      undefined,
      1,
    );
    assert.deepEqual([sum.outcome, sum.error], ['failed', error]);
  });

  test('says what is left to do for all of its replicas', () => {
    const attention = [{ code: 'attention', message: 'nginx' }] as const;
    const staleClients = [{ client: 'nginx', address: '172.18.0.3' }];
    const sum = summarize('web', [report(), report({ attention, staleClients })], undefined, 1);
    assert.deepEqual([sum.outcome, sum.attention, sum.staleClients], ['rolled', attention, staleClients]);
  });

  test('tells what was rolled before what was not', () => {
    assert.equal(summarize('web', [report({ outcome: 'unchanged' }), report()], undefined, 1).outcome, 'rolled');
    assert.equal(summarize('web', [report({ outcome: 'unchanged' })], undefined, 1).outcome, 'unchanged');
  });
});

test('the exit status of every kind of error is the one that scripts rely on', () => {
  const table: Record<number, ErrorCode[]> = {
    1: [
      'bad-image',
      'known-bad',
      'not-healthy',
      'cannot-create',
      'cannot-start',
      'no-history',
      'image-moved',
      'step-failed',
      'interrupted',
    ],
    2: ['usage', 'config', 'not-found', 'ambiguous', 'refused'],
    3: ['attention'],
    4: ['busy'],
    5: ['engine-unreachable', 'registry-unreachable', 'no-such-image', 'wrong-platform', 'login'],
  };
  for (const [status, codes] of Object.entries(table)) {
    for (const code of codes) assert.equal(exitStatus(code), Number(status), code);
  }
});

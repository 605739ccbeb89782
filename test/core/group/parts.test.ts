// The pure parts of a group roll: agreement on an image, the verdict on a bake, images held together, progress, and the report.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { whyNotTogether } from '../../../src/core/group/agreed.ts';
import { bakeLeft, whyNotWell } from '../../../src/core/group/bake.ts';
import { heldTogether } from '../../../src/core/group/held.ts';
import { onHost } from '../../../src/core/group/progress.ts';
import { groupConcerns, type HostReport, summarizeGroup } from '../../../src/core/group/report.ts';
import type { ReplicaStatus, ServicePlan } from '../../../src/core/report/status.ts';
import type { Checked } from '../../../src/core/update/newer.ts';

const plan = (host: string, image: string, digest: string, more: Partial<ServicePlan> = {}) => ({
  host,
  plan: { service: 'shop/web', image, digest, slots: [], ...more },
});

suite('hosts that are to be rolled together', () => {
  test('agree on a reference, however it is written, and on a digest', () => {
    assert.equal(whyNotTogether([plan('web1', 'app:1', 'a'), plan('web2', 'docker.io/library/app:1', 'a')]), undefined);
  });

  test('must not track different images', () => {
    const why = whyNotTogether([plan('web1', 'app:1', 'a'), plan('web2', 'other:1', 'a')]);
    assert.equal(why?.host, 'web2');
    assert.equal(why?.message, 'shop/web follows other:1 on web2 and app:1 on web1');
  });

  test('must not mean different images by one reference', () => {
    const why = whyNotTogether([plan('web1', 'app:1', 'a'), plan('web2', 'app:1', 'b')]);
    assert.equal(why?.message, 'app:1 is another image on web2 than on web1');
  });

  test('are refused with the reason of the host that refuses', () => {
    const error = { code: 'known-bad', message: 'it failed before' } as const;
    const slot = {
      slot: 'web',
      strategy: 'start-first',
      rehearsal: false,
      because: '',
      verdict: 'refused' as const,
      steps: [],
      error,
    };
    const why = whyNotTogether([plan('web1', 'app:1', 'a'), plan('web2', 'app:1', 'a', { slots: [slot] })]);
    assert.deepEqual(why, { host: 'web2', ...error });
  });
});

const replica = (more: Partial<ReplicaStatus> = {}): ReplicaStatus => ({
  service: 'web',
  container: 'web',
  id: 'id',
  image: 'app:1',
  digest: 'a',
  startedAt: 't',
  ageMs: 0,
  health: 'healthy',
  phase: 'serving',
  strategy: 'start-first',
  lastRoll: undefined,
  lastRollAgeMs: undefined,
  failedImages: 0,
  ...more,
});

suite('a canary host that bakes', () => {
  for (const [what, now, expected] of [
    ['serves', [replica()], undefined],
    ['is unhealthy', [replica({ phase: 'unhealthy', health: 'unhealthy' })], 'web became unhealthy'],
    ['restarts in a loop', [replica({ phase: 'restarting' })], 'web restarts again and again'],
    ['was restarted once', [replica({ startedAt: 'u' })], 'web was restarted'],
    ['ended', [replica({ phase: 'stopped' })], 'web ended'],
    ['is gone', [], 'web is gone'],
  ] as const)
    test(what, () => assert.equal(whyNotWell([replica()], now), expected));

  test('bakes for the time that is left since its youngest replica was rolled', () => {
    assert.equal(bakeLeft(60_000, [replica({ lastRollAgeMs: 45_000 }), replica({ lastRollAgeMs: 50_000 })]), 15_000);
    assert.equal(bakeLeft(60_000, [replica({ lastRollAgeMs: 90_000 })]), 0);
    assert.equal(bakeLeft(60_000, [replica()]), 60_000);
  });
});

test('an image that failed on one host is held on the others, and no other image is', () => {
  const line = (outcome: Checked['outcome'], digest: string, more: Partial<Checked> = {}): Checked => ({
    service: 'web',
    outcome,
    from: { image: 'app:1', digest: 'old' },
    to: { reference: 'app:1', digest },
    because: '',
    ...more,
  });
  const [, second, third] = heldTogether([
    { host: 'web1', report: [line('held', 'bad', { held: 'failed' })] },
    { host: 'web2', report: [line('available', 'bad')] },
    { host: 'web3', report: [line('available', 'good')] },
  ]);
  assert.deepEqual([second?.report?.[0]?.outcome, second?.report?.[0]?.because], ['held', 'it failed on web1']);
  assert.equal(third?.report?.[0]?.outcome, 'available');
});

test('progress names its host', () => {
  assert.deepEqual(onHost('web1', { kind: 'note', text: 'x' }), { kind: 'note', text: 'web1: x' });
  const step = { kind: 'start', id: 'c' } as never;
  const done = onHost('web1', { kind: 'done', slot: 'web', step, ms: 1 });
  assert.equal('slot' in done && done.slot, 'web1/web');
  const pulled = onHost('web1', { kind: 'pulled', reference: 'app:1', ms: 1 });
  assert.equal('reference' in pulled && pulled.reference, 'app:1 on web1');
});

suite('the report', () => {
  const call = { group: 'all', service: 'web', command: 'roll' } as const;
  const sum = (hosts: HostReport[]) => summarizeGroup(call, {}, hosts, 1);
  const error = { code: 'not-healthy', message: 'it was sick' } as const;

  test('is a success if a host was skipped, and states that host', () => {
    const away = { code: 'engine-unreachable', message: 'away' } as const;
    const report = sum([
      { host: 'web1', outcome: 'rolled' },
      { host: 'web2', outcome: 'skipped', error: away },
    ]);
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(groupConcerns(report), [away]);
  });

  test('of a refused canary host asks for no attention', () => {
    const report = sum([
      { host: 'web1', outcome: 'failed', error },
      { host: 'web2', outcome: 'untouched' },
    ]);
    assert.deepEqual(
      [report.outcome, report.attention, report.error?.message],
      ['failed', undefined, 'web1: it was sick'],
    );
  });

  test('of two versions says which host runs which, and what to do', () => {
    const [attention] =
      sum([
        { host: 'web1', outcome: 'unchanged' },
        { host: 'web2', outcome: 'failed', error },
      ]).attention ?? [];
    assert.equal(attention?.message, 'web runs the new image on web1 and the old one on web2');
    assert.match(
      attention?.hint ?? '',
      /^swapctl roll --on all web goes on with the rest; swapctl rollback --on all web /,
    );
  });
});

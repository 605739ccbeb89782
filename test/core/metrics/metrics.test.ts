import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { METRICS_TYPE, metricsText } from '../../../src/core/metrics/exposition.ts';
import { FAMILIES, type Family } from '../../../src/core/metrics/family.ts';
import { Metrics } from '../../../src/core/metrics/metrics.ts';
import { recordChecks, recordRoll, recordRollStart, recordUpdate } from '../../../src/core/metrics/record.ts';
import { readMetrics } from '../../../src/core/metrics/saved.ts';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import type { UpdateReport } from '../../../src/core/update/update.ts';

const AT = Date.UTC(2026, 10, 30);
const SECONDS = AT / 1000;
const side = (image: string) => ({ container: 'c', image, digest: 'sha256:1' });

const ROLLED: ServiceReport = {
  service: 'shop/web',
  outcome: 'rolled',
  strategy: 'start-first',
  from: side('shop:1'),
  to: side('ghcr.io/me/shop:2@sha256:abc'),
  timings: { pull: 900, start: 300, healthy: 2000, drain: 4000, stop: 100, total: 12_000 },
  gap: 0,
  connections: { busy: 3, cut: 2 },
};
const FAILED: ServiceReport = {
  ...ROLLED,
  outcome: 'failed',
  timings: { total: 700 },
  error: { code: 'not-healthy', message: 'no' },
};

/** Metrics with a sample of every family. */
function everything(): Metrics {
  const metrics = new Metrics();
  for (const [name, family] of Object.entries(FAMILIES) as [keyof typeof FAMILIES, Family][]) {
    const labels = Object.fromEntries(family.labels.map((label) => [label, 'x']));
    const series = metrics.series(name, labels as never);
    if (family.type === 'histogram') metrics.observe(name as 'swapctl_roll_gap_seconds', labels as never, 0.3);
    else if (series) series.value = 7;
  }
  return metrics;
}

suite('metrics', () => {
  test('of a roll have its outcome, its parts and its end', () => {
    const metrics = new Metrics();
    recordRollStart(metrics, 'shop/web');
    assert.match(metricsText(metrics), /^swapctl_roll_in_progress\{service="shop\/web"\} 1$/m);
    recordRoll(metrics, ROLLED, 'api', AT);
    const text = metricsText(metrics);
    for (const line of [
      'swapctl_rolls_total{service="shop/web",strategy="start-first",outcome="rolled",trigger="api"} 1',
      'swapctl_roll_duration_seconds_bucket{strategy="start-first",outcome="rolled",le="10"} 0',
      'swapctl_roll_duration_seconds_bucket{strategy="start-first",outcome="rolled",le="20"} 1',
      'swapctl_roll_duration_seconds_bucket{strategy="start-first",outcome="rolled",le="+Inf"} 1',
      'swapctl_roll_duration_seconds_sum{strategy="start-first",outcome="rolled"} 12',
      'swapctl_roll_duration_seconds_count{strategy="start-first",outcome="rolled"} 1',
      'swapctl_roll_phase_duration_seconds_sum{phase="drain"} 4',
      'swapctl_roll_gap_seconds_bucket{strategy="start-first",le="0"} 1',
      'swapctl_connections_left_total{service="shop/web"} 2',
      'swapctl_roll_in_progress{service="shop/web"} 0',
      `swapctl_roll_last_success_timestamp_seconds{service="shop/web"} ${SECONDS}`,
      'swapctl_roll_attention{service="shop/web"} 0',
      'swapctl_service_info{service="shop/web",image="ghcr.io/me/shop:2",strategy="start-first"} 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is missing in\n${text}`);
    assert.doesNotMatch(text, /phase="total"|last_failure/);
  });

  test('of a failed roll say that the old image serves', () => {
    const metrics = new Metrics();
    recordRoll(metrics, ROLLED, 'cli', AT);
    recordRoll(metrics, { ...FAILED, attention: [{ code: 'attention', message: 'look' }] }, 'cli', AT + 5000);
    assert.equal(metrics.get('swapctl_roll_last_failure_timestamp_seconds', { service: 'shop/web' }), SECONDS + 5);
    assert.equal(metrics.get('swapctl_roll_attention', { service: 'shop/web' }), 1);
    assert.deepEqual(
      metrics.all('swapctl_service_info').map(({ labels }) => labels.image),
      ['shop:1'],
    );
  });

  test('count each replica for itself', () => {
    const metrics = new Metrics();
    const replicas = ['1', '2'].map((slot) => ({ ...ROLLED, slot, connections: { busy: 1, cut: 1 }, gap: 70 }));
    recordRoll(metrics, { ...ROLLED, replicas }, 'hook', AT);
    assert.equal(metrics.get('swapctl_connections_left_total', { service: 'shop/web' }), 2);
    assert.match(metricsText(metrics), /swapctl_roll_gap_seconds_count\{strategy="start-first"\} 2/);
  });

  test('of a roll that changed nothing count it, and measure nothing', () => {
    const metrics = new Metrics();
    recordRoll(metrics, { service: 'web', outcome: 'unchanged', timings: { total: 40 } }, 'cli', AT);
    assert.match(metricsText(metrics), /strategy="none",outcome="unchanged",trigger="cli"\} 1/);
    assert.doesNotMatch(metricsText(metrics), /duration/);
  });

  test('of a check have the host of the registry and the state of the service, and since when', () => {
    const metrics = new Metrics();
    const from = { image: 'shop:1', digest: 'sha256:1' };
    const check = (outcome: 'held' | 'current', at: number) =>
      recordChecks(metrics, [{ service: 'web', outcome, from, because: '' }], at);
    check('held', AT);
    check('held', AT + 60_000);
    assert.equal(metrics.get('swapctl_checks_total', { registry: 'docker.io', outcome: 'held' }), 2);
    const states = () => metrics.all('swapctl_service_update_state').filter(({ value }) => value === 1);
    assert.deepEqual(
      states().map(({ labels }) => labels.state),
      ['held'],
    );
    const since = () => metrics.get('swapctl_service_update_state_since_timestamp_seconds', { service: 'web' });
    assert.equal(since(), SECONDS);
    check('current', AT + 120_000);
    assert.equal(since(), SECONDS + 120);
    assert.equal(states().length, 1);
  });

  test('of updates have the rolls in them, and forget services that are gone', () => {
    const metrics = new Metrics();
    const report = (...services: UpdateReport['services']): UpdateReport => ({ checked: '', services });
    const from = { image: 'ghcr.io/me/shop:1', digest: 'sha256:1' };
    const gone = { service: 'gone', outcome: 'failed', from, because: '' } as const;
    const web = { service: 'shop/web', outcome: 'updated', from, because: '', report: ROLLED } as const;
    const skipped = { service: 'other', outcome: 'skipped', from, because: '' } as const;
    recordUpdate(metrics, report(gone), { trigger: 'schedule', at: AT, whole: true });
    recordUpdate(metrics, report(web, skipped), { trigger: 'schedule', at: AT, whole: false });
    assert.match(metricsText(metrics), /service="gone"/);
    recordUpdate(metrics, report(web, skipped), { trigger: 'schedule', at: AT, whole: true });
    const text = metricsText(metrics);
    assert.doesNotMatch(text, /service="gone"|service="other"/);
    assert.match(text, /swapctl_rolls_total\{service="shop\/web",.*trigger="schedule"\} 2/);
    assert.match(text, /swapctl_checks_total\{registry="ghcr.io",outcome="available"\} 3/);
    assert.equal(metrics.get('swapctl_update_last_run_timestamp_seconds', {}), SECONDS);
  });

  test('name no digest and no id', () => {
    const metrics = new Metrics();
    for (const image of ['app@sha256:abc', 'sha256:abc', ''])
      recordRoll(metrics, { ...ROLLED, to: side(image) }, 'cli', AT);
    assert.doesNotMatch(metricsText(metrics), /sha256/);
    assert.equal(metrics.all('swapctl_service_info').length, 1);
  });

  test('have a bound on series and on the length of labels', () => {
    const metrics = new Metrics();
    for (let i = 0; i < 10_000; i++) metrics.add('swapctl_hooks_total', { hook: `${i}`, outcome: 'x'.repeat(5000) });
    assert.equal(metrics.all('swapctl_hooks_total').length, 2000);
    assert.ok(metricsText(metrics).length < 2000 * 300);
  });

  test('escape what would end a label or a line', () => {
    const metrics = new Metrics();
    metrics.add('swapctl_hooks_total', { hook: 'a"b\\c\nd', outcome: 'ok' });
    assert.match(metricsText(metrics), /\{hook="a\\"b\\\\c\\nd",outcome="ok"\} 1\n$/);
  });
});

suite('the text of metrics', () => {
  test('is read back as it was written', () => {
    const metrics = everything();
    metrics.add('swapctl_hooks_total', { hook: 'a"b\\c\nd', outcome: 'o{k}' }, 3);
    for (const seconds of [0.4, 3, 3, 7, 5000])
      metrics.observe('swapctl_roll_duration_seconds', { strategy: 'handover', outcome: 'rolled' }, seconds);
    assert.equal(metricsText(readMetrics(metricsText(metrics))), metricsText(metrics));
  });

  test('of others is skipped', () => {
    const other =
      'up 1\nswapctl_nothing 4\nswapctl_hooks_total{hook="x"} 4\nswapctl_engine_up NaN\n# swapctl_engine_up 1\n{}';
    assert.equal(metricsText(readMetrics(other)), '');
  });

  test('passes promtool check metrics', (t) => {
    const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: metricsText(everything()),
      encoding: 'utf8',
    });
    if (error) return t.skip('promtool is not installed (Debian package prometheus)');
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
  });

  test('has the media type of the format', () => {
    assert.match(METRICS_TYPE, /^text\/plain; version=0\.0\.4;/);
  });

  test('has the unit in each name, and _total in each counter', () => {
    const wrong = (Object.entries(FAMILIES) as [string, Family][]).filter(
      ([name, { type }]) => name.endsWith('_total') !== (type === 'counter'),
    );
    assert.deepEqual(wrong, []);
  });
});

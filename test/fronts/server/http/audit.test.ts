// The audit log has every change: those of callers, of schedules, of webhooks, and of recovery. Each is a job.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { NO_CONFIG } from '../../../../src/core/settings/config.ts';
import { eventually } from '../../../lab/waiting.ts';
import { restarted, type Site, siteOf } from './site.ts';

type Line = Readonly<Record<string, string>>;

const linesOf = ({ audit }: Pick<Site, 'audit'>): Line[] => audit.map((line) => JSON.parse(line));

/** The lines of the log, once one of them has this outcome for this kind of change. */
async function audited(site: Pick<Site, 'audit'>, what: string, outcome: string): Promise<Line[]> {
  await eventually(`a ${what} is ${outcome}: ${site.audit.join('')}`, async () =>
    linesOf(site).some((line) => line.what === what && line.outcome === outcome),
  );
  return linesOf(site);
}

const told = (lines: readonly Line[]): unknown[] =>
  lines.map(({ who, by, from, what, service, outcome }) => [who, by, from, what, service, outcome]);

for (const actor of ['schedule', 'local image'] as const)
  test(`a roll of the watch (${actor}) is a job with plan, steps and report, and it is in the log`, async (t) => {
    const site = await siteOf(t, ['shop/web', 'other']);
    site.world.newer();
    const { signal } = new AbortController();
    const perService = site.server.perService(actor);
    await site.process.app.update(['shop/web'], { only: new Set(['shop/web']), perService, signal });
    const lines = await audited(site, 'roll', 'rolled');
    assert.deepEqual(told(lines), [
      [actor, 'server', '-', 'roll', 'shop/web', 'accepted'],
      [actor, 'server', '-', 'roll', 'shop/web', 'rolled'],
    ]);
    const { json } = await site.call(`/v1/rolls/${lines[0]?.job}`);
    assert.deepEqual([json.actor, json.service, json.state, json.outcome], [actor, 'shop/web', 'done', 'rolled']);
    assert.equal(json.plan[0].strategy, 'start-first');
    assert.ok(json.plan[0].steps.length > 5);
    assert.ok(json.steps.some(({ kind, seen }: Line) => kind === 'create' && seen));
    assert.equal(json.report.outcome, 'rolled');
    assert.match((await site.call('/metrics')).text, /swapctl_rolls_total\{.*trigger="schedule".*\} 1/);
  });

test('each roll of an update by a caller is in the log under the name of the caller', async (t) => {
  const site = await siteOf(t, ['shop/web', 'other']);
  site.world.newer();
  const body = { services: ['shop/web', 'other'] };
  const { json } = await site.call('/v1/updates', { method: 'POST', headers: { prefer: 'wait=60' }, body });
  const lines = await audited(site, 'update', 'done');
  assert.deepEqual(
    lines.filter(({ what }) => what === 'roll').map(({ who, by, job, outcome }) => [who, by, job, outcome]),
    json.rolls.flatMap((id: string) => [
      ['socket', 'socket', id, 'accepted'],
      ['socket', 'socket', id, 'rolled'],
    ]),
  );
  assert.equal(json.rolls.length, 2);
});

test('an update that a webhook has caused is in the log with the name of the hook and the address of its sender', async (t) => {
  const secret = { shown: '…', read: async () => 's3cret' };
  const hub = { kind: 'docker-hub', credential: { form: 'url-secret', secret }, registry: undefined } as const;
  const site = await siteOf(t, ['web', 'other'], undefined, { config: { ...NO_CONFIG, hooks: { hub } } });
  site.world.newer();
  const push = { push_data: { tag: 'live' }, repository: { repo_name: 'library/app' } };
  await site.call('/hooks/hub/s3cret', { method: 'POST', body: push });
  const lines = await audited(site, 'update', 'done');
  const rolls = lines.filter(({ what }) => what === 'roll').map(({ service, outcome }) => `${service} ${outcome}`);
  assert.deepEqual(rolls.sort(), ['other accepted', 'other rolled', 'web accepted', 'web rolled']);
  const actors = lines.map(({ who, by, from }) => `${who} ${by} ${from}`);
  assert.deepEqual(new Set(actors), new Set(['hook hub hook unix']));
  const { json } = await site.call(`/v1/rolls/${lines.find(({ what }) => what === 'update')?.job}`);
  assert.deepEqual([json.kind, json.actor, json.rolls.length], ['update', 'hook hub', 2]);
  assert.ok(site.log.some((line) => /^info hook hub: a push to docker\.io\/library\/app; checking /.test(line)));
});

test('a roll of a dead process that the server ends is in the log, and keeps its caller', async (t) => {
  const first = await siteOf(t, ['web'], (folder) => ({ audit: path.join(folder, 'audit.log') }));
  const file = path.join(first.folder, 'audit.log');
  first.world.newer();
  const other = first.world.open();
  other.process.crashAt('engine.start', 1, 'before');
  const { job } = await other.book.submit({ kind: 'roll', service: 'web', actor: 'ci', request: {} });
  await other.process.died;
  const entry = { time: job.requested, who: 'ci', by: 'token', from: '192.0.2.7', what: 'roll', service: 'web' };
  appendFileSync(file, `${JSON.stringify({ ...entry, job: job.id, outcome: 'accepted' })}\n`);
  const second = await restarted(t, first);
  await second.server.recover();
  const { json } = await second.call(`/v1/rolls/${job.id}`);
  assert.deepEqual([json.actor, json.state, json.outcome], ['ci', 'done', 'failed']);
  const audit = () => readFileSync(file, 'utf8').trim().split('\n');
  await eventually('the end is in the log', async () => audit().length === 3);
  assert.deepEqual(told(linesOf({ audit: audit() })).slice(1), [
    ['ci', 'server', '-', 'recover', 'web', 'accepted'],
    ['ci', 'server', '-', 'recover', 'web', 'failed'],
  ]);
});

test('a roll of another process that the watch ends is in the log', async (t) => {
  const site = await siteOf(t, ['web']);
  site.world.newer();
  const other = site.world.open();
  other.process.crashAt('engine.start', 1, 'before');
  await other.book.submit({ kind: 'roll', service: 'web', actor: 'ci', request: {} });
  await other.process.died;
  const { signal } = new AbortController();
  const request = { only: new Set(['web']), progress: site.server.report, signal };
  assert.deepEqual(await site.process.app.recoverOptedIn(['web'], request), []);
  assert.deepEqual(told(await audited(site, 'recover', 'undone')), [
    ['schedule', 'server', '-', 'recover', 'web', 'undone'],
  ]);
});

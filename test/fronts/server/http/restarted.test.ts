// The answers of a server for the jobs of the previous one.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import type { ServerConfig } from '../../../../src/core/access/server-config.ts';
import { type Answer, restarted, type Site, siteOf } from './site.ts';

const audited = (folder: string): Partial<ServerConfig> => ({ audit: path.join(folder, 'audit.log') });

function post({ call }: Site, target: string, body: object): Promise<Answer> {
  return call(target, { method: 'POST', headers: { prefer: 'wait=60' }, body });
}

test('a roll that failed and left nothing on the engine is found in the audit log', async (t) => {
  const first = await siteOf(t, ['shop/web'], audited);
  const failed = await post(first, '/v1/rolls', { service: 'shop/web', image: 'nothing:1', pull: 'never' });
  assert.equal(failed.json.outcome, 'failed', failed.text);
  const { code } = failed.json.report.error;
  const second = await restarted(t, first);
  const { status, json } = await second.call(`/v1/rolls/${failed.json.id}`);
  assert.deepEqual([status, json.state, json.outcome, json.actor], [200, 'done', 'failed', 'socket']);
  assert.deepEqual([json.service, json.kind, json.ended >= json.requested], ['shop/web', 'roll', true]);
  assert.equal(json.error.code, code);
  assert.match(json.error.hint, /the log of the server at \d{4}-.*Z has the reason/);
});

test('a job over several services is found there, too, and a roll that labels tell of has its caller', async (t) => {
  const first = await siteOf(t, ['shop/web'], audited);
  const check = await post(first, '/v1/checks', {});
  first.world.newer();
  const roll = await post(first, '/v1/rolls', { service: 'shop/web' });
  const second = await restarted(t, first);
  const checked = await second.call(`/v1/rolls/${check.json.id}`);
  assert.deepEqual([checked.json.kind, checked.json.outcome], ['check', 'done']);
  const rolled = await second.call(`/v1/rolls/${roll.json.id}`);
  assert.deepEqual([rolled.json.outcome, rolled.json.actor], ['rolled', 'socket']);
  assert.equal(rolled.json.report.to.image, 'app:live');
  assert.ok(!('timings' in rolled.json.report), 'nobody knows any more how long it took');
});

test('a roll that was accepted, and whose server died before anything was done, has failed', async (t) => {
  const site = await siteOf(t, ['shop/web'], audited);
  const entry = { time: '2026-01-01T00:00:00.000Z', who: 'ci', by: 'token', from: '192.0.2.7', what: 'roll' };
  const line = JSON.stringify({ ...entry, service: 'shop/web', job: 'abcdef012345', outcome: 'accepted' });
  const file = path.join(site.folder, 'audit.log');
  appendFileSync(file, `{"half": "abcdef012345\nnull\n"abcdef012345"\n${line}\n`);
  const { json } = await site.call('/v1/rolls/abcdef012345');
  assert.deepEqual([json.state, json.outcome, json.actor, json.error.code], ['done', 'failed', 'ci', 'interrupted']);
  assert.equal((await site.call('/v1/rolls/abcdef')).status, 404);
});

test('without an audit file, such a job is not known', async (t) => {
  const first = await siteOf(t, ['shop/web']);
  const failed = await post(first, '/v1/rolls', { service: 'shop/web', image: 'nothing:1', pull: 'never' });
  const second = await restarted(t, first);
  const { status, json } = await second.call(`/v1/rolls/${failed.json.id}`);
  assert.equal(status, 404);
  assert.match(json.hint, /server\.audit/);
});

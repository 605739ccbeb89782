import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../src/core/model/reference.ts';
import { whyNotOne } from '../../../src/core/service/one-service.ts';

const replicas = (...follows: (string | undefined)[]) =>
  follows.map((one, at) => ({
    slotName: `web-${at + 1}`,
    follows: one === undefined ? undefined : parseReference(one),
  }));

test('replicas of one repository are one service, whatever their tags and however it is spelt', () => {
  for (const all of [
    [],
    ['app:1'],
    ['app:1', 'docker.io/library/app:2'],
    ['app:1', undefined],
    ['app', `app@sha256:${'1'.repeat(64)}`],
  ])
    assert.equal(whyNotOne(replicas(...all)), undefined);
});

test('replicas of different repositories are not', () => {
  const why = whyNotOne(replicas('app:1', 'app:2', 'evil/app:1'));
  assert.match(why?.message ?? '', /web-1 follows app, web-3 follows evil\/app/);
  assert.match(why?.hint ?? '', /swapctl roll web-3/);
});

// Actions of compose for a service, besides creating containers, that swapctl does not do.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseReference } from '../../../src/core/model/reference.ts';
import { notDone } from '../../../src/core/service/compose-beside.ts';
import { completedFirst } from '../../../src/core/service/one-shot.ts';
import { own } from '../own.ts';

const HOOK = { command: 'echo hello' };
const said = (definitions: Parameters<typeof notDone>[1], ...rest: Parameters<typeof notDone>[2][number][]): string[] =>
  notDone('web', definitions, rest, parseReference('app:1')).map((one) => one.replace(/; .*/, ''));

suite('what is not done', () => {
  test('is nothing for a service that asks for nothing', () => {
    assert.deepEqual(said([{ image: 'app:1', post_start: [], pre_stop: [] }]), []);
  });

  test('are hooks, of all files together', () => {
    assert.deepEqual(said([{ post_start: [HOOK] }, { post_start: [HOOK], pre_stop: [HOOK] }]), [
      'not done by swapctl: post_start of web (2 commands), which compose runs after each start',
      'not done by swapctl: pre_stop of web (1 command), which compose runs before each stop',
    ]);
  });

  const before = 'which compose runs to its end before web';
  const shots: [string, string | undefined, string[]][] = [
    ['a one-shot of the same image', 'app:1', [`not done by swapctl: migrate, of the same image, ${before}`]],
    ['a one-shot of another tag of it', 'app:2', [`not done by swapctl: migrate, of the same image, ${before}`]],
    ['no one-shot of another image', 'tool:1', []],
    ['a one-shot whose image is unknown', undefined, [`not done by swapctl: migrate, ${before}`]],
  ];
  for (const [what, image, expected] of shots)
    test(`is ${what}`, () => assert.deepEqual(said([], { service: 'migrate', image }), expected));
});

test('the label of depends_on names one-shots', () => {
  const label = 'db:service_healthy:true,migrate:service_completed_successfully:false';
  const labels = own({ 'com.docker.compose.project': 'shop', 'com.docker.compose.depends_on': label });
  assert.deepEqual(
    completedFirst(labels).map(({ key }) => key),
    ['shop/migrate'],
  );
});

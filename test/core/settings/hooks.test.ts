import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { parseHooks, shownHook } from '../../../src/core/settings/hooks.ts';
import { readPolicy } from '../../../src/core/settings/read.ts';
import { settingOf } from '../../../src/core/settings/table.ts';
import { own } from '../own.ts';

const fileOf = (value: string) => ({ defaults: {}, service: { 'on-switch': { value, where: 'swapctl.yml:3' } } });

function refusal(read: () => unknown): SwapError {
  try {
    read();
  } catch (raised) {
    if (raised instanceof SwapError) return raised;
  }
  return assert.fail('it was taken');
}

suite('hooks', () => {
  test('are read, several separated by semicolons', () => {
    const hooks = parseHooks('signal HUP nginx; exec shop-nginx-1 nginx -s reload;call https://a.test/x?y=1;', 'x');
    assert.deepEqual(hooks, [
      { kind: 'signal', signal: 'SIGHUP', container: 'nginx', byLabel: false },
      { kind: 'exec', container: 'shop-nginx-1', command: ['nginx', '-s', 'reload'], byLabel: false },
      { kind: 'call', url: 'https://a.test/x?y=1', byLabel: false },
    ]);
  });

  for (const wrong of [
    'reload nginx',
    'signal HUP',
    'signal hup nginx',
    'signal HUP a b',
    'exec nginx',
    'exec ../x ls',
    'call ftp://x',
    'call file:///etc/passwd',
    'call http://',
  ])
    test(`are refused: ${wrong}`, () => {
      const { code, hint } = refusal(() => parseHooks(wrong, 'on-switch'));
      assert.equal(code, 'config');
      assert.match(hint ?? '', /^write signal HUP CONTAINER/);
    });

  test('are shown without logins and queries, whether they can be read or not', () => {
    const [hook] = parseHooks('call https://user:geheim@a.test/x?token=geheim', 'x');
    assert.equal(hook && shownHook(hook), 'call https://a.test/x?…');
    assert.equal(settingOf('on-switch')?.show?.('call https://u:geheim@a.test/'), 'call https://a.test/');
    const { message } = refusal(() => parseHooks('call https://u:geheim@a.test/?k=geheim now', 'on-switch'));
    assert.doesNotMatch(message, /geheim/);
  });

  test('of a label are known as such, and those of the file as its own', () => {
    const bySource = [
      readPolicy(own({ 'swapctl.on-switch': 'signal HUP nginx' })),
      readPolicy(own({}), {}, fileOf('signal HUP nginx')),
      readPolicy(own({}), { 'on-switch': 'signal HUP nginx' }),
    ];
    assert.deepEqual(
      bySource.map(({ onSwitch }) => onSwitch.map(({ byLabel }) => byLabel)),
      [[true], [false], [false]],
    );
  });

  test('of a label call no URL', () => {
    const url = 'call http://169.254.169.254/latest';
    const { code, message } = refusal(() => readPolicy(own({ 'swapctl.on-switch': url })));
    assert.deepEqual([code, message], ['config', "label swapctl.on-switch: a label can't have a URL called"]);
    assert.equal(readPolicy(own({}), {}, fileOf(url)).onSwitch.length, 1);
  });
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { holdsIn } from '../../../../src/adapters/traffic/haproxy/waits.ts';

suite('a backend of HAProxy can hold requests', () => {
  const hold = (backend: string, defaults = 'defaults\n  mode http\n  timeout connect 5s') =>
    holdsIn([`${defaults}\nbackend web\n${backend}`]).get('web');

  for (const [name, backend, kind, longestMs] of [
    ['as long as it retries', 'option redispatch\nretries 21\ntimeout queue 1m', 'requests', 20_000],
    ['as long as its queue keeps them', 'option redispatch\nretries 100\ntimeout queue 8000', 'requests', 8000],
    ['for two seconds unless it is told', 'option redispatch', 'requests', 2000],
    ['for as long as it connects, without a limit of the queue', 'option redispatch\nretries 100', 'requests', 5000],
    ['with shorter pauses between retries', 'option redispatch\ntimeout connect 500\nretries 5', 'requests', 500],
    ['not at all without option redispatch', 'timeout queue 1m\nretries 31', 'requests', 0],
    ['not at all if that is switched off', 'option redispatch\nno option redispatch', 'requests', 0],
    ['not at all without retries of connections', 'option redispatch\nretry-on 503', 'requests', 0],
    [
      'and in TCP mode new connections',
      'mode tcp\noption redispatch\nretries 11\ntimeout queue 1m',
      'connections',
      10_000,
    ],
  ] as const)
    test(name, () => assert.deepEqual(hold(backend), { kind, longestMs }));

  test('by the defaults before it, or by those that it names', () => {
    const texts = [
      'defaults slow\n  mode http\n  option redispatch\n  retries 61\n  timeout queue 1m',
      'defaults\n  mode http\nbackend web\nbackend api from slow\n  no option redispatch\nlisten shop from slow',
    ];
    const found = [...holdsIn(texts)].map(([name, { longestMs }]) => [name, longestMs]);
    assert.deepEqual(found, [
      ['web', 0],
      ['api', 0],
      ['shop', 60_000],
    ]);
  });
});

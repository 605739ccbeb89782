import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import type { Policy } from '../../../src/core/settings/policy.ts';
import { POLICY_LABELS } from '../../../src/core/settings/read.ts';
import { SETTINGS } from '../../../src/core/settings/table.ts';
import { policy, raised } from '../builders.ts';
import { explainedOf, policyOf } from '../own.ts';

test('without labels the defaults count', () => {
  assert.deepEqual(policyOf({}), policy());
});

suite('every label', () => {
  const table: [string, string, Partial<Policy>][] = [
    ['strategy', 'stop-first', { strategy: 'stop-first' }],
    ['strategy', ' auto ', { strategy: 'auto' }],
    ['strategy', 'handover', { strategy: 'handover' }],
    ['volumes', 'shared', { volumes: 'shared' }],
    ['rehearsal', 'false', { rehearsal: false }],
    ['gate', 'false', { gate: false }],
    ['settle', '0', { settleMs: 0 }],
    ['settle', '1m30s', { settleMs: 90_000 }],
    ['drain.timeout', '500ms', { drainMs: 500 }],
    ['drain.idle', 'false', { drainIdle: false }],
    ['drain.close', 'true', { drainClose: true }],
    ['linger', '1m', { lingerMs: 60_000 }],
    ['proxy', 'nginx:shop/edge', { proxy: { driver: 'nginx', place: 'shop/edge' } }],
    ['proxy.route', 'web', { proxyRoute: 'web' }],
    ['proxy.port', '8080', { proxyPort: 8080 }],
    ['proxy.hold', '10s', { proxyHoldMs: 10_000 }],
    ['proxy.allow', 'shop/web, *', { proxyAllow: ['shop/web', '*'] }],
    ['canary', '10% for 2m', { canary: { percent: 10, ms: 120_000 } }],
    ['canary', 'off', { canary: undefined }],
    [
      'on-switch',
      'signal HUP nginx',
      { onSwitch: [{ kind: 'signal', signal: 'SIGHUP', container: 'nginx', byLabel: false }] },
    ],
    ['on-switch.failure', 'undo', { onSwitchFailure: 'undo' }],
    ['hooks.from', 'web, shop-web-1', { hooksFrom: ['web', 'shop-web-1'] }],
    ['health.timeout', '2h', { healthTimeoutMs: 7_200_000 }],
    ['health.cmd', 'curl -f localhost', { probe: { kind: 'cmd', command: 'curl -f localhost' } }],
    ['health.http', '8080/healthz?deep=1', { probe: { kind: 'http', port: 8080, path: '/healthz?deep=1' } }],
    ['health.http', ':80', { probe: { kind: 'http', port: 80, path: '/' } }],
    [
      'health.http',
      'http://app.example.com:8080/healthz',
      { probe: { kind: 'http', port: 8080, path: '/healthz', host: 'app.example.com' } },
    ],
    ['health.http', 'shop_web:80', { probe: { kind: 'http', port: 80, path: '/', host: 'shop_web' } }],
    ['health.tcp', '5432', { probe: { kind: 'tcp', port: 5432 } }],
    ['health.engine', 'false', { engineVerdict: 'false' }],
    ['health.ports', 'warn', { lostPorts: 'warn' }],
    ['track', 'newest', { track: { kind: 'newest' } }],
    ['keep', '0', { keep: 0 }],
    ['keep', '99', { keep: 99 }],
    ['backup.volumes', 'true', { backup: { kind: 'all' } }],
    ['backup.volumes', 'false', { backup: { kind: 'none' } }],
    ['backup.volumes', 'data, /var/lib/x', { backup: { kind: 'some', names: ['data', '/var/lib/x'] } }],
    ['backup.keep', '3', { backupKeep: 3 }],
    ['backup.eraser', ' busybox:1 ', { eraser: 'busybox:1' }],
    ['enable', 'true', { enable: true }],
    ['enable', 'false', { enable: false }],
    ['monitor-only', 'true', { monitorOnly: true }],
    ['schedule', 'every 1h', { schedule: { kind: 'every', ms: 3_600_000, jitterMs: 0 } }],
    [
      'window',
      'Sat 22:00-02:00',
      { windows: [{ days: [6], from: 1320, to: 120, zone: undefined, text: 'Sat 22:00-02:00' }] },
    ],
    ['min-age', '3d', { minAgeMs: 259_200_000 }],
    ['min-interval', '1h', { minIntervalMs: 3_600_000 }],
    ['backoff', '1m-1h', { backoff: { firstMs: 60_000, longestMs: 3_600_000 } }],
    ['backoff', 'off', { backoff: undefined }],
    [
      'build.git',
      'https://example.org/shop.git#main:web',
      { git: { url: 'https://example.org/shop.git', login: undefined, ref: 'main', folder: 'web' } },
    ],
    ['dev.watch', 'rebuild .', { devRules: 'rebuild .' }],
    ['depends-on', ' ', { dependsOn: [] }],
    ['depends-on', 'db, shop/cache', { dependsOn: ['db', 'shop/cache'] }],
  ];
  for (const [key, value, expected] of table) {
    test(`swapctl.${key}=${value} is read, and --${key.replaceAll('.', '-')} the same`, () => {
      const { onSwitch, proxy } = expected;
      const inLabel = {
        ...expected,
        ...(onSwitch && { onSwitch: onSwitch.map((hook) => ({ ...hook, byLabel: true })) }),
        ...(proxy && { proxy: { ...proxy, byLabel: true as const } }),
      };
      assert.deepEqual(policyOf({ [`swapctl.${key}`]: value }), policy(inLabel));
      assert.deepEqual(policyOf({}, { [key]: value }), policy(expected));
    });
  }

  test('the table above has them all', () => {
    assert.deepEqual([...new Set(table.map(([key]) => `swapctl.${key}`))], POLICY_LABELS);
  });
});

suite('wrong values name the label, the value and what would be right', () => {
  const table: [string, string, RegExp][] = [
    ['strategy', 'rolling', /auto, start-first, stop-first/],
    ['volumes', '', /exclusive, shared/],
    ['rehearsal', 'yes', /true, false/],
    ['settle', '5 minutes', /30s/],
    ['settle', '-1s', /30s/],
    ['drain.timeout', '25h', /30s/],
    ['health.timeout', 'soon', /30s/],
    ['health.cmd', '  ', /shell command/],
    ['health.http', 'http://localhost/', /app\.example\.com:8080\/healthz/],
    ['health.http', 'https://localhost:8443/', /8080\/healthz/],
    ['health.http', '8080:80/', /8080\/healthz/],
    ['health.http', 'a b:80/', /8080\/healthz/],
    ['health.http', '-:80/', /8080\/healthz/],
    ['health.http', 'a\r\nx-evil:80/', /8080\/healthz/],
    ['health.http', '0/x', /65535/],
    ['health.http', 'app:0/x', /65535/],
    ['health.http', '99999/x', /65535/],
    ['health.tcp', '65536', /65535/],
    ['health.tcp', '1e3', /65535/],
    ['keep', '-1', /0 to 99/],
    ['keep', '100', /0 to 99/],
    ['keep', '1.5', /0 to 99/],
    ['enable', 'yes', /true, false/],
    ['schedule', 'hourly', /0 4 \* \* \*/],
    ['window', 'at night', /02:00-05:00/],
    ['min-age', '2 weeks', /7d/],
    ['min-age', '366d', /7d/],
    ['min-interval', '-1s', /7d/],
    ['backoff', 'on', /5m-24h/],
    ['depends-on', 'db,,cache', /db, shop\/cache/],
  ];
  for (const [key, value, hint] of table) {
    test(`swapctl.${key}=${JSON.stringify(value)}`, () => {
      const error = raised(() => policyOf({ [`swapctl.${key}`]: value }));
      assert.equal(error.code, 'config');
      assert.match(error.message, new RegExp(`swapctl\\.${key.replace('.', '\\.')}`));
      assert.match(error.hint ?? '', hint);
    });
  }

  test('on the command line the option is named', () => {
    assert.match(raised(() => policyOf({}, { 'drain.timeout': 'x' })).message, /^--drain-timeout/);
  });

  test('control characters are shown, not printed', () => {
    const { message } = raised(() => policyOf({ 'swapctl.strategy': 'auto\u001b[2J\u0007' }));
    assert.ok(!message.includes('\u001b') && !message.includes('\u0007'));
    assert.match(message, /\\u001b/);
  });

  test('an endless value is cut', () => {
    assert.ok(raised(() => policyOf({ 'swapctl.keep': '9'.repeat(10_000) })).message.length < 200);
  });
});

suite('unknown labels', () => {
  const table: [string, RegExp][] = [
    ['swapctl.stratgy', /did you mean swapctl\.strategy\?/],
    ['swapctl.healt.http', /did you mean swapctl\.health\.http\?/],
    ['swapctl.dev', /did you mean swapctl\.dev\.watch\?/],
    ['swapctl.drain', /known are: .*swapctl\.drain\.idle/],
    ['swapctl.health', /known are: .*swapctl\.health\.http/],
    ['swapctl.', /known are|did you mean/],
    ['swapctl.constructor', /known are/],
    ['swapctl.toString', /known are/],
    ['swapctl.__proto__', /known are/],
    ['swapctl.SETTLE', /known are/],
  ];
  for (const [label, hint] of table) {
    test(`${label} is refused: ${hint.source}`, () => {
      const error = raised(() => policyOf({ [label]: 'x' }));
      assert.equal(error.code, 'config');
      assert.match(error.hint ?? '', hint);
    });
  }

  test('an unknown option is refused too', () => {
    assert.equal(raised(() => policyOf({}, { hasOwnProperty: 'x' })).code, 'config');
  });

  test('what swapctl writes itself, what tests mark, and the labels of others are left alone', () => {
    const labels = {
      'swapctl.state.role': 'replica',
      'swapctl.test': '1',
      'swapctl.test.run': '2',
      'com.example.swapctl.keep': 'x',
      swapctlx: 'y',
    };
    assert.deepEqual(policyOf(labels), policy());
  });
});

test('the command line overrules labels', () => {
  assert.equal(policyOf({ 'swapctl.keep': '3' }, { keep: '5' }).keep, 5);
});

suite('the rule of merging', () => {
  // Values that show their source: the n-th layer sets n.
  const keys = ['settle', 'drain.timeout', 'health.timeout', 'keep', 'min-age', 'min-interval', 'depends-on'];
  const layers = fc.tuple(
    ...['4', '3', '2', '1'].map((value) =>
      fc.subarray(keys).map((chosen) => Object.fromEntries(chosen.map((key) => [key, value]))),
    ),
  );
  const sources = ['flag', 'label', 'file', 'file', 'default'];

  test('command line, label, entry of the service, defaults of the file, built in', () => {
    fc.assert(
      fc.property(layers, (given) => {
        const [flags = {}, labels = {}, service = {}, defaults = {}] = given;
        const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`swapctl.${key}`, value]));
        const inFile = (values: Record<string, string>, name: string) =>
          Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value, where: name }]));
        const file = { defaults: inFile(defaults, 'defaults'), service: inFile(service, 'service') };
        const explained = new Map(explainedOf(prefixed, flags, file).map((one) => [one.setting, one]));
        for (const key of keys) {
          const { value, layer } = winner(given, key);
          assert.deepEqual(
            [explained.get(key)?.value, explained.get(key)?.source],
            [value ?? SETTINGS[key]?.preset, sources[layer]],
            key,
          );
        }
        const merged = Object.fromEntries(
          keys.flatMap((key) => {
            const { value } = winner(given, key);
            return value === undefined ? [] : [[key, value]];
          }),
        );
        assert.deepEqual(policyOf(prefixed, flags, file), policyOf({}, merged));
      }),
    );
  });

  function winner(given: readonly Record<string, string>[], key: string): { value: string | undefined; layer: number } {
    const layer = given.findIndex((values) => key in values);
    return { value: given[layer]?.[key], layer: layer < 0 ? 4 : layer };
  }

  test('among settings of one thing the one counts that was said with the most weight', () => {
    const file = { defaults: { 'health.http': { value: '80/', where: 'x:1' } }, service: {} };
    assert.deepEqual(policyOf({ 'swapctl.health.tcp': '70' }, {}, file).probe, { kind: 'tcp', port: 70 });
    assert.deepEqual(policyOf({}, {}, file).probe, { kind: 'http', port: 80, path: '/' });
  });

  test('a wrong value is told even where it would be overruled', () => {
    assert.match(raised(() => policyOf({ 'swapctl.keep': 'x' }, { keep: '5' })).message, /swapctl\.keep/);
  });

  test('a second health check on one container is refused', () => {
    const error = raised(() => policyOf({ 'swapctl.health.tcp': '70', 'swapctl.health.cmd': 'x' }));
    assert.equal(error.message, 'swapctl.health.tcp and swapctl.health.cmd are set at once');
  });
});

test('every default is what its setting reads from it', () => {
  for (const [key, { preset, field, read }] of Object.entries(SETTINGS))
    if (preset !== undefined) assert.deepEqual(read(preset, key)[field], policy()[field], key);
});

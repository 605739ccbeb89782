// A probe that the app refuses because of its host name.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { hostAdvice } from '../../../../src/core/health/health.ts';
import type { UserProbe } from '../../../../src/core/settings/policy.ts';
import type { Ports } from '../../../../src/ports/ports.ts';
import type { ProbeAddress } from '../../../../src/ports/probe.ts';
import { SETUPS } from '../../../matrix/setups.ts';
import { stageOf } from '../../../matrix/stage.ts';

/** Rolls to an image that answers only to its own name. */
async function rolled(probe: string) {
  const stage = await stageOf({ ...SETUPS['start-first'], health: 'http' });
  const { app, ports } = stage.open();
  const asked: ProbeAddress[] = [];
  const traffic: Ports['traffic'] = {
    ...ports.traffic,
    reachable: async (address) => {
      asked.push(address);
      const ok = address.hostHeader === 'app.example.com';
      return {
        ok,
        reached: true,
        status: ok ? 200 : 400,
        output: ok ? 'HTTP 200' : 'HTTP 400 from /healthz: Bad Request (400)',
      };
    },
  };
  Object.assign(ports, { traffic });
  const overrides = { 'health.http': probe, 'health.timeout': '5s' };
  const request = { signal: new AbortController().signal, overrides, pull: 'never' } as const;
  const [report] = await stage.machine.clock.run(app.roll([stage.service], request));
  return { report, asked };
}

suite('an app that answers only to its own name', () => {
  test('is refused with what it said, and a hint at the Host header', async () => {
    const { report } = await rolled('8080/healthz');
    // The old container answers the same, so the image is not to blame.
    assert.equal(report?.error?.code, 'unproven');
    assert.match(report.error.message, /HTTP 400 from \/healthz: Bad Request \(400\)/);
    assert.match(report.error.hint ?? '', /ALLOWED_HOSTS.*swapctl\.health\.http=app\.example\.com:8080\/healthz/);
  });

  test('is asked by the name that the setting gives, at the address of the container', async () => {
    const { report, asked } = await rolled('app.example.com:8080/healthz');
    assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
    assert.notEqual(asked.length, 0);
    for (const { host, hostHeader } of asked)
      assert.deepEqual([/^172\./.test(host), hostHeader], [true, 'app.example.com']);
  });
});

suite('the hint at the Host header is given', () => {
  const http: UserProbe = { kind: 'http', port: 80, path: '/' };
  const table: [string, UserProbe | undefined, number | undefined, boolean][] = [
    ['at HTTP 400', http, 400, true],
    ['at HTTP 403', http, 403, true],
    ['at HTTP 404', http, 404, true],
    ['at HTTP 421', http, 421, true],
    ['not at HTTP 503', http, 503, false],
    ['not without an answer', http, undefined, false],
    ['not where there is a host already', { ...http, host: 'app' }, 400, false],
    ['not without a probe by HTTP', { kind: 'tcp', port: 80 }, 400, false],
  ];
  for (const [what, probe, status, given] of table)
    test(what, () => assert.equal(hostAdvice(probe, status) !== undefined, given));
});

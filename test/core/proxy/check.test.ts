import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { addressText, isAddress, whyForbidden } from '../../../src/core/proxy/check.ts';
import type { ObservedRoute, Server, Wanted } from '../../../src/core/proxy/route.ts';

const A = '10.0.0.2:80';
const B = '10.0.0.3:80';
const server = (address: string, state: Server['state'] = 'ready', weight = 1): Server => ({ address, state, weight });
const overlay = (...servers: Server[]): Wanted => ({ kind: 'servers', roll: 'r1', servers });
const acting = (wanted: Wanted): ObservedRoute => ({
  wanted,
  servers: wanted.kind === 'baseline' ? [server(A)] : wanted.servers,
});
const BASELINE = acting({ kind: 'baseline' });

suite('a wanted state of a route', () => {
  test('passes in each step of a roll, forward and back', () => {
    const course: Wanted[] = [
      overlay(server(A)),
      overlay(server(A), server(B, 'off')),
      overlay(server(A, 'draining'), server(B)),
      overlay(server(A), server(B, 'draining')),
      overlay(server(A, 'draining'), server(B)),
      overlay(server(B)),
      { kind: 'baseline' },
    ];
    let before = BASELINE;
    for (const wanted of course) {
      assert.equal(whyForbidden('web', before, wanted), undefined, JSON.stringify(wanted));
      before = acting(wanted);
    }
  });

  test('has a ready server, unless requests are held', () => {
    const servers = [server(A, 'draining')];
    assert.match(whyForbidden('web', BASELINE, overlay(...servers)) ?? '', /no server would be ready/);
    assert.match(whyForbidden('web', BASELINE, overlay()) ?? '', /no server would be ready/);
    const held = { kind: 'held', roll: 'r1', servers, longestMs: 10_000 } as const;
    assert.equal(whyForbidden('web', BASELINE, held), undefined);
    assert.match(whyForbidden('web', BASELINE, { ...held, longestMs: 0 }) ?? '', /held for no time/);
  });

  test('drains a ready server before it goes, unless that is down', () => {
    const before = acting(overlay(server(A), server(B)));
    assert.match(whyForbidden('web', before, overlay(server(B))) ?? '', /10\.0\.0\.2:80 would go without a drain/);
    assert.match(whyForbidden('web', before, overlay(server(A, 'off'), server(B))) ?? '', /without a drain/);
    assert.equal(
      whyForbidden('web', before, overlay(server(B)), (address) => address === A),
      undefined,
    );
  });

  test('belongs to one roll', () => {
    const other = acting({ kind: 'servers', roll: 'r2', servers: [server(A)] });
    assert.match(whyForbidden('web', other, overlay(server(A))) ?? '', /another roll \(r2\)/);
    assert.equal(whyForbidden('web', other, { kind: 'baseline' }), undefined);
  });

  test('has addresses, weights and a route name that no proxy can misread', () => {
    for (const address of ['web:80', '10.0.0.2', '10.0.0.256:80', '10.0.0.2:0', '10.0.0.2:65536', '[::zz]:80', `${A};`])
      assert.match(whyForbidden('web', BASELINE, overlay(server(address))) ?? '', /is no address/, address);
    assert.match(whyForbidden('web', BASELINE, overlay(server(A), server(A))) ?? '', /named twice/);
    for (const weight of [0, 257, 1.5, Number.NaN])
      assert.match(whyForbidden('web', BASELINE, overlay(server(A, 'ready', weight))) ?? '', /is no weight/);
    assert.match(whyForbidden('web"\n', BASELINE, { kind: 'baseline' }) ?? '', /is no name of a route/);
  });

  test('may use IPv6', () => {
    const address = addressText('fd00::2', 8080);
    assert.equal(address, '[fd00::2]:8080');
    assert.ok(isAddress(address) && isAddress(addressText('10.0.0.2', 1)));
    assert.equal(whyForbidden('web', BASELINE, overlay(server(address))), undefined);
  });
});

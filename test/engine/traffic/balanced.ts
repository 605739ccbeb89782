// A proxy that balances over all addresses of a name, from the moment that the engine's DNS has them, without a retry.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startLoadInside } from '../../lab/load-inside.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';
import { openApp, quickly } from '../compose-app.ts';
import { canGate, NEEDS_NFT } from '../roll/can-gate.ts';
import { fixedPort } from './handover-world.ts';

export interface Balanced {
  readonly strategy: 'start-first' | 'handover';
  /** True: the app finishes its answers before it ends; else it exits at once on SIGTERM. */
  readonly drains: boolean;
}

const TIMES = { settle: '500ms', 'drain.timeout': '500ms' };
// It answers 503 until it is ready.
const slow = { env: { READY_AFTER_MS: 2000 }, health: { startPeriodMs: 10_000 } };

/** Defines the test: a roll of an app that is ready two seconds after its start. */
export function balanced({ strategy, drains }: Balanced): void {
  const what = drains ? 'that drains' : 'that exits at once';
  test(`${strategy}: a roll of an app ${what} loses no request at any of its addresses`, async (t) => {
    const world = testWorld(t);
    const network = await world.network('net');
    const web = await world.container('web', {
      image: await world.image('web:live', { version: '0', ...slow }),
      network,
      aliases: ['web'],
      ...(drains && { env: { DRAIN: 1 } }),
      ...(strategy === 'handover' && { ports: [{ host: await fixedPort() }] }),
    });
    const { app, ports, close } = await openApp(world);
    world.after(async () => close());
    if (!(await canGate(ports))) return t.skip(NEEDS_NFT);
    await untilHealthy(web);
    const url = 'http://web:8080/';
    const load = await startLoadInside(world, {
      network,
      url,
      byName: 'in turn',
      ratePerSecond: 200,
      keepAlive: false,
    });
    await world.image('web:live', { version: '1', ...slow });
    const [report] = await app.roll([world.name('web')], quickly({ overrides: { ...TIMES, strategy } }));
    assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
    await load.answeredBy('1');
    const { failed, failures, requests, longestGapMs, byVersion, timeline } = await load.stop();
    const took = timeline.map(({ tookMs }) => tookMs);
    const late = took.filter((ms) => ms >= 900).length;
    t.diagnostic(
      `${requests} requests, ${failed} failed, longest gap ${longestGapMs} ms, slowest ${Math.max(...took)} ms, ${late} took a second or longer: ${JSON.stringify(byVersion)}`,
    );
    assert.deepEqual(failures, []);
  });
}

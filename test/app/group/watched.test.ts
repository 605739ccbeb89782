// The daemon's view of a group.
import assert from 'node:assert/strict';
import test from 'node:test';
import { type WatchWorld, watch } from '../../../src/daemons/watch/watch.ts';
import { assertWhole, fleetOf, REQUEST } from './fleet.ts';

test('a watch rolls what is newer on all hosts by schedule, and goes on while a host is away', async () => {
  const fleet = await fleetOf(3);
  const operator = fleet.operator();
  const end = new AbortController();
  const said: string[] = [];
  const world: WatchWorld = {
    open: async () => ({ app: operator.app.watched, close: () => operator.app.close() }),
    clock: fleet.clock,
    dice: () => 0,
    log: { write: (level: string, text: string) => void said.push(`${level} ${text}`) } as unknown as WatchWorld['log'],
    signal: end.signal,
    onAsked: () => {},
    tidy: () => {},
    selectors: [],
    request: {},
  };
  const watching = watch(world);
  const pass = (ms: number) => fleet.clock.run(fleet.clock.sleep(ms), true);
  const HOURS = 3_600_000;
  await pass(25 * HOURS);
  const next = fleet.push();
  fleet.host('web2').machine.up = false;
  await pass(25 * HOURS);
  fleet.host('web2').machine.up = true;
  assert.notDeepEqual(fleet.runs(), [next, next, next]);
  await pass(25 * HOURS);
  assert.deepEqual(fleet.runs(), [next, next, next], said.join('\n'));
  end.abort();
  await fleet.clock.run(watching, true);
  assert.ok(
    said.some((text) => /watching 1 service/.test(text)),
    said.join('\n'),
  );
  assertWhole(fleet);
});

test('a service has one line for all hosts', async () => {
  const fleet = await fleetOf(2);
  fleet.push();
  const { watched } = fleet.operator().app;
  const { services } = await fleet.clock.run(watched.update([], REQUEST));
  assert.equal(services.length, 1);
  assert.equal(services[0]?.outcome, 'updated');
  assert.match(services[0]?.because ?? '', /^on web1, web2: rolled start-first in /);
});

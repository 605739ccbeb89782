// The stream of a real engine's events is cut while it is read.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '../../../src/adapters/host/clock.ts';
import { listen } from '../../../src/daemons/watch/listen.ts';
import { appOn } from '../../lab/app.ts';
import { faultProxy } from '../../lab/fault-proxy.ts';
import { baseImage } from '../../lab/images.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld } from '../../lab/world.ts';

test('whoever listens hears of what happens after the stream was cut, and of what happened meanwhile', async (t) => {
  const world = testWorld(t);
  const image = await baseImage(world.docker);
  const proxy = await faultProxy(t, world);
  const { app, close } = await appOn(proxy.engine);
  const end = new AbortController();
  const heard = new Set<string>();
  const listening = listen({
    app: {
      events: async function* (since, signal) {
        for await (const event of app.events(since, signal)) {
          heard.add(event.id);
          yield event;
        }
      },
    },
    clock: systemClock(),
    signal: end.signal,
    onLocalImage: () => {},
    onChange: () => {},
    onAway: () => {},
  });
  t.after(async () => {
    end.abort();
    await listening;
    close();
  });
  const streams = () => proxy.calls.filter(({ what }) => what === 'GET /events').length;
  await eventually('it listens', async () => streams() === 1);
  const isHeard = async (suffix: string) => {
    const { id } = await world.container(suffix, { image, start: false });
    await eventually(`${suffix} is heard of`, async () => heard.has(id));
  };
  await isHeard('before');
  proxy.cut();
  const meanwhile = await world.container('meanwhile', { image, start: false });
  await eventually('it listens again', async () => streams() === 2);
  await isHeard('after');
  assert.ok(heard.has(meanwhile.id), 'what happened while nobody listened is told of later');
});

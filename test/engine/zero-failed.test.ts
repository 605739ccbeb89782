// The promise itself: a service behind its network alias is rolled again and again, and no request fails.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { testWorld, untilHealthy } from '../lab/world.ts';
import { openApp } from './compose-app.ts';

import { canGate, NEEDS_NFT, rollsUnderLoad } from './rolls-under-load.ts';

rollsUnderLoad(1, false);

test('a connection that is being made is one to wait for', async (t) => {
  const world = testWorld(t);
  const web = await world.container('web', { image: await world.image('app:1') });
  await untilHealthy(web);
  const { Id: id, State, NetworkSettings } = await web.inspect();
  const address = NetworkSettings.Networks.bridge?.IPAddress;
  const { ports, close } = await openApp(world);
  world.after(async () => close());
  if (!(await canGate(ports))) return t.skip(NEEDS_NFT);
  // Its last packet never arrives, as that of a connection made in the very moment of the look.
  const script = 'table inet hold { chain in { type filter hook input priority 0; tcp flags == ack drop; }; }';
  execFileSync('nsenter', [`--net=/proc/${State.Pid}/ns/net`, 'nft', script]);
  const socket = connect(8080, address);
  world.after(async () => socket.destroy());
  await once(socket, 'connect');
  assert.equal(await ports.traffic.connections({ id, pid: State.Pid }), 1);
});

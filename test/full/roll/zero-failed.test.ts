// The main guarantee, many times in a row; SWAPCTL_TEST_LONG=1 for more of it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'node:test';
import { openApp } from '../../engine/compose-app.ts';
import { canGate, NEEDS_NFT } from '../../engine/roll/can-gate.ts';
import { rollsUnderLoad } from '../../engine/roll/rolls-under-load.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';

const LONG = process.env.SWAPCTL_TEST_LONG === '1';

// A client that stalls on a busy machine may write to a kept connection just as the app ends it, which no roll can prevent: that is for a
// long run on a quiet machine.
for (const keepAlive of LONG ? ([false, 'mixed'] as const) : ([false] as const))
  rollsUnderLoad(LONG ? 10 : 2, keepAlive);

test('a connection that is being made is one to wait for', async (t) => {
  const world = testWorld(t);
  const web = await world.container('web', { image: await world.image('app:1') });
  await untilHealthy(web);
  const { Id: id, State, NetworkSettings } = await web.inspect();
  const address = NetworkSettings.Networks.bridge?.IPAddress;
  const { ports, close } = await openApp(world);
  world.after(async () => close());
  if (!(await canGate(ports))) return t.skip(NEEDS_NFT);
  // Its last packet never arrives, like that of a connection made at the moment of the observation.
  const script = 'table inet hold { chain in { type filter hook input priority 0; tcp flags == ack drop; }; }';
  execFileSync('nsenter', [`--net=/proc/${State.Pid}/ns/net`, 'nft', script]);
  const socket = connect(8080, address);
  world.after(async () => socket.destroy());
  await once(socket, 'connect');
  assert.equal(await ports.traffic.connections({ id, pid: State.Pid }), 1);
  const diagnosis = await ports.traffic.diagnose({ id, pid: State.Pid });
  assert.equal(diagnosis.available && diagnosis.connections.length, 1, JSON.stringify(diagnosis));
});

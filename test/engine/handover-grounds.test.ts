// Handover where the engine runs without its userland proxy, beside a firewall that forwards nothing by default.
import assert from 'node:assert/strict';
import test from 'node:test';
import { startEngine } from '../lab/engines.ts';
import { hostState, nft, nftScript } from '../lab/host-state.ts';
import { otherHost } from '../lab/netns.ts';
import { allShapes, type Cells, clientsAt, startTraffic, tableOf } from '../lab/traffic.ts';
import { testWorld } from '../lab/world.ts';
import { assertNothingLeft, fixedPort, gatewayOf, LATE, portsOf, roll, startService } from './handover-world.ts';

const RATE = 6;
const root = process.getuid?.() === 0;

// As people write it who have a firewall beside Docker: what was led to a container may pass.
const FIREWALL = `table inet firewall {
  chain forward {
    type filter hook forward priority filter + 10; policy drop;
    ct state established,related accept
    ct status dnat accept
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    tcp dport 9 redirect to :99
  }
}`;

test('handover without the userland proxy, behind a default-drop firewall', { skip: !root }, async (t) => {
  const engine = await startEngine('bookworm-direct');
  const world = testWorld(t, engine);
  t.after(() => engine.stop());
  nftScript(world.netns, FIREWALL);
  world.after(async () => nftScript(world.netns, 'delete table inet firewall'));
  const firewall = nft(world.netns, 'list', 'table', 'inet', 'firewall');
  const network = await world.network('net');
  const port = await fixedPort();
  const web = await startService(world, 'web', {
    app: { env: LATE },
    env: { DRAIN: 1 },
    ports: [{ host: port }],
    network,
    aliases: ['web'],
    labels: { 'swapctl.drain.timeout': '4s' },
  });
  const other = otherHost(world);
  const at = (host: string) => clientsAt({ url: `http://${host}:${port}/` }, allShapes(RATE));
  const here = { world, netns: world.netns };
  const before = { state: await hostState(world), ports: await portsOf(world, web.name) };
  const clients = {
    loopback: await startTraffic(here, at('127.0.0.1')),
    'host address': await startTraffic(here, at(other.hostAddress)),
    'another host': await startTraffic({ world, netns: other.name }, at(other.hostAddress)),
    gateway: await startTraffic({ world, network }, at(await gatewayOf(world, network))),
  };
  await web.publish('2');
  const { stderr } = await roll(world, web.name, {}, (line) => t.diagnostic(line));
  assert.match(stderr, /: handover: /);
  const cells: Record<string, Cells> = {};
  for (const [way, client] of Object.entries(clients)) cells[way] = await client.stop();

  for (const line of tableOf(cells)) t.diagnostic(line);
  for (const [way, shapes] of Object.entries(cells)) {
    for (const [shape, cell] of Object.entries(shapes)) {
      assert.equal(cell.failed, 0, `${way}, ${shape}: ${JSON.stringify(cell)}`);
      if (shape !== 'upgrade') assert.ok(cell.byVersion['2'], `${way}, ${shape}: ${JSON.stringify(cell)}`);
    }
  }
  const after = { state: await hostState(world), ports: await portsOf(world, web.name) };
  assert.deepEqual(after.ports, before.ports);
  assert.deepEqual(after.state.all, before.state.all);
  assert.equal(nft(world.netns, 'list', 'table', 'inet', 'firewall'), firewall);
  await assertNothingLeft(world, web.name);
});

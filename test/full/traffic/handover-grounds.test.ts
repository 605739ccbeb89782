// Handover on other hosts than the usual: without the userland proxy, with the kernel's older iptables, each beside a firewall that
// forwards nothing by default.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import {
  assertNothingLeft,
  fixedPort,
  gatewayOf,
  LATE,
  portsOf,
  roll,
  startService,
} from '../../engine/traffic/handover-world.ts';
import { type EngineKind, startEngine } from '../../lab/engines.ts';
import { hostState, nft, nftScript } from '../../lab/host-state.ts';
import { enter, otherHost } from '../../lab/netns.ts';
import { allShapes, type Cells, clientsAt, startTraffic, tableOf } from '../../lab/traffic.ts';
import { testWorld } from '../../lab/world.ts';

const RATE = 6;
const root = process.getuid?.() === 0;

// As users with a firewall beside Docker write it: redirected connections may pass.
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

interface Ground {
  engine: EngineKind;
  firewall(netns: string | undefined): void;
  /** The rules of others, which must stay. */
  rules(netns: string | undefined): string;
}

const GROUNDS: Record<string, Ground> = {
  'without the userland proxy, behind a default-drop firewall': {
    engine: 'bookworm-direct',
    firewall: (netns) => nftScript(netns, FIREWALL),
    rules: (netns) => nft(netns, 'list', 'table', 'inet', 'firewall'),
  },
  'with iptables-legacy, behind rules as ufw has them': {
    engine: 'bookworm-legacy',
    firewall: likeUfw,
    rules: (netns) => run(netns, 'iptables-legacy-save').replace(/^#.*$|\[\d+:\d+\]/gm, ''),
  },
};

// The engine's own chains come first, as when ufw is reloaded before the engine starts.
function likeUfw(netns: string | undefined): void {
  const chain = 'ufw-like';
  const rule = (...args: string[]) => void run(netns, 'iptables-legacy', ...args);
  rule('-N', chain);
  rule('-A', chain, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT');
  rule('-A', chain, '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP');
  rule('-A', 'FORWARD', '-j', chain);
  rule('-P', 'FORWARD', 'DROP');
}

function run(netns: string | undefined, ...command: string[]): string {
  const [program = '', ...args] = enter(netns, command);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync(program, args, { encoding: 'utf8', env });
}

for (const [name, ground] of Object.entries(GROUNDS)) {
  test(`handover ${name}`, { skip: !root }, (t) => handOver(t, ground));
}

async function handOver(t: test.TestContext, ground: Ground): Promise<void> {
  const engine = await startEngine(ground.engine);
  const world = testWorld(t, engine);
  t.after(() => engine.stop());
  ground.firewall(world.netns);
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
  const firewall = mine(ground.rules(world.netns));
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
  assert.deepEqual(mine(ground.rules(world.netns)), firewall);
  await assertNothingLeft(world, web.name);
}

// A new container may have another address.
function mine(rules: string): string[] {
  return rules
    .replace(/\b10\.233\.\d+\.\d+\b/g, '<address>')
    .split('\n')
    .sort();
}

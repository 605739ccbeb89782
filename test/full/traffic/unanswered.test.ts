// NAT sees only the first packet of a connection. A client whose SYN nobody has answered sends it again for two minutes, and a redirect
// that has come in the meantime takes the connection.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import type Docker from 'dockerode';
import { clearHostScript } from '../../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import { kernelLayer } from '../../../src/app/traffic/kernel-layer.ts';
import { openApp } from '../../engine/compose-app.ts';
import { addressOf, inside, lapse, NEEDS_NFT } from '../../engine/traffic/address-redirect-world.ts';
import { type Connection, connectFrom } from '../../lab/connection.ts';
import { engineFacts } from '../../lab/engine.ts';
import { addressRedirectTables, nftScript } from '../../lab/host-state.ts';
import { enter } from '../../lab/netns.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, untilHealthy } from '../../lab/world.ts';

const SYN = 'tcp flags & (syn | ack) == syn';

test('a connection that the old container did not answer is led on once the redirect is there', async (t) => {
  const pair = await startPair(t);
  if (!pair) return;
  const { from, ports, world } = pair;
  // As when its backlog is full.
  const deaf = `tcp dport 8080 ${SYN} drop`;
  run(
    await inside(from, []),
    'nft',
    `table inet swtest-deaf { chain in { type filter hook input priority 0; ${deaf}; }; }`,
  );
  const connections = await connectInVain(pair);
  await redirect(pair);
  assert.deepEqual(await versionsOf(connections), { neighbour: '2', host: '2' });
  assert.equal(await ports.kernel.endAddressRedirect(from.id, (id) => ports.engine.container(id)), 2, 'both are open');
  for (const [who, connection] of Object.entries(connections)) assert.equal(await connection.echo(who), who);
  for (const connection of Object.values(connections)) connection.close();
  t.diagnostic(`engine ${(await engineFacts(world.docker)).version}`);
});

test('a connection that began while the redirect had lapsed is led on once it is renewed', async (t) => {
  const pair = await startPair(t);
  if (!pair) return;
  const { from, world } = pair;
  await redirect(pair);
  for (const command of Object.values(pair.clients)) await rememberNeighbour(pair, command);
  await from.stop({ t: 0 });
  lapse(world, from.id);
  const connections = await connectInVain(pair);
  await redirect(pair);
  assert.deepEqual(await versionsOf(connections), { neighbour: '2', host: '2' });
});

/** Two containers of one network, of which the second is to get the connections of the first. */
async function startPair(t: test.TestContext) {
  const world = testWorld(t);
  const network = await world.network('net');
  const [older, newer] = [await world.image('web:1'), await world.image('web:2')];
  const from = await world.container('web', { image: older, network });
  const to = await world.container('next', { image: newer, network });
  const neighbour = await world.container('neighbour', { image: older, network });
  await Promise.all([from, to, neighbour].map((one) => untilHealthy(one)));
  const { ports, close } = await openApp(world);
  world.after(async () => close());
  if (!(await kernelLayer(ports)).available) {
    t.skip(NEEDS_NFT);
    return undefined;
  }
  world.after(async () => {
    for (const { table } of addressRedirectTables(world, from.id)) nftScript(world.netns, clearHostScript(table));
  });
  const address = await addressOf(from, network);
  // The commands that enter the network namespaces of clients.
  const clients = { neighbour: await inside(neighbour, []), host: enter(world.netns, []) };
  // The engine's view of the two while both run.
  const ends = [await ports.engine.container(from.id), await ports.engine.container(to.id)] as const;
  return { world, network, ports, from, ends, address, clients };
}

type Pair = NonNullable<Awaited<ReturnType<typeof startPair>>>;

async function redirect({ ports, ends: [from, to] }: Pair): Promise<void> {
  assert.ok(from && to);
  // Longer than the test takes, however busy the machine.
  await ports.kernel.redirectAddress(from, to, await ports.engine.bridges(), 600_000);
}

/** Connects from everywhere, and waits until each client has sent an unanswered SYN. */
async function connectInVain({ world, address, clients }: Pair): Promise<Record<string, Connection>> {
  const begun = Object.entries(clients).map(async ([who, command]) => {
    const table = ['inet', world.name(`sent-${who}`)];
    const rule = `ip daddr ${address} ${SYN} counter`;
    run(command, 'nft', `table ${table.join(' ')} { chain out { type filter hook output priority 100; ${rule}; }; }`);
    world.after(async () => void run(command, 'nft', 'delete', 'table', ...table));
    const connection = connectFrom(world, command, address);
    const isSent = async () => !/packets 0 /.test(run(command, 'nft', 'list', 'table', ...table));
    await eventually(`${who} has sent a SYN`, isSent);
    return [who, connection] as const;
  });
  return Object.fromEntries(await Promise.all(begun));
}

/** Gives a client the old container's hardware address for good, as a recent exchange does for a while. */
async function rememberNeighbour({ from, network, address }: Pair, command: string[]): Promise<void> {
  const mac = macOf(await from.inspect(), network);
  const device = /dev (\S+)/.exec(run(command, 'ip', 'route', 'get', address))?.[1] ?? '';
  run(command, 'ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', device, 'nud', 'permanent');
}

function macOf({ NetworkSettings }: Docker.ContainerInspectInfo, network: string): string {
  return NetworkSettings.Networks[network]?.MacAddress ?? '';
}

async function versionsOf(connections: Record<string, Connection>): Promise<Record<string, string>> {
  const found = Object.entries(connections).map(async ([who, { version }]) => [who, await version] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** Runs a program behind a command that enters a network namespace. */
function run(command: string[], ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync('env', [...command, ...args], { encoding: 'utf8', env });
}

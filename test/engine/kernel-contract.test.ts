// The contracts of the Kernel and the Traffic port on nftables and this machine's kernel. They need no engine: the containers are
// processes in network namespaces and cgroups of their own.
import test, { type TestContext } from 'node:test';
import { hostTraffic } from '../../src/system/traffic.ts';
import { nftKernel } from '../../src/traffic/nft-kernel.ts';
import { type Connection, NETWORK, type Stage } from '../contract/host.ts';
import { kernelContract } from '../contract/kernel.ts';
import { trafficContract } from '../contract/traffic.ts';
import {
  APP_PORT,
  type Box,
  BRIDGES,
  clearRules,
  FAR_HOST,
  inOwnNetwork,
  makeBridge,
  type Program,
  publish,
  startBox,
  startFarClient,
} from '../lab/bare-host.ts';
import { missingProgram, missingRoot } from '../lab/missing.ts';
import { eventually } from '../lab/waiting.ts';

const unable = missingRoot() || missingProgram('unshare', 'nsenter', 'ip', 'nft');
const local = async (): Promise<boolean> => true;

interface Clients {
  readonly near: Program;
  readonly far: Program;
}

async function open(t: TestContext, { near, far }: Clients): Promise<Stage> {
  const running = new Map<string, Awaited<ReturnType<typeof startBox>>>();
  const connections: Connection[] = [];
  t.after(async () => {
    for (const connection of connections) await connection.close();
    for (const { program } of running.values()) await program.end();
    clearRules();
  });
  const published = (): void => publish([...running.values()].map(({ box }) => box));
  const connect = async (client: Program, host: string, port: number): Promise<Connection | undefined> => {
    const made = await connectionOf(client, host, port);
    if (made) connections.push(made);
    return made;
  };
  return {
    kernel: nftKernel(local),
    traffic: hostTraffic(local),
    bridges: BRIDGES,
    find: async (id) => [...running.values()].map(({ box }) => box).find((box) => box.id.startsWith(id)),
    start: async (name, hostPort) => {
      const started = await startBox(name, hostPort);
      running.set(started.box.id, started);
      published();
      return started.box;
    },
    kill: async ({ id }) => {
      await running.get(id)?.program.end();
      running.delete(id);
      published();
    },
    connect: (to) => connect(near, addressOf(to), APP_PORT),
    connectTo: (hostPort) => connect(far, FAR_HOST, hostPort),
    until: eventually,
  };
}

function addressOf({ networks }: Box): string {
  return networks[NETWORK]?.IPAddress ?? '';
}

let made = 0;

async function connectionOf(client: Program, host: string, port: number): Promise<Connection | undefined> {
  const number = ++made;
  const server = await client.connect(number, host, port);
  if (server === undefined) return undefined;
  return { server, isOpen: () => client.echo(number), close: () => client.close(number) };
}

if (unable) test('nftables keeps the contracts', { skip: unable }, () => {});
else if (inOwnNetwork()) {
  makeBridge();
  const clients = { near: (await startBox('near')).program, far: await startFarClient() };
  kernelContract('nftables', (t) => open(t, clients));
  trafficContract('this machine', (t) => open(t, clients));
  test.after(async () => {
    for (const client of Object.values(clients)) await client.end();
  });
}

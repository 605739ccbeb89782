// The stage of a contract on this machine's kernel: containers are processes in network namespaces and cgroups of their own.
import type { TestContext } from 'node:test';
import { hostTraffic } from '../../../src/adapters/host/traffic.ts';
import { socketCloser } from '../../../src/adapters/traffic/socket-closer.ts';
import { diagnoseSockets } from '../../../src/adapters/traffic/socket-diagnostics.ts';
import type { Kernel } from '../../../src/ports/ports.ts';
import { APP_PORT, type Box, type Connection, NETWORK, type Stage } from '../../contract/host.ts';
import {
  BRIDGES,
  clearRules,
  FAR_HOST,
  makeBridge,
  type Program,
  publish,
  startBox,
  startFarClient,
} from '../../lab/bare-host.ts';
import { eventually } from '../../lab/waiting.ts';

export interface Clients {
  readonly near: Program;
  readonly far: Program;
}

/** Makes this process's network namespace the host, with clients beside it; gone after the tests of the file. */
export async function startHost(after: (cleanUp: () => Promise<void>) => void): Promise<Clients> {
  makeBridge();
  const clients = { near: (await startBox('near')).program, far: await startFarClient() };
  after(async () => {
    for (const client of Object.values(clients)) await client.end();
  });
  return clients;
}

export async function openStage(t: TestContext, { near, far }: Clients, kernel: Kernel): Promise<Stage> {
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
    kernel,
    traffic: hostTraffic(async () => true, { diagnose: diagnoseSockets, closer: socketCloser }),
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
  return {
    server,
    isOpen: () => client.echo(number),
    ask: () => client.ask(number),
    close: () => client.close(number),
  };
}

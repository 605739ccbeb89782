// The kernel's view of real connections, and the decisions of a drain.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test, { suite } from 'node:test';
import { diagnoseSockets } from '../../../src/adapters/traffic/socket-diagnostics.ts';
import { type Connection, type Diagnosis, watchConnections } from '../../../src/core/traffic/connections.ts';
import { missingRoot } from '../../lab/missing.ts';
import { eventually } from '../../lab/waiting.ts';

// Longer than any ambiguous silence.
const LONG_MS = 2500;
const EVENT_EVERY_MS = 100;

type Look = ReturnType<ReturnType<typeof watchConnections>> & { readonly connections: readonly Connection[] };

/** A server with one connection of a client, which has sent a word, and the drain's decision at each observation. */
async function talk(t: test.TestContext, word: string | undefined) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('data', (data) => answer(t, socket, String(data)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = net.connect(port, '127.0.0.1').on('error', () => {});
  t.after(() => {
    for (const socket of [...sockets, client]) socket.destroy();
    server.close();
  });
  await once(client, 'connect');
  if (word === 'file') client.pause();
  else client.resume();
  if (word !== undefined) client.write(word);
  const watch = watchConnections();
  const look = async (): Promise<Look> => {
    const connections = connectionsIn(await diagnoseSockets(process.pid)).filter(({ ends }) =>
      ends.includes(`:${port} `),
    );
    return { connections, ...watch(connections, Date.now()) };
  };
  return { client, look };
}

function answer(t: test.TestContext, socket: net.Socket, word: string): void {
  if (word === 'never') return;
  if (word === 'file') return void socket.write(Buffer.alloc(30_000_000));
  if (word !== 'stream') return void socket.write('answer');
  const events = setInterval(() => socket.write('event'), EVENT_EVERY_MS);
  t.after(() => clearInterval(events));
}

function connectionsIn(diagnosis: Diagnosis): readonly Connection[] {
  assert.ok(diagnosis.available, JSON.stringify(diagnosis));
  return diagnosis.connections;
}

suite('a connection', { skip: missingRoot() }, () => {
  test('that was answered is idle after a while', async (t) => {
    const { look } = await talk(t, 'hello');
    const idle = await eventually('it is idle', () => unlessWaitedFor(look));
    assert.deepEqual([idle.open, idle.calm], [1, true]);
  });

  test('without data is idle after a while', async (t) => {
    const { look } = await talk(t, undefined);
    const idle = await eventually('it is idle', () => unlessWaitedFor(look));
    assert.deepEqual([idle.open, idle.calm], [1, true]);
  });

  test('whose client asks again and again is not waited for', async (t) => {
    const { client, look } = await talk(t, 'hello');
    client.on('data', () => setTimeout(() => client.write('more'), 20));
    client.write('more');
    const { connections } = await eventually('it is not waited for', () => unlessWaitedFor(look));
    assert.ok((connections[0]?.sinceReceived ?? LONG_MS) < LONG_MS, 'and it goes on');
  });

  for (const [word, what] of [
    ['never', 'whose client has got no answer'],
    ['stream', 'in which the app goes on sending'],
    ['file', 'whose client does not read as fast as the app sends'],
  ] as const)
    test(`${what} is busy, however long that lasts`, async (t) => {
      const { look } = await talk(t, word);
      const old = await eventually('the request is old', async () => {
        const seen = await look();
        return (seen.connections[0]?.sinceReceived ?? 0) > LONG_MS && seen;
      });
      assert.equal(old.waitedFor.length, 1, JSON.stringify(old));
      if (word !== 'stream') assert.equal(old.calm, false, JSON.stringify(old));
    });

  test('with a request right behind an answer is busy, as far as the kernel tells', async (t) => {
    const { client, look } = await talk(t, 'hello');
    await once(client, 'data');
    client.write('never');
    const seen = await eventually('the request has arrived', async () => {
      const now = await look();
      return now.connections[0]?.received === 'hellonever'.length && now;
    });
    assert.equal(seen.waitedFor.length, 1, JSON.stringify(seen));
  });
});

test('of a process that is gone, the reason is told', async () => {
  const diagnosis = await diagnoseSockets(0);
  assert.equal(diagnosis.available, false);
  assert.match(diagnosis.available ? '' : diagnosis.why, /^the network of a container can't be entered \(nsenter: /);
});

test('without ss, the package to install is told', async (t) => {
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/nowhere';
  const diagnosis = await diagnoseSockets(process.pid);
  assert.deepEqual(diagnosis, {
    available: false,
    why: 'nsenter is not installed',
    advice: 'install the package util-linux',
  });
});

async function unlessWaitedFor(look: () => Promise<Look>): Promise<Look | undefined> {
  const seen = await look();
  return seen.waitedFor.length === 0 && seen.open === 1 ? seen : undefined;
}

// Real connections, closed from outside their program.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test, { suite } from 'node:test';
import { startProgram } from '../../../src/adapters/traffic/program.ts';
import { socketCloser } from '../../../src/adapters/traffic/socket-closer.ts';
import { diagnoseSockets } from '../../../src/adapters/traffic/socket-diagnostics.ts';
import { missingRoot } from '../../lab/missing.ts';

suite('connections of a process', { skip: missingRoot() }, () => {
  // More than ss takes in one line of a filter.
  for (const [address, count] of [
    ['127.0.0.1', 40],
    ['::', 2],
    ['::1', 2],
  ] as const)
    test(`are closed at ${address}, ${count} at once, and nobody else's`, async (t) => {
      const clients = await connect(t, address, count + 1);
      const [kept, ...others] = await endsOf(clients);
      const closer = socketCloser(process.pid);
      t.after(() => closer.end());
      assert.deepEqual(await closer.close(others), { available: true, closed: count });
      assert.deepEqual(await endsOf(clients), [kept]);
    });

  test('stay if swapctl dies before it has named one', async (t) => {
    const clients = await connect(t, '127.0.0.1', 1);
    const before = await endsOf(clients);
    // The remains of a dead swapctl: the beginning of the filter, and then its end.
    const args = ['-H', '-t', '-n', '-K', 'state', 'established', '-F', '-'];
    const left = await startProgram('ss', args, '( sport = :0\n').finish('', 60_000);
    assert.equal(left.kind === 'exited' && left.status !== 0, true, JSON.stringify(left));
    assert.deepEqual(await endsOf(clients), before);
  });
});

test('without ss, the package to install is told', async (t) => {
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '/nowhere';
  const closer = socketCloser(process.pid);
  assert.deepEqual(await closer.close(['127.0.0.1:1 127.0.0.1:2']), {
    available: false,
    why: 'nsenter is not installed',
    advice: 'install the package util-linux',
  });
  closer.end();
});

/** Clients of a server that listens at an address, each with a connection. */
async function connect(t: test.TestContext, address: string, count: number): Promise<net.Socket[]> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const host = address === '::' ? '127.0.0.1' : address;
  const clients = Array.from({ length: count }, () => net.connect(port, host).on('error', () => {}));
  t.after(() => {
    for (const socket of [...sockets, ...clients]) socket.destroy();
    server.close();
  });
  await Promise.all(clients.map((client) => once(client, 'connect')));
  return clients;
}

/** The ends of the clients' open connections, in the server's view and in the order of the clients. */
async function endsOf(clients: readonly net.Socket[]): Promise<string[]> {
  const diagnosis = await diagnoseSockets(process.pid);
  assert.ok(diagnosis.available, JSON.stringify(diagnosis));
  const ports = clients.map(({ localPort }) => localPort);
  return ports.flatMap((port) =>
    diagnosis.connections.filter(({ ends }) => ends.endsWith(`:${port}`)).map(({ ends }) => ends),
  );
}

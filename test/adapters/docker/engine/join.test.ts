// The addresses of a starting container: Docker reports each network that it joins, before it starts the process.
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { connect } from '../../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../../src/adapters/docker/connect/endpoint.ts';
import { dockerEngine } from '../../../../src/adapters/docker/engine/engine.ts';
import type { Endpoint as Address } from '../../../../src/core/model/container.ts';
import type { Engine } from '../../../../src/ports/engine.ts';
import { scratch, VERSION } from '../connect/fake-engine.ts';

const ID = 'c'.repeat(64);
const OTHER = 'd'.repeat(64);

interface Scene {
  networks: string[];
  /** The engine's part of `POST /containers/{id}/start`. */
  onStart: (tell: (network: string, container: string) => void, response: ServerResponse) => void;
  eventsStatus?: number;
}

async function engineOf(t: TestContext, { networks, onStart, eventsStatus = 200 }: Scene): Promise<Engine> {
  const told: ServerResponse[] = [];
  const tell = (network: string, container: string): void => {
    const Actor = { ID: network, Attributes: { container, name: network, type: 'bridge' } };
    for (const one of told) one.write(`${JSON.stringify({ Type: 'network', Action: 'connect', Actor })}\n`);
  };
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').replace(/^\/v[\d.]+/, '').split('?');
    if (path.endsWith('/version')) return void response.end(JSON.stringify(VERSION));
    if (path === '/events') {
      response.writeHead(eventsStatus);
      if (eventsStatus !== 200) return void response.end('{"message":"not allowed"}');
      told.push(response);
      return response.flushHeaders();
    }
    if (path.endsWith('/start')) return onStart(tell, response);
    if (path.startsWith('/networks/')) return void response.end(JSON.stringify(networkOf(path.slice(10))));
    const Networks = Object.fromEntries(networks.map((name) => [name, {}]));
    response.end(JSON.stringify({ Id: ID, Name: '/web', NetworkSettings: { Networks } }));
  });
  server.keepAliveTimeout = 0;
  const path = join(scratch(t), 'engine.sock');
  await new Promise<void>((listening) => server.listen(path, listening));
  const endpoint: Endpoint = { kind: 'unix', path, origin: 'a test' };
  const connection = await connect(endpoint);
  t.after(() => {
    connection.close();
    server.closeAllConnections();
    server.close();
  });
  return dockerEngine(connection, endpoint, async () => undefined);
}

function networkOf(name: string): object {
  const last = name === 'front' ? 2 : 3;
  const own = {
    MacAddress: `02:42:0a:00:00:0${last}`,
    IPv4Address: `10.0.0.${last}/16`,
    IPv6Address: `fd00::${last}/64`,
  };
  return { Name: name, Containers: { [OTHER]: { IPv4Address: '10.0.0.9/16' }, [ID]: own } };
}

function addressOf(name: string, last: number): Address {
  return {
    NetworkID: name,
    MacAddress: `02:42:0a:00:00:0${last}`,
    IPAddress: `10.0.0.${last}`,
    GlobalIPv6Address: `fd00::${last}`,
  };
}

test('they are handed over once all are there, before the engine has started the process', async (t) => {
  let started: ServerResponse | undefined;
  const engine = await engineOf(t, {
    networks: ['front', 'back'],
    onStart: (tell, response) => {
      started = response;
      tell('front', OTHER);
      tell('front', ID);
      tell('back', ID);
    },
  });
  const handed: object[] = [];
  await engine.start(ID, async (networks) => {
    handed.push(networks);
    started?.writeHead(204).end();
  });
  assert.deepEqual(handed, [{ front: addressOf('front', 2), back: addressOf('back', 3) }]);
});

test('a start resolves after whoever got them is done', async (t) => {
  let started: ServerResponse | undefined;
  const engine = await engineOf(t, {
    networks: ['front'],
    onStart: (tell, response) => {
      started = response;
      tell('front', ID);
    },
  });
  let isDone = false;
  await engine.start(ID, async () => {
    await new Promise((answered) => started?.writeHead(204).end(answered));
    await setTimeout(50);
    isDone = true;
  });
  assert.ok(isDone);
});

test('where events are not allowed, or do not come, the container starts all the same', async (t) => {
  for (const eventsStatus of [403, 200]) {
    const engine = await engineOf(t, {
      networks: ['front'],
      onStart: (_tell, response) => void response.writeHead(204).end(),
      eventsStatus,
    });
    await engine.start(ID, async () => assert.fail('nothing was reported'));
  }
});

test('a start that the engine refuses is refused', async (t) => {
  const engine = await engineOf(t, {
    networks: ['front'],
    onStart: (tell, response) => {
      tell('front', ID);
      response.writeHead(500).end('{"message":"port is already allocated"}');
    },
  });
  await assert.rejects(
    engine.start(ID, async () => {}),
    /port is already allocated/,
  );
});

// The exact calls of the Swarm port: an update replaces a whole spec.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { connect } from '../../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../../src/adapters/docker/connect/endpoint.ts';
import { dockerSwarm } from '../../../../src/adapters/docker/swarm/swarm.ts';
import { EngineError, isConflict } from '../../../../src/core/model/engine-error.ts';
import type { Login } from '../../../../src/ports/ports.ts';
import type { Swarm } from '../../../../src/ports/swarm.ts';
import { scratch, VERSION } from '../connect/fake-engine.ts';

const SPEC = {
  Name: 'web',
  Labels: { 'com.docker.stack.image': 'app:1', team: 'shop' },
  TaskTemplate: {
    ContainerSpec: {
      Image: 'app:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      Env: ['PASSWORD=secret'],
      Secrets: [{ SecretName: 'key' }],
    },
    ForceUpdate: 3,
    Placement: { Constraints: ['node.role==worker'] },
  },
  Mode: { Replicated: { Replicas: 2 } },
  UpdateConfig: { Parallelism: 0, Order: 'start-first', FailureAction: 'rollback', Monitor: 2e9 },
};
const SERVICE = { ID: 'abc', Version: { Index: 42 }, CreatedAt: '2026-01-01T00:00:00Z', Spec: SPEC };
const LOGIN = { username: 'me', password: 'pw', serveraddress: 'registry.test' };
const IMAGE = 'registry.test/app:2@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';

interface Asked {
  readonly call: string;
  readonly body: string;
  readonly auth: string | undefined;
}

type Answer = (call: string, response: ServerResponse) => void;

async function swarmThat(t: TestContext, answer: Answer, login?: Login): Promise<{ swarm: Swarm; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/version') return void response.end(JSON.stringify(VERSION));
    const call = `${request.method} ${request.url?.replace(/^\/v[\d.]+/, '')}`;
    const auth = request.headers['x-registry-auth'] as string | undefined;
    asked.push({ call, body: await bodyOf(request), auth });
    answer(call, response);
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
  return { swarm: dockerSwarm(connection, endpoint, async () => login), asked };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of request) body += piece;
  return body;
}

function inspected(call: string, response: ServerResponse): void {
  response.end(JSON.stringify(call.startsWith('GET') ? SERVICE : { Warnings: null }));
}

test('an update sends the spec as it was read with another image, and nothing of it in the URL', async (t) => {
  const { swarm, asked } = await swarmThat(t, inspected, LOGIN);
  await swarm.setImage({ id: 'abc', version: 42 }, IMAGE, false);
  const { call, body, auth } = asked.at(-1) ?? assert.fail();
  assert.equal(call, 'POST /services/abc/update?version=42');
  const { ContainerSpec } = SPEC.TaskTemplate;
  const template = { ...SPEC.TaskTemplate, ContainerSpec: { ...ContainerSpec, Image: IMAGE } };
  assert.deepEqual(JSON.parse(body), { ...SPEC, TaskTemplate: template });
  assert.deepEqual(JSON.parse(Buffer.from(auth ?? '', 'base64url').toString()), LOGIN);
});

test('without a login Swarm keeps the one that it has', async (t) => {
  const { swarm, asked } = await swarmThat(t, inspected);
  await swarm.setImage({ id: 'abc', version: 42 }, IMAGE, false);
  assert.equal(asked.at(-1)?.auth, undefined);
});

test('the login of the spec before is taken back where that is asked for', async (t) => {
  const { swarm, asked } = await swarmThat(t, inspected, LOGIN);
  await swarm.setImage({ id: 'abc', version: 42 }, IMAGE, false, 'former');
  const { call, auth } = asked.at(-1) ?? assert.fail();
  assert.equal(call, 'POST /services/abc/update?version=42&registryAuthFrom=previous-spec');
  assert.equal(auth, undefined);
});

test('a restart counts the forced updates on', async (t) => {
  const { swarm, asked } = await swarmThat(t, inspected);
  await swarm.setImage({ id: 'abc', version: 42 }, SPEC.TaskTemplate.ContainerSpec.Image, true);
  assert.equal(JSON.parse(asked.at(-1)?.body ?? '').TaskTemplate.ForceUpdate, 4);
});

const OUT_OF_SEQUENCE = 'rpc error: code = Unknown desc = update out of sequence';

for (const status of [500, 400])
  test(`"update out of sequence" is a conflict, with status ${status} too`, async (t) => {
    const { swarm } = await swarmThat(t, (call, response) => {
      if (call.startsWith('GET')) return inspected(call, response);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: OUT_OF_SEQUENCE }));
    });
    await assert.rejects(swarm.setImage({ id: 'abc', version: 41 }, IMAGE, false), isConflict);
  });

test('a change is not repeated, whatever its answer is', async (t) => {
  const { swarm, asked } = await swarmThat(t, (call, response) => {
    if (call.startsWith('GET')) return inspected(call, response);
    response.writeHead(500).end('{"message":"no leader"}');
  });
  await assert.rejects(swarm.setImage({ id: 'abc', version: 42 }, IMAGE, false), EngineError);
  assert.equal(asked.filter(({ call }) => call.startsWith('POST')).length, 1);
});

test('a service is read with the defaults of Swarm for what it does not say', async (t) => {
  const { swarm } = await swarmThat(t, (_, response) => {
    const bare = {
      ...SERVICE,
      Spec: { ...SPEC, UpdateConfig: undefined, Labels: undefined },
      UpdateStatus: { State: '' },
    };
    response.end(JSON.stringify([SERVICE, bare]));
  });
  const [full, bare] = await swarm.services();
  const { order, parallelism, monitorMs, failureAction } = full?.updateConfig ?? assert.fail();
  assert.deepEqual([order, parallelism, monitorMs, failureAction], ['start-first', 0, 2000, 'rollback']);
  assert.deepEqual(bare?.updateConfig, {
    order: 'stop-first',
    parallelism: 1,
    delayMs: 0,
    monitorMs: 5000,
    failureAction: 'pause',
    maxFailureRatio: 0,
  });
  assert.deepEqual([bare?.update, { ...bare?.labels }, bare?.stopGraceMs], [undefined, {}, 10_000]);
});

test('an answer that is none of the API is an error that names the field', async (t) => {
  const { swarm } = await swarmThat(t, (_, response) => {
    response.end(JSON.stringify([{ ...SERVICE, Version: 'latest' }]));
  });
  await assert.rejects(swarm.services(), /Service\.Version is not what the Engine API says/);
});

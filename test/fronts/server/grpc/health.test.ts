// The health service, and server reflection in both versions.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { HealthCheckResponse_ServingStatus as Serving } from '#proto/grpc/health/v1/health_pb';
import { ServerReflection, type ServerReflectionRequest } from '#proto/grpc/reflection/v1/reflection_pb';
import { ServerReflection as ServerReflectionAlpha } from '#proto/grpc/reflection/v1alpha/reflection_pb';
import { EngineError } from '../../../../src/core/model/engine-error.ts';
import { siteOf } from '../http/site.ts';
import { grpcSite, overSocket, raised, secured } from './clients.ts';

suite('health', () => {
  test('says that the server and each of its services serve, without a token', async (t) => {
    const { over } = await secured(t);
    const { health } = over('grpc');
    for (const service of ['', 'swapctl.v1.RollService', 'swapctl.v1.ServiceService', 'grpc.health.v1.Health'])
      assert.equal((await health.check({ service })).status, Serving.SERVING, service);
    assert.equal((await raised(health.check({ service: 'swapctl.v1.Nothing' }))).code, Code.NotFound);
  });

  test('is watched only by known callers', async (t) => {
    const { over } = await secured(t);
    const { health } = over('grpc');
    const first = health.watch({})[Symbol.asyncIterator]().next();
    assert.equal((await raised(first)).code, Code.Unauthenticated);
  });

  test('tells those who watch that the engine is away, and that it is back', async (t) => {
    const { process, health } = await grpcSite(t, ['web']);
    process.before('engine.list', 2, () => {
      throw new EngineError(0, 'the engine is away');
    });
    const leaving = new AbortController();
    const watching = health.watch({}, { signal: leaving.signal })[Symbol.asyncIterator]();
    assert.equal((await watching.next()).value?.status, Serving.SERVING);
    assert.equal((await watching.next()).value?.status, Serving.NOT_SERVING);
    assert.equal((await watching.next()).value?.status, Serving.SERVING);
    leaving.abort();
  });

  test('is not serving while the engine is away', async (t) => {
    const { process, health } = await grpcSite(t, ['web']);
    process.before('engine.list', 1, () => {
      throw new EngineError(0, 'the engine is away');
    });
    assert.equal((await health.check({})).status, Serving.NOT_SERVING);
    assert.equal((await health.check({})).status, Serving.SERVING);
  });
});

suite('reflection', () => {
  for (const service of [ServerReflection, ServerReflectionAlpha])
    test(`${service.typeName} lists the services, and describes each with all that it needs`, async (t) => {
      const site = await siteOf(t, ['web']);
      const client = createClient(service as typeof ServerReflection, overSocket(site));
      const ask = async (messageRequest: Asked['messageRequest']) => {
        for await (const answer of client.serverReflectionInfo(once({ messageRequest }))) return answer.messageResponse;
        return assert.fail('there is an answer');
      };
      const listed = await ask({ case: 'listServices', value: '' });
      assert.ok(listed.case === 'listServicesResponse');
      const names = listed.value.service.map(({ name }) => name);
      assert.ok(names.includes('swapctl.v1.RollService') && names.includes('grpc.health.v1.Health'));
      for (const name of names) {
        const found = await ask({ case: 'fileContainingSymbol', value: name });
        assert.ok(found.case === 'fileDescriptorResponse', name);
        assert.ok(registryOf(found.value.fileDescriptorProto).getService(name), name);
      }
      for (const value of [
        'google.rpc.ErrorInfo',
        'swapctl.v1.Job',
        'swapctl.v1.RollService.Roll',
        'swapctl.v1.JobKind',
      ])
        assert.equal((await ask({ case: 'fileContainingSymbol', value })).case, 'fileDescriptorResponse', value);
      const file = await ask({ case: 'fileByFilename', value: 'google/protobuf/timestamp.proto' });
      assert.equal(file.case, 'fileDescriptorResponse');
      const unknown = await ask({ case: 'fileContainingSymbol', value: 'swapctl.v1.Nothing' });
      assert.ok(unknown.case === 'errorResponse' && unknown.value.errorCode === Code.NotFound);
    });

  test('needs a known caller', async (t) => {
    const { transport } = await secured(t);
    const client = createClient(ServerReflection, transport('grpc'));
    const asking = client.serverReflectionInfo(once({ messageRequest: { case: 'listServices', value: '' } }));
    assert.equal((await raised(asking[Symbol.asyncIterator]().next())).code, Code.Unauthenticated);
  });

  test('can be switched off', async (t) => {
    const site = await siteOf(t, ['web'], (folder) => ({
      listen: [{ kind: 'unix', path: `${folder}/api.sock` }],
      reflection: false,
    }));
    const client = createClient(ServerReflection, overSocket(site));
    const asking = client.serverReflectionInfo(once({ messageRequest: { case: 'listServices', value: '' } }));
    assert.equal((await raised(asking[Symbol.asyncIterator]().next())).code, Code.Unimplemented);
  });
});

type Asked = Pick<ServerReflectionRequest, 'messageRequest'>;

async function* once<T>(one: T): AsyncGenerator<T> {
  yield one;
}

function registryOf(bytes: readonly Uint8Array[]): FileRegistry {
  const files = bytes.map((one) => fromBinary(FileDescriptorProtoSchema, one));
  const named = (name: string): FileDescriptorProto => files.find((one) => one.name === name) ?? assert.fail(name);
  const neededFirst = (file: FileDescriptorProto): FileDescriptorProto[] => [
    ...file.dependency.flatMap((name) => neededFirst(named(name))),
    file,
  ];
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...new Set(files.flatMap(neededFirst))] }));
}

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import {
  decodeBridge,
  decodeChanges,
  decodeContainer,
  decodeImage,
  decodeImageSummary,
  decodeSummary,
  decodeVolume,
} from '../../../../src/adapters/docker/engine/decode.ts';
import { judge } from '../../../../src/core/health/health.ts';
import type { Container, Image } from '../../../../src/core/model/container.ts';
import { EngineError } from '../../../../src/core/model/engine-error.ts';
import { digestsFor, runs } from '../../../../src/core/model/image.ts';
import { ownLabels } from '../../../../src/core/model/own-labels.ts';
import { parseReference } from '../../../../src/core/model/reference.ts';
import { replicaRequest, standInRequest } from '../../../../src/core/recreate/request.ts';
import { subtractImage } from '../../../../src/core/recreate/user-set.ts';
import { groupServices } from '../../../../src/core/service/service.ts';
import { readPolicy } from '../../../../src/core/settings/read.ts';
import { chooseStrategy } from '../../../../src/core/strategy/choose.ts';
import { policy } from '../../../core/builders.ts';
import { decoded, own } from '../../../core/own.ts';
import { anyJson, mutated, survives } from '../../../lab/hostile.ts';

const DIALECT = { apiVersion: '1.41', serverVersion: '20.10.24' };
const KERNEL = { available: false, why: 'a test' } as const;

// As an engine shows it, with every field that swapctl reads.
const CONTAINER = {
  Id: 'c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789',
  Created: '2026-01-02T03:04:05.678901234Z',
  Name: '/web',
  Image: 'sha256:1111',
  RestartCount: 0,
  State: {
    Status: 'running',
    Pid: 42,
    ExitCode: 0,
    Error: '',
    OOMKilled: false,
    StartedAt: '2026-01-02T03:04:06Z',
    Health: { Status: 'healthy', Log: [{ ExitCode: 0, Output: 'ok' }] },
  },
  Config: {
    Hostname: 'c0ffee012345',
    Env: ['A=1', 'B=2'],
    Cmd: ['serve'],
    Entrypoint: ['/app'],
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/data': {} },
    Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Retries: 3 },
    Image: 'app:1',
    Labels: { 'swapctl.settle': '3s', 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' },
    StopSignal: 'SIGTERM',
  },
  HostConfig: {
    Binds: ['data:/data', '/srv:/srv:ro'],
    Mounts: [{ Type: 'volume', Source: 'more', Target: '/more' }],
    NetworkMode: 'net',
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
    RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
    Links: ['/db:/web/db'],
    VolumesFrom: ['other:ro'],
    DeviceRequests: [{ Count: -1, DeviceIDs: null }],
    Devices: [{ PathOnHost: '/dev/x' }],
  },
  Mounts: [{ Type: 'volume', Name: 'data', Source: '/v/data/_data', Destination: '/data', Driver: 'local', RW: true }],
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
    Networks: {
      net: {
        Aliases: ['web', 'c0ffee012345'],
        MacAddress: '02:42:ac:11:00:02',
        IPAddress: '172.17.0.2',
        IPAMConfig: { IPv4Address: '172.17.0.2' },
        NetworkID: 'n1',
      },
    },
  },
};

const SUMMARY = {
  Id: 'c0ffee',
  Names: ['/web', '/other/alias'],
  State: 'running',
  Image: 'app:1',
  ImageID: 'sha256:1111',
  Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.container-number': '1' },
  NetworkSettings: { Networks: { net: { IPAddress: '172.17.0.2' } } },
};

const IMAGE = {
  Id: 'sha256:1111',
  RepoTags: ['app:1'],
  RepoDigests: ['app@sha256:2222'],
  Config: { Env: ['A=1'], Labels: { a: 'b' }, Cmd: ['serve'], Healthcheck: { Test: ['NONE'] } },
  Os: 'linux',
  Architecture: 'amd64',
  Created: '2026-01-01T00:00:00Z',
  Manifests: [{ Available: true, Kind: 'image', Descriptor: { digest: 'sha256:3' }, ImageData: { Platform: {} } }],
};

function labelsOf({ name, imageId, config }: Container, image: Image) {
  return ownLabels({ name, imageId, labels: config.Labels ?? {} }, image.config.Labels ?? {});
}

/** Uses a container as a roll does: judges it, and creates it again. */
function use(container: Container): void {
  const image = decodeImage(IMAGE);
  judge(container, policy(), { watchedSince: 0, healthySince: undefined, failuresInRow: 0, lastOutput: '' }, 1000);
  chooseStrategy(container, readPolicy(labelsOf(container, image)), KERNEL);
  decoded(container.config.Labels ?? {});
  runs(container, image);
  const userSet = subtractImage(container.config, image.config);
  const to = {
    name: 'next',
    follows: 'app:1',
    userSet,
    state: { role: 'replica', service: 'web', slot: 'web' },
    composeImage: undefined,
    composeHash: undefined,
    alias: 'web',
    successors: new Map<string, string>(),
    inheritedTargets: new Set<string>(),
  } as const;
  JSON.stringify([replicaRequest(container, to), standInRequest(container, to)]);
}

suite('what a container does, in the words of Docker', () => {
  for (const [said, status] of [
    ['paused', 'paused'],
    ['configured', 'created'],
    ['initialized', 'created'],
    ['stopping', 'running'],
    ['stopped', 'exited'],
  ] as const)
    test(`${said}: ${status}`, () => {
      const body = { ...CONTAINER, State: { ...CONTAINER.State, Status: said } };
      assert.equal(decodeContainer(body, DIALECT).status, status);
    });
});

suite('whatever an engine answers is understood, or refused', () => {
  test('a container', () => {
    use(decodeContainer(CONTAINER, DIALECT));
    const { HostConfig } = CONTAINER;
    use(decodeContainer({ ...CONTAINER, HostConfig: { ...HostConfig, NetworkMode: null } }, DIALECT));
    const Labels = JSON.parse('{ "__proto__": {} }');
    assert.throws(() => decodeSummary({ ...SUMMARY, Labels }), { name: 'EngineError', message: /Labels is not what/ });
    survives(fc.oneof(anyJson, mutated(CONTAINER)), (body) => use(decodeContainer(body, DIALECT)));
  });

  test('the list of containers', () => {
    survives(fc.array(fc.oneof(anyJson, mutated(SUMMARY)), { maxLength: 3 }), (bodies) => {
      for (const { slots } of groupServices(
        bodies.map((body) => decodeSummary(body)).map((one) => ({ ...one, labels: own(one.labels) })),
      ))
        for (const { slotName } of slots) slotName.trim();
    });
  });

  test('an image', () => {
    survives(fc.oneof(anyJson, mutated(IMAGE)), (body) => {
      const image = decodeImage(body);
      digestsFor(image, parseReference('app:1')).join();
      JSON.stringify(subtractImage(decodeContainer(CONTAINER, DIALECT).config, image.config));
    });
  });

  test('everything else', () => {
    survives(anyJson, (body) =>
      [decodeImageSummary, decodeBridge, decodeVolume, decodeChanges].map((one) => one(body)),
    );
    for (const one of [decodeBridge, decodeVolume, decodeChanges]) survives(anyJson, one);
  });
});

test('what is of another type than the API says is not created again as something else', () => {
  const wrong: [string, object][] = [
    ['Config.Env', { Config: { Env: 'A=1' } }],
    ['HostConfig.Binds', { HostConfig: { Binds: [1] } }],
    ['HostConfig.PortBindings', { HostConfig: { PortBindings: { '80/tcp': {} } } }],
    ['Endpoint.Aliases', { NetworkSettings: { Networks: { net: { Aliases: 5 } } } }],
    ['no id', { Id: '' }],
  ];
  for (const [field, change] of wrong) {
    const said = (error: unknown) => error instanceof EngineError && error.message.includes(field);
    assert.throws(() => decodeContainer({ ...CONTAINER, ...change }, DIALECT), said, field);
  }
});

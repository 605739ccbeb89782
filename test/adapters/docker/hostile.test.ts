// Files of docker, credential helpers and engines with any content.
import test, { suite } from 'node:test';
import type Dockerode from 'dockerode';
import fc from 'fast-check';
import { jsonLines } from '../../../src/adapters/docker/calls/ndjson.ts';
import { readContext } from '../../../src/adapters/docker/connect/contexts.ts';
import { negotiate } from '../../../src/adapters/docker/connect/negotiate.ts';
import { parseDockerConfig } from '../../../src/adapters/docker/credentials/config-file.ts';
import { askHelper } from '../../../src/adapters/docker/credentials/helper.ts';
import { engineFacts } from '../../../src/adapters/docker/engine/facts.ts';
import { pull } from '../../../src/adapters/docker/engine/pull.ts';
import { listVolumes, volumeSizes } from '../../../src/adapters/docker/engine/volumes.ts';
import { anyJson, anyText, mutated, survives, survivesLater } from '../../lab/hostile.ts';

const CONFIG = {
  auths: { 'ghcr.io': { auth: 'dTpw', identitytoken: 't', username: 'u', password: 'p' } },
  credHelpers: { 'x.example': 'pass' },
  credsStore: 'secretservice',
  currentContext: 'far',
};
const META = { Name: 'far', Metadata: {}, Endpoints: { docker: { Host: 'tcp://far:2376', SkipTLSVerify: false } } };
const VERSION = {
  Version: '26.1.5',
  ApiVersion: '1.45',
  MinAPIVersion: '1.24',
  Os: 'linux',
  Arch: 'amd64',
  Components: [{ Name: 'Engine', Version: '26.1.5' }],
};
const INFO = {
  Name: 'vm',
  SystemTime: '2026-01-01T00:00:00Z',
  OSType: 'linux',
  Architecture: 'x86_64',
  OperatingSystem: 'Debian',
  SecurityOptions: ['name=seccomp'],
  DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
  RegistryConfig: {
    Mirrors: ['https://m.example'],
    InsecureRegistryCIDRs: ['127.0.0.0/8'],
    IndexConfigs: { 'r.example': { Secure: false } },
  },
};
const PROGRESS = {
  id: 'l1',
  status: 'Downloading',
  progressDetail: { current: 1, total: 2 },
  errorDetail: { message: 'no' },
};

const of = (answer: unknown) => fc.oneof(anyJson, mutated(answer));
const textOf = (answer: unknown) =>
  fc.oneof(
    anyText,
    of(answer).map((value) => JSON.stringify(value)),
  );

suite('whatever it says, it is understood or refused', () => {
  test("docker's config.json", () => {
    survives(textOf(CONFIG), (text) => parseDockerConfig(text, 'config.json'));
  });

  test("a context's meta.json", async () => {
    await survivesLater(textOf(META), async (text) => {
      const world = { env: {}, home: '/home/x', exists: async () => true, list: async () => ['a', 'b'] };
      const read = async (path: string) => (path.endsWith('meta.json') ? text : undefined);
      (await readContext('far', { origin: 'a test', code: 'usage' }, { ...world, read })).host.trim();
    });
  });

  test('a credential helper', async () => {
    const answers = fc.record({ code: fc.constantFrom(0, 1, null), stdout: textOf({ Username: 'u', Secret: 's' }) });
    await survivesLater(answers, async (ran) => (await askHelper('x', 'x.example', async () => ran))?.secret.trim());
  });

  test('the version of an engine', () => {
    survives(of(VERSION), (body) => negotiate(body, 'here'));
  });

  test('what an engine says of itself', async () => {
    const endpoint = { kind: 'unix', path: '/x', origin: 'a test' } as const;
    await survivesLater(of(INFO), async (info) => {
      const docker = { info: async () => info } as unknown as Dockerode;
      const facts = await engineFacts(docker, negotiate(VERSION, 'here'), endpoint);
      [...facts.registries.mirrors, ...facts.registries.insecure, facts.name, facts.os].map((one) => one.trim());
      facts.clockOffsetMs.toFixed();
    });
  });

  test('the progress of a pull, in lines that are cut anywhere', async () => {
    const chunks = fc.array(
      textOf(PROGRESS).map((line) => Buffer.from(`${line}\n`)),
      { maxLength: 4 },
    );
    await survivesLater(chunks, async (lines) => {
      for await (const line of jsonLines(pieces(lines))) Object.keys(line);
      const stream = Object.assign(pieces(lines), { destroy: () => {} });
      const docker = { pull: async () => stream } as unknown as Dockerode;
      const sum = { bytes: 0 };
      await pull(
        docker,
        'app:1',
        undefined,
        ({ current, layer }) => {
          layer.trim();
          sum.bytes += current ?? 0;
        },
        { idleMs: 1000, signal: undefined },
      );
      sum.bytes.toFixed();
    });
  });

  test('volumes, and how large they are', async () => {
    const told = { Volumes: [{ Name: 'data', Labels: { a: 'b' }, UsageData: { Size: 5 } }] };
    await survivesLater(of(told), async (answer) => {
      const modem = { dial: (_: unknown, done: (error: unknown, answer: unknown) => void) => done(null, answer) };
      const docker = { listVolumes: async () => answer, modem } as unknown as Dockerode;
      for (const { name, labels } of await listVolumes(docker, 'a=b'))
        [name, ...Object.values(labels)].map((one) => one.trim());
      for (const size of (await volumeSizes(docker)).values()) size.toFixed();
    });
  });
});

async function* pieces(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  const whole = Buffer.concat(lines);
  for (let at = 0; at < whole.length; at += 97) yield whole.subarray(at, at + 97);
}

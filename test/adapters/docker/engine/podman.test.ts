// A container of Podman 4.3, as recorded, in Docker's terms.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeContainer } from '../../../../src/adapters/docker/engine/decode.ts';
import { inDockerTerms, withShortNames } from '../../../../src/adapters/docker/engine/podman.ts';

const ANONYMOUS = '4f575f2b4f4f720233416ad3a55a398e1bbe2cf3e379d9137b31c0c673717b04';

const SEEN = {
  Id: `73e312c55096${'0'.repeat(52)}`,
  Config: {
    Hostname: '73e312c55096',
    User: '',
    Env: ['VERSION=1', 'A=1', 'TERM=xterm', 'container=podman', 'HOME=/root', 'HOSTNAME=73e312c55096'],
    Image: 'docker.io/library/app:1',
    StopSignal: '2',
    WorkingDir: '/',
  },
  HostConfig: {
    Binds: [
      `${ANONYMOUS}:/data:rprivate,rw,nodev,exec,nosuid,rbind`,
      'v:/v:ro,rprivate,nosuid,nodev,rbind',
      '/a:/b:rw',
    ],
    NetworkMode: 'bridge',
    PidMode: 'private',
    UTSMode: 'private',
    IpcMode: 'shareable',
    Runtime: 'oci',
    NanoCpus: 500_000_000,
    CpuPeriod: 100_000,
    CpuQuota: 50_000,
    MemorySwappiness: -1,
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: '' }],
    Ulimits: [{ Name: 'RLIMIT_NOFILE', Hard: 1024, Soft: 512 }],
  },
  NetworkSettings: { Networks: { net: { MacAddress: 'fa:53:41:9d:41:31', IPAddress: '10.233.0.2' } } },
};

test('what Podman adds by itself is not taken for the wish of a user', () => {
  const { Config, HostConfig } = inDockerTerms(SEEN) as { Config: object; HostConfig: object };
  assert.deepEqual(Config, {
    Hostname: '73e312c55096',
    User: '',
    Env: ['VERSION=1', 'A=1'],
    Image: 'app:1',
    StopSignal: 'SIGINT',
    WorkingDir: '',
  });
  assert.deepEqual(HostConfig, {
    Binds: ['v:/v:ro', '/a:/b'],
    NetworkMode: 'bridge',
    PidMode: '',
    UTSMode: '',
    IpcMode: '',
    CpuPeriod: 100_000,
    CpuQuota: 50_000,
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rwm' }],
    Ulimits: [{ Name: 'nofile', Hard: 1024, Soft: 512 }],
  });
});

test('what a user set stays', () => {
  const asked = { ...SEEN.Config, Env: ['HOME=/srv', 'TERM=vt100'], StopSignal: '10', WorkingDir: '/srv' };
  const { Config } = inDockerTerms({ Config: asked }) as { Config: Record<string, unknown> };
  assert.deepEqual([Config.Env, Config.StopSignal, Config.WorkingDir], [asked.Env, 'SIGUSR1', '/srv']);
});

test('the MAC address that it made up is not asked for again', () => {
  const dialect = { apiVersion: '1.41', serverVersion: '4.3.1', engine: 'podman' as const };
  assert.deepEqual(decodeContainer(inDockerTerms(SEEN), dialect).configuredMacs, {});
});

test('names of images are as short as Docker shows them', () => {
  const seen = {
    RepoTags: ['docker.io/library/app:1', 'localhost/own:1'],
    RepoDigests: ['docker.io/team/app@sha256:1'],
  };
  assert.deepEqual(withShortNames(seen), {
    RepoTags: ['app:1', 'localhost/own:1'],
    RepoDigests: ['team/app@sha256:1'],
  });
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container, Mount } from '../../../src/core/model/container.ts';
import { missedOnlyProgram, NO_PROGRAM, needsHost, startCheckRequest } from '../../../src/core/recreate/start-check.ts';
import { container } from '../builders.ts';

function mounted(change: Partial<Mount>): Mount {
  return { type: 'bind', name: '', source: '/srv', target: '/data', driver: '', writable: true, ...change };
}

suite('what a start needs from the host', () => {
  const table: [string, Partial<Container>, boolean][] = [
    ['nothing', {}, false],
    ['a bind mount', { mounts: [mounted({})] }, true],
    ['a volume', { mounts: [mounted({ type: 'volume', name: 'data' })] }, true],
    ['a tmpfs', { mounts: [mounted({ type: 'tmpfs', source: '' })] }, false],
    ['a device', { host: { Devices: [{ PathOnHost: '/dev/ttyUSB0' }] } }, true],
    ['a GPU', { host: { DeviceRequests: [{ Count: -1 }] } }, true],
    ['the log files of the engine', { host: { LogConfig: { Type: 'json-file' } } }, false],
    ['a log server', { host: { LogConfig: { Type: 'fluentd' } } }, true],
    ['the usual runtime', { host: { Runtime: 'runc' } }, false],
    ['a runtime of its own', { host: { Runtime: 'nvidia' } }, true],
    ['a profile of the host', { host: { SecurityOpt: ['apparmor=mine'] } }, true],
    ["another container's network", { host: { NetworkMode: 'container:vpn' } }, true],
    ["another container's processes", { host: { PidMode: 'container:app' } }, true],
    ["the host's network", { host: { NetworkMode: 'host' } }, false],
  ];
  for (const [what, change, needed] of table)
    test(`${what}: ${needed ? 'checked' : 'not checked'}`, () => assert.equal(needsHost(container(change)), needed));
});

suite('the container that is started for the check', () => {
  const { host, config, networks } = startCheckRequest(
    container({
      imageId: 'sha256:old',
      host: {
        NetworkMode: 'front',
        Binds: ['/etc/app.conf:/app.conf:ro', '/media:/media:rw,rslave', 'cache:/cache', '/anonymous'],
        Mounts: [{ Type: 'bind', Source: '/srv', Target: '/srv', BindOptions: { CreateMountpoint: true } }],
        VolumesFrom: ['other'],
        PortBindings: { '80/tcp': [{ HostPort: '80' }] },
        RestartPolicy: { Name: 'always' },
        Devices: [{ PathOnHost: '/dev/modem' }],
        Init: true,
      },
      mounts: [mounted({ source: '/inherited', target: '/from-other', writable: false })],
    }),
    'web.swapctl-start-check',
    { a: 'b' },
  );

  test('never runs a program, of the image that the container runs', () => {
    assert.deepEqual([config.Image, config.Entrypoint, host.Init], ['sha256:old', [NO_PROGRAM], false]);
  });
  test('has the mounts, none of which the engine would create', () => {
    const volume = { VolumeOptions: { NoCopy: true } };
    assert.equal(host.Binds, null);
    assert.deepEqual(host.Mounts, [
      { Type: 'bind', Source: '/etc/app.conf', Target: '/app.conf', ReadOnly: true },
      { Type: 'bind', Source: '/media', Target: '/media', ReadOnly: false, BindOptions: { Propagation: 'rslave' } },
      { Type: 'volume', Source: 'cache', Target: '/cache', ReadOnly: false, ...volume },
      { Type: 'bind', Source: '/srv', Target: '/srv', BindOptions: { CreateMountpoint: false } },
      { Type: 'bind', Source: '/inherited', Target: '/from-other', ReadOnly: true },
    ]);
  });
  test('has the devices', () => assert.deepEqual(host.Devices, [{ PathOnHost: '/dev/modem' }]));
  test('can be reached by nobody, and does not start by itself', () => {
    assert.deepEqual([host.NetworkMode, host.PortBindings, networks], ['none', {}, {}]);
    assert.deepEqual(host.RestartPolicy, { Name: 'no' });
  });
  test('lives where the container lives, if that is in the namespace of another', () => {
    for (const NetworkMode of ['host', 'container:vpn'])
      assert.equal(startCheckRequest(container({ host: { NetworkMode } }), 'x', {}).host.NetworkMode, NetworkMode);
  });
});

suite('what the engine says', () => {
  const table: [string, boolean][] = [
    [`OCI runtime create failed: runc create failed: exec: "${NO_PROGRAM}": stat ${NO_PROGRAM}: no such file`, true],
    [`crun: executable file \`${NO_PROGRAM}\` not found: No such file or directory: OCI runtime attempted to`, true],
    [`starting container: failed to load ${NO_PROGRAM}: no such file or directory`, true],
    ['invalid mount config for type "bind": bind source path does not exist: /srv', false],
    ['error gathering device information while adding custom device "/dev/modem": no such file or directory', false],
    ['error mounting "/srv/app.conf" to rootfs at "/app.conf": not a directory: unknown', false],
    ['failed to initialize logging driver: dial tcp 10.0.0.9:24224: connect: connection refused', false],
  ];
  for (const [words, only] of table)
    test(`${words.slice(0, 60)}…: ${only ? 'nothing else is missing' : 'the start would fail'}`, () =>
      assert.equal(missedOnlyProgram(words), only));
});

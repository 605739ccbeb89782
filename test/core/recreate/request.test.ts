import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container, Endpoint, HostConfig, Mount } from '../../../src/core/model/container.ts';
import { primaryNetwork } from '../../../src/core/recreate/networks.ts';
import {
  inertRequest,
  rehearsalRequest,
  replicaRequest,
  type Successor,
  standInRequest,
} from '../../../src/core/recreate/request.ts';
import { container, NAMES, successor } from '../builders.ts';
import { decoded } from '../own.ts';

function asked(of: Container, change: Partial<Successor> = {}) {
  return replicaRequest(of, successor(of, change));
}

function withHost(host: HostConfig, change: Partial<Container> = {}): Container {
  return container({ host: { NetworkMode: 'front', ...host }, ...change });
}

function mount(change: Partial<Mount> = {}): Mount {
  return {
    type: 'volume',
    name: 'f'.repeat(64),
    source: '/var/lib/docker/…',
    target: '/data',
    driver: 'local',
    writable: true,
    ...change,
  };
}

suite('the config', () => {
  test('follows the reference under the temporary name', () => {
    const request = asked(container());
    assert.deepEqual([request.name, request.config.Image], [NAMES.next, 'app:2']);
  });

  const hostnames: [string, string, HostConfig, string | undefined][] = [
    ['one that the user gave is kept', 'db.local', {}, 'db.local'],
    ['the short id is not pinned (T5)', container().id.slice(0, 12), {}, undefined],
    ['none in another container’s network', 'db.local', { NetworkMode: 'container:x' }, undefined],
    ['one that the user gave in the host’s network too', 'db.local', { NetworkMode: 'host' }, 'db.local'],
    ['none in the host’s UTS namespace', 'db.local', { UTSMode: 'host' }, undefined],
  ];
  for (const [name, Hostname, host, expected] of hostnames) {
    test(`hostname: ${name}`, () => {
      const one = withHost(host, { config: { Image: 'app:1', Hostname } });
      assert.equal(asked(one).config.Hostname, expected);
    });
  }

  test('in another container’s network no port is exposed (T5)', () => {
    const config = { ExposedPorts: { '80/tcp': {} } };
    assert.deepEqual(asked(withHost({ NetworkMode: 'container:x' }, { config })).config.ExposedPorts, {});
    assert.deepEqual(asked(withHost({}, { config })).config.ExposedPorts, { '80/tcp': {} });
  });

  test('a container-wide MAC address is never asked for (T8)', () => {
    assert.ok(!('MacAddress' in asked(container({ config: { MacAddress: '02:42:ac:11:00:02' } })).config));
  });

  test('labels of the user stay, state labels are written anew, compose’s mark of a replacement goes', () => {
    const Labels = {
      mine: '1',
      'swapctl.state.roll': 'stale',
      'swapctl.state.holder': 'stale',
      'com.docker.compose.replace': 'x',
      'com.docker.compose.service': 'web',
    };
    const labels = asked(container({ config: { Labels } })).config.Labels ?? {};
    assert.deepEqual(
      [labels.mine, labels['com.docker.compose.service'], labels['com.docker.compose.replace']],
      ['1', 'web', undefined],
    );
    const state = decoded(labels);
    assert.deepEqual([state?.roll, state?.holder], ['r1', undefined]);
  });

  test('compose’s image label says what compose would write, where there is one (T44)', () => {
    const composed = container({ config: { Labels: { 'com.docker.compose.image': 'old' } } });
    assert.equal(asked(composed, { composeImage: 'new' }).config.Labels?.['com.docker.compose.image'], 'new');
    assert.equal(asked(composed).config.Labels?.['com.docker.compose.image'], 'old');
    assert.equal(asked(container(), { composeImage: 'new' }).config.Labels?.['com.docker.compose.image'], undefined);
  });
});

suite('the networks', () => {
  const front: Endpoint = {
    Aliases: ['api'],
    DriverOpts: { o: '1' },
    GwPriority: 2,
    IPAMConfig: { IPv4Address: '10.0.0.5' },
    IPAddress: '10.0.0.5',
    MacAddress: '02:42:0a:00:00:05',
    NetworkID: 'n1',
    EndpointID: 'e1',
    DNSNames: ['web'],
  };

  test('what was asked for is asked for again, run state is not (T7, T10, T12)', () => {
    const one = withHost({}, { networks: { front } });
    assert.deepEqual(asked(one).networks, {
      front: { Aliases: ['api'], DriverOpts: { o: '1' }, GwPriority: 2, IPAMConfig: { IPv4Address: '10.0.0.5' } },
    });
  });

  test('a MAC address is asked for only where the user did (T8)', () => {
    const one = withHost(
      {},
      {
        networks: { front, back: { MacAddress: '02:42:0a:00:00:09' } },
        configuredMacs: { front: '02:42:0a:00:00:05' },
      },
    );
    assert.deepEqual(
      Object.values(asked(one).networks).map((endpoint) => endpoint.MacAddress),
      ['02:42:0a:00:00:05', undefined],
    );
  });

  test('an address that the engine picked is not pinned', () => {
    for (const IPAMConfig of [null, {}, { IPv4Address: '' }]) {
      const one = withHost({}, { networks: { front: { IPAMConfig, IPAddress: '10.0.0.7' } } });
      assert.deepEqual(asked(one).networks, { front: {} });
    }
  });

  test('every network of it is joined again', () => {
    assert.deepEqual(Object.keys(asked(withHost({}, { networks: { front, back: {} } })).networks), ['front', 'back']);
  });

  test('the name stays resolvable where names are resolved, once', () => {
    const one = withHost({}, { networks: { front: { Aliases: ['web'] }, back: {}, bridge: {} } });
    const { networks } = asked(one, { alias: 'web' });
    assert.deepEqual(
      [networks.front?.Aliases, networks.back?.Aliases, networks.bridge?.Aliases],
      [['web'], ['web'], undefined],
    );
  });

  test('in the host’s network, in another container’s and in none, there is nothing to join', () => {
    for (const NetworkMode of ['host', 'none', 'container:x']) {
      assert.deepEqual(asked(withHost({ NetworkMode }, { networks: { [NetworkMode]: front } })).networks, {});
    }
  });

  test('the default network is called bridge (T17); a mode may be a network’s id', () => {
    assert.equal(primaryNetwork({ host: { NetworkMode: 'default' }, networks: {} }), 'bridge');
    assert.equal(primaryNetwork({ host: {}, networks: {} }), 'bridge');
    assert.equal(primaryNetwork({ host: { NetworkMode: 'n1' }, networks: { front } }), 'front');
  });

  test('a network that it has left is not joined again', () => {
    assert.equal(asked(withHost({ NetworkMode: 'left' }, { networks: { front } })).host.NetworkMode, 'front');
    assert.equal(asked(withHost({ NetworkMode: 'n1' }, { networks: { front } })).host.NetworkMode, 'n1');
  });
});

suite('the host config', () => {
  test('anonymous volumes are attached again by name, as writable as they were (T18)', () => {
    const one = withHost({}, { mounts: [mount(), mount({ target: '/ro', name: 'e', writable: false })] });
    assert.deepEqual(asked(one).host.Mounts, [
      { Type: 'volume', Source: 'f'.repeat(64), Target: '/data', ReadOnly: false },
      { Type: 'volume', Source: 'e', Target: '/ro', ReadOnly: true },
    ]);
  });

  test('what the user mounted himself is not mounted twice', () => {
    const binds = withHost(
      { Binds: ['data:/data', '/srv:/srv:ro'] },
      { mounts: [mount({ name: 'data' }), mount({ type: 'bind', name: '', target: '/srv' })] },
    );
    assert.deepEqual([asked(binds).host.Binds, asked(binds).host.Mounts], [['data:/data', '/srv:/srv:ro'], []]);
    const mounts = withHost(
      { Mounts: [{ Type: 'volume', Source: 'data', Target: '/data/' }] },
      { mounts: [mount({ name: 'data' })] },
    );
    assert.deepEqual(asked(mounts).host.Mounts, [{ Type: 'volume', Source: 'data', Target: '/data/' }]);
    const inherited = withHost({ VolumesFrom: ['db'] }, { mounts: [mount()] });
    assert.deepEqual(asked(inherited, { inheritedTargets: new Set(['/data']) }).host.Mounts, []);
  });

  test('a volume that was asked for without a name gets the name that it got', () => {
    const one = withHost({ Mounts: [{ Type: 'volume', Target: '/data', ReadOnly: true }] }, { mounts: [mount()] });
    assert.deepEqual(asked(one).host.Mounts, [
      { Type: 'volume', Source: 'f'.repeat(64), Target: '/data', ReadOnly: true },
    ]);
    const short = withHost({ Binds: ['/data'] }, { mounts: [mount()] });
    assert.deepEqual(
      [asked(short).host.Binds, asked(short).host.Mounts?.map((one) => one.Source)],
      [[], ['f'.repeat(64)]],
    );
  });

  test('links are written as they are asked for, not as they are shown (T15)', () => {
    const one = withHost({ Links: ['/db:/web/database', '/cache:/web/cache'] });
    assert.deepEqual(asked(one).host.Links, ['db:database', 'cache:cache']);
  });

  test('exactly one of count and ids of a GPU is asked for (T24)', () => {
    const requests = [
      { Driver: 'nvidia', Count: 0, DeviceIDs: ['0'] },
      { Count: -1, DeviceIDs: null },
      { Count: 2, DeviceIDs: [] },
    ];
    assert.deepEqual(asked(withHost({ DeviceRequests: requests })).host.DeviceRequests, [
      { Driver: 'nvidia', DeviceIDs: ['0'] },
      { Count: -1 },
      { Count: 2 },
    ]);
  });

  test('namespaces and volumes shared with a container that was replaced are those of its successor (T16)', () => {
    const one = withHost({
      NetworkMode: 'container:old',
      PidMode: 'container:old',
      IpcMode: 'container:third',
      VolumesFrom: ['old:ro', 'third'],
      Links: ['/old:/web/x'],
    });
    const { host } = asked(one, { successors: new Map([['old', 'new']]) });
    assert.deepEqual(
      [host.NetworkMode, host.PidMode, host.IpcMode],
      ['container:new', 'container:new', 'container:third'],
    );
    assert.deepEqual([host.VolumesFrom, host.Links], [['new:ro', 'third'], ['new:x']]);
  });

  test('everything else passes through untouched', () => {
    const host = {
      Memory: 1,
      CapAdd: ['NET_ADMIN'],
      Sysctls: { a: '1' },
      PortBindings: { '80/tcp': [{ HostPort: '80' }] },
      RestartPolicy: { Name: 'always' },
      AutoRemove: true,
    };
    const request = asked(withHost(host)).host;
    for (const [field, value] of Object.entries(host)) assert.deepEqual(request[field], value, field);
  });
});

suite('helpers', () => {
  const one = container({
    config: { Labels: { mine: '1', 'com.docker.compose.service': 'web', 'com.docker.compose.container-number': '1' } },
    host: {
      NetworkMode: 'front',
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '80' }] },
      PublishAllPorts: true,
      AutoRemove: true,
      RestartPolicy: { Name: 'always' },
    },
    networks: { front: { Aliases: ['api'], IPAMConfig: { IPv4Address: '10.0.0.5' } } },
    configuredMacs: { front: '02:42:0a:00:00:05' },
  });

  test('a rehearsal has no ports, no addresses, no aliases, no restarts and no labels of compose (T45)', () => {
    const { host, networks, config } = rehearsalRequest(one, successor(one, { alias: 'web' }));
    assert.deepEqual(
      [host.PortBindings, host.PublishAllPorts, host.AutoRemove, host.RestartPolicy],
      [{}, false, false, { Name: 'no' }],
    );
    assert.deepEqual(networks, { front: {} });
    assert.deepEqual(
      Object.keys(config.Labels ?? {}).filter((key) => !key.startsWith('swapctl.state.')),
      ['mine'],
    );
  });

  test('a stand-in publishes the same ports on the same addresses, where the engine likes', () => {
    const { host, networks, config } = standInRequest(one, successor(one, { alias: 'web' }));
    assert.deepEqual(host.PortBindings, { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] });
    assert.deepEqual([host.AutoRemove, host.RestartPolicy], [false, { Name: 'no' }]);
    assert.deepEqual(networks.front?.Aliases, ['api', 'web']);
    assert.equal(config.Labels?.['com.docker.compose.service'], undefined);
  });

  test('an inert container can’t run, has no network and no health', () => {
    const { config, host, networks } = inertRequest('x', 'sha256:1', { a: '1' });
    assert.deepEqual(
      [host.NetworkMode, host.RestartPolicy?.Name, networks, config.Healthcheck?.Test],
      ['none', 'no', {}, ['NONE']],
    );
    assert.deepEqual([config.Labels, config.Image], [{ a: '1' }, 'sha256:1']);
  });
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container, HostConfig, Mount } from '../../../src/core/model/container.ts';
import { POLICY_LABELS } from '../../../src/core/settings/read.ts';
import { chooseStrategy } from '../../../src/core/strategy/choose.ts';
import { exclusives, fixedPorts } from '../../../src/core/strategy/exclusive.ts';
import { type Served, servedByOthers } from '../../../src/core/strategy/served-ports.ts';
import { container, policy } from '../builders.ts';

const KERNEL = { available: true } as const;
const KERNEL_BUT_PORTS = { available: true, noHandover: 'it is not Docker' } as const;
const TROUBLE = { kind: 'refused', words: 'no such rule' } as const;
const NO_REDIRECT = { available: true, refused: { 'port redirect': TROUBLE } } as const;
const NO_GATE = { available: true, refused: { gate: TROUBLE } } as const;
const NO_KERNEL = { available: false, why: 'nft is not installed' } as const;

function host(change: HostConfig): Container {
  return container({ host: { NetworkMode: 'bridge', ...change } });
}

function mounted(change: Partial<Mount>): Container {
  const mount = {
    type: 'volume',
    name: 'data',
    source: '/var/lib/docker/volumes/data/_data',
    target: '/data',
    driver: 'local',
    writable: true,
  };
  return container({ mounts: [{ ...mount, ...change }] });
}

const PUBLISHED = host({ PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } });
const ON_HOST = host({ NetworkMode: 'host' });
const ADDRESSED = container({ networks: { front: { IPAMConfig: { IPv4Address: '10.0.0.5' } } } });
const MAC = container({ networks: { front: {} }, configuredMacs: { front: '02:42:0a:00:00:05' } });
const DEVICE = host({ Devices: [{ PathOnHost: '/dev/ttyUSB0' }] });
const BUS = mounted({ type: 'bind', source: '/dev/bus/usb' });
const PRIVILEGED = host({ Privileged: true });
const GPU = host({ DeviceRequests: [{ Count: -1 }] });
const VOLUME = mounted({});
const INSIDE = host({ NetworkMode: 'container:abc' });
const RANGE = host({ PortBindings: { '90/tcp': [{ HostPort: '1-9' }] } });

/** A container with the exclusive resources of both. */
function together(one: Container, other: Container): Container {
  const PortBindings = { ...one.host.PortBindings, ...other.host.PortBindings };
  const modes = [one.host.NetworkMode, other.host.NetworkMode];
  const NetworkMode = modes.find((mode) => mode === 'host') ?? modes[0];
  return {
    ...one,
    host: { ...one.host, ...other.host, PortBindings, ...(NetworkMode && { NetworkMode }) },
    mounts: [...one.mounts, ...other.mounts],
    networks: { ...one.networks, ...other.networks },
    configuredMacs: { ...one.configuredMacs, ...other.configuredMacs },
  };
}

type Change = Parameters<typeof policy>[0];
const onHost = (one: Container, change: HostConfig): Container => ({ ...one, host: { ...one.host, ...change } });

/** The action of a user who follows an advice. */
const ADVICE: Record<string, (one: Container, change: Change) => [Container, Change]> = {
  'publish no fixed host port': (one, change) => [onHost(one, { PortBindings: {} }), change],
  'publish single host ports instead of a range': (one, change) => [
    onHost(one, { PortBindings: { ...one.host.PortBindings, '90/tcp': [{ HostPort: '1' }] } }),
    change,
  ],
  'give it a network of its own': (one, change) => [onHost(one, { NetworkMode: 'bridge' }), change],
  'drop the fixed address': (one, change) => [{ ...one, networks: {}, configuredMacs: {} }, change],
  'set swapctl.strategy=start-first': (one, change) => [one, { ...change, strategy: 'start-first' }],
  'set swapctl.strategy=handover': (one, change) => [one, { ...change, strategy: 'handover' }],
  'read-only or set swapctl.volumes=shared': (one, change) => [one, { ...change, volumes: 'shared' }],
};

suite('what is exclusive', () => {
  const table: [string, Container, string[]][] = [
    ['nothing', container(), []],
    ['a fixed host port', PUBLISHED, ['publishes the host port 8080/tcp']],
    ['an ephemeral host port', host({ PortBindings: { '80/tcp': [{ HostPort: '' }, { HostPort: '0' }] } }), []],
    ['no binding at all', host({ PortBindings: { '80/tcp': null } }), []],
    ["the host's network", ON_HOST, ["listens in the host's network"]],
    ["another container's network", INSIDE, ["lives in another container's network"]],
    ['a fixed address', ADDRESSED, ['has a fixed address on the network front']],
    [
      'a fixed IPv6 address',
      container({ networks: { v6: { IPAMConfig: { IPv6Address: 'fd00::5' } } } }),
      ['has a fixed address on the network v6'],
    ],
    [
      'an address that the engine picked',
      container({ networks: { front: { IPAMConfig: {}, IPAddress: '10.0.0.7' } } }),
      [],
    ],
    ['a MAC address that the user asked for', MAC, ['has a fixed MAC address on the network front']],
    [
      'a MAC address that the engine picked',
      container({ networks: { front: { MacAddress: '02:42:0a:00:00:05' } } }),
      [],
    ],
    ['a serial port', DEVICE, ['uses the device /dev/ttyUSB0']],
    [
      'a device that is made to be shared',
      host({ Devices: [{ PathOnHost: '/dev/dri' }, { PathOnHost: '/dev/net/tun' }] }),
      [],
    ],
    [
      'devices of GPUs, and the log of the kernel',
      host({ Devices: ['/dev/kmsg', '/dev/kfd', '/dev/dxg', '/dev/hwrng'].map((PathOnHost) => ({ PathOnHost })) }),
      [],
    ],
    ['a GPU', GPU, ['uses a GPU']],
    ['a bus of devices', BUS, ['mounts /dev/bus/usb']],
    [
      'a device that is mounted read-only',
      mounted({ type: 'bind', source: '/dev/ttyUSB0', writable: false }),
      ['mounts /dev/ttyUSB0'],
    ],
    ['all devices', mounted({ type: 'bind', source: '/dev' }), ['mounts /dev']],
    ['a folder beside the devices', mounted({ type: 'bind', source: '/devices', writable: false }), []],
    ['shared memory of the host', mounted({ type: 'bind', source: '/dev/shm' }), []],
    ['the log socket', mounted({ type: 'bind', source: '/dev/log' }), []],
    [
      'devices by a rule',
      host({ DeviceCgroupRules: ['c 189:* rmw'] }),
      ['may use the devices of the cgroup rule "c 189:* rmw"'],
    ],
    ['all privileges', PRIVILEGED, ['is privileged, so that it may use any device']],
    ['a volume', VOLUME, ['can write to the volume at /data']],
    ['a folder of the host', mounted({ type: 'bind', name: '', source: '/srv/data' }), ['can write to /srv/data']],
    ['a read-only volume', mounted({ writable: false }), []],
    ['memory', mounted({ type: 'tmpfs', name: '', source: '' }), []],
    ['the engine socket', mounted({ type: 'bind', source: '/var/run/docker.sock' }), []],
    ["the host's clock settings", mounted({ type: 'bind', source: '/etc/localtime' }), []],
  ];
  for (const [name, one, whats] of table) {
    test(`${name}: ${whats.join(', ') || 'nothing'}`, () => {
      assert.deepEqual(
        exclusives(one).map((thing) => thing.what),
        whats,
      );
    });
  }

  test('many ports are told in short', () => {
    const bindings = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`${n}/udp`, [{ HostPort: `${n}` }]]));
    const [ports] = exclusives(host({ PortBindings: bindings }));
    assert.equal(ports?.what, 'publishes the host ports 1/udp, 2/udp, 3/udp, 4/udp, …');
  });

  test('a port on two addresses is one port to people, and a port without a protocol is TCP', () => {
    const twice = host({
      PortBindings: {
        '80': [
          { HostIp: '127.0.0.1', HostPort: '80' },
          { HostIp: '::1', HostPort: '80' },
        ],
      },
    });
    assert.deepEqual(fixedPorts(twice), ['80/tcp', '80/tcp']);
    assert.equal(exclusives(twice)[0]?.what, 'publishes the host port 80/tcp');
  });

  test('a range of host ports is fixed, but not known before', () => {
    assert.equal(exclusives(host({ PortBindings: { '80/tcp': [{ HostPort: '8000-8010' }] } }))[0]?.kind, 'port-range');
  });
});

suite('the way', () => {
  function chosen(
    one: Container,
    change: Parameters<typeof policy>[0] = {},
    kernel: Parameters<typeof chooseStrategy>[2] = NO_KERNEL,
  ) {
    const choice = chooseStrategy(one, policy(change), kernel);
    assert.ok(choice.kind === 'strategy', JSON.stringify(choice));
    return choice;
  }

  const table: [
    string,
    Container,
    Parameters<typeof policy>[0],
    typeof KERNEL | typeof NO_KERNEL,
    string,
    boolean,
    RegExp,
  ][] = [
    ['nothing exclusive', container(), {}, KERNEL, 'start-first', false, /nothing.*swapctl\.strategy=stop-first/],
    ['a port and the kernel', PUBLISHED, {}, KERNEL, 'handover', true, /8080\/tcp.*swapctl\.strategy=stop-first/],
    [
      'a port and a kernel that hands none over',
      PUBLISHED,
      {},
      KERNEL_BUT_PORTS,
      'stop-first',
      true,
      /it is not Docker/,
    ],
    [
      'a port, and an nft that refuses its redirect',
      PUBLISHED,
      {},
      NO_REDIRECT,
      'stop-first',
      true,
      /no handover: nft refuses the rules \(no such rule\)/,
    ],
    ['a port, and an nft that refuses only the gate', PUBLISHED, {}, NO_GATE, 'handover', true, /stand-in/],
    [
      'a port without the kernel',
      PUBLISHED,
      {},
      NO_KERNEL,
      'stop-first',
      true,
      /publish no fixed host port.*nft is not installed/,
    ],
    [
      'a range of ports',
      host({ PortBindings: { '80/tcp': [{ HostPort: '1-9' }] } }),
      {},
      KERNEL,
      'stop-first',
      true,
      /publish single host ports/,
    ],
    ['a volume', VOLUME, {}, KERNEL, 'stop-first', false, /can't safely share at once.*swapctl\.volumes=shared/],
    [
      'a volume that may be shared',
      VOLUME,
      { volumes: 'shared' },
      KERNEL,
      'start-first',
      false,
      /swapctl\.volumes=shared/,
    ],
    ['an address', ADDRESSED, {}, KERNEL, 'stop-first', true, /can't have at once.*drop the fixed address/],
    ['a MAC', MAC, {}, KERNEL, 'stop-first', true, /MAC.*drop the fixed address/],
    ['the host network', ON_HOST, {}, KERNEL, 'stop-first', false, /give it a network of its own/],
    ['another network', INSIDE, {}, KERNEL, 'stop-first', false, /give it a network of its own/],
    ['a device', DEVICE, {}, KERNEL, 'stop-first', false, /set swapctl\.strategy=start-first/],
    [
      'a bus of devices',
      BUS,
      {},
      KERNEL,
      'stop-first',
      false,
      /mounts \/dev\/bus\/usb.*set swapctl\.strategy=start-first/,
    ],
    ['a bus, by wish', BUS, { strategy: 'start-first' }, KERNEL, 'start-first', false, /asks for it/],
    ['a bus, as advised', BUS, { strategy: 'stop-first' }, KERNEL, 'stop-first', false, /asks for it/],
    ['all privileges', PRIVILEGED, {}, KERNEL, 'stop-first', false, /privileged.*set swapctl\.strategy=start-first/],
    ['a GPU', GPU, {}, KERNEL, 'stop-first', false, /GPU.*swapctl\.strategy=start-first/],
    [
      'stop-first by wish',
      container(),
      { strategy: 'stop-first' },
      KERNEL,
      'stop-first',
      true,
      /swapctl\.strategy=stop-first/,
    ],
    [
      'start-first by wish',
      container(),
      { strategy: 'start-first' },
      KERNEL,
      'start-first',
      false,
      /swapctl\.strategy=start-first/,
    ],
    [
      'start-first with a volume',
      VOLUME,
      { strategy: 'start-first' },
      KERNEL,
      'start-first',
      false,
      /swapctl\.strategy=start-first/,
    ],
    [
      'start-first with a device',
      DEVICE,
      { strategy: 'start-first' },
      KERNEL,
      'start-first',
      false,
      /swapctl\.strategy=start-first/,
    ],
    ['handover by wish', PUBLISHED, { strategy: 'handover' }, KERNEL, 'handover', true, /swapctl\.strategy=handover/],
    [
      'handover of a privileged container by wish',
      { ...PUBLISHED, host: { ...PUBLISHED.host, Privileged: true } },
      { strategy: 'handover' },
      KERNEL,
      'handover',
      true,
      /swapctl\.strategy=handover/,
    ],
    ['no rehearsal by wish', PUBLISHED, { rehearsal: false }, NO_KERNEL, 'stop-first', false, /publish no fixed/],
  ];
  for (const [name, one, change, kernel, way, rehearse, because] of table) {
    test(`${name}: ${way}${rehearse ? ', proven first' : ''}`, () => {
      const choice = chosen(one, change, kernel);
      assert.deepEqual([choice.strategy, choice.rehearse], [way, rehearse]);
      assert.match(choice.because, because);
    });
  }

  suite('ports that others in its network serve', () => {
    const SERVED = { ports: ['80/tcp'], by: ['torrent'], certain: true };
    const MAYBE = { ports: ['80/tcp'], by: ['torrent', 'indexer'], certain: false };
    const answer = (one: Container, change: Parameters<typeof policy>[0], served: Served | undefined) =>
      chooseStrategy(one, policy(change), KERNEL, { served });
    const rows: [string, Container, Parameters<typeof policy>[0], Served, string, RegExp][] = [
      ['are not handed over', PUBLISHED, {}, SERVED, 'stop-first', /8080\/tcp, which torrent in its network serves/],
      ['may be so', PUBLISHED, {}, MAYBE, 'stop-first', /torrent, indexer in its network may serve.*EXPOSE/],
      [
        'of a container with a volume',
        { ...PUBLISHED, mounts: VOLUME.mounts },
        {},
        SERVED,
        'stop-first',
        /8080\/tcp, which torrent in its network serves, so a stand-in .* until torrent answers again$/,
      ],
      ['stop-first by wish', PUBLISHED, { strategy: 'stop-first' }, SERVED, 'stop-first', /asks for it/],
    ];
    for (const [name, one, change, served, way, because] of rows)
      test(`${name}: ${way}`, () => {
        const choice = answer(one, change, served);
        assert.ok(choice.kind === 'strategy', JSON.stringify(choice));
        assert.equal(choice.strategy, way);
        assert.match(choice.because, because);
      });

    test('handover by wish is refused, with the reason', () => {
      for (const [served, message, hint] of [
        [SERVED, /torrent in its network serves/, /stop-first$/],
        [MAYBE, /torrent, indexer in its network may serve/, /EXPOSE/],
      ] as const) {
        const choice = answer(PUBLISHED, { strategy: 'handover' }, served);
        assert.ok(choice.kind === 'refuse', JSON.stringify(choice));
        assert.match(choice.message, message);
        assert.match(choice.hint, hint);
      }
    });

    test('a probe at a port of another is refused: nobody would answer before the candidate is healthy', () => {
      const probe = { kind: 'http', port: 80, path: '/' } as const;
      const choice = answer(PUBLISHED, { probe }, SERVED);
      assert.ok(choice.kind === 'refuse', JSON.stringify(choice));
      assert.match(choice.message, /swapctl\.health\.http asks port 80, which torrent in its network serves/);
      assert.equal(answer(PUBLISHED, { probe: { ...probe, port: 81 } }, SERVED).kind, 'strategy');
      assert.equal(answer(PUBLISHED, { probe }, MAYBE).kind, 'strategy');
      assert.equal(answer(PUBLISHED, { probe: { kind: 'cmd', command: 'true' } }, SERVED).kind, 'strategy');
    });
  });

  test('every label that a reason names is one that there is', () => {
    const said = table.map(([, one, change, kernel]) => chosen(one, change, kernel).because).join(' ');
    for (const label of said.match(/swapctl\.\w+/g) ?? []) assert.ok(POLICY_LABELS.includes(label), label);
  });

  suite('the advice of a reason', () => {
    const things = { PUBLISHED, RANGE, ON_HOST, ADDRESSED, VOLUME, DEVICE };
    const rows = Object.keys(things).flatMap((name) => [[name], ...Object.keys(things).map((other) => [name, other])]);
    const three = ['PUBLISHED', 'VOLUME', 'DEVICE'];
    for (const names of [...rows, three, [...three, 'ADDRESSED']])
      for (const [layer, kernel] of Object.entries({ KERNEL, NO_KERNEL }))
        test(`${names.join(' and ')}, ${layer}: what it says is enough, and nothing of it is in vain`, () => {
          const one = names.map((name) => things[name as keyof typeof things]).reduce(together);
          const { strategy, because } = chosen(one, {}, kernel);
          if (strategy !== 'stop-first') return assert.doesNotMatch(because, /to change it/);
          const said = Object.keys(ADVICE).filter((words) => because.includes(words));
          for (const without of [undefined, ...said]) {
            const tracked = said.filter((words) => words !== without);
            let then: [Container, Change] = [one, {}];
            for (const words of tracked) then = ADVICE[words]?.(...then) ?? then;
            const choice = chooseStrategy(then[0], policy(then[1]), kernel);
            const helps = choice.kind === 'strategy' && choice.strategy !== 'stop-first';
            assert.equal(helps, without === undefined, `${because} (without: ${without}): ${JSON.stringify(choice)}`);
          }
        });
  });

  test('a port that could be handed over is no reason, and of each kind of thing one is named', () => {
    const both = together(PUBLISHED, VOLUME);
    const more = together(together(together(both, mounted({ target: '/more' })), DEVICE), ADDRESSED);
    const rows: [Container, typeof KERNEL | typeof NO_KERNEL, string][] = [
      [
        both,
        KERNEL,
        "can write to the volume at /data, which two containers can't safely share at once; to change it, mount it read-only or set swapctl.volumes=shared",
      ],
      [
        both,
        NO_KERNEL,
        "publishes the host port 8080/tcp and can write to the volume at /data, which two containers can't have at once; to change it, publish no fixed host port, and mount it read-only or set swapctl.volumes=shared (no handover: nft is not installed)",
      ],
      [
        more,
        KERNEL,
        "has a fixed address on the network front, uses the device /dev/ttyUSB0 and can write to the volume at /data (and 1 more such thing), which two containers can't have at once; to change it, drop the fixed address, set swapctl.strategy=handover, and mount them read-only or set swapctl.volumes=shared",
      ],
    ];
    for (const [one, kernel, because] of rows) assert.equal(chosen(one, {}, kernel).because, because);
  });

  test('a port beside a volume that may be shared is handed over', () => {
    assert.equal(chosen({ ...PUBLISHED, mounts: VOLUME.mounts }, { volumes: 'shared' }, KERNEL).strategy, 'handover');
  });

  const refusals: [string, Container, Parameters<typeof policy>[0], typeof KERNEL | typeof NO_KERNEL, RegExp][] = [
    ['start-first with a port', PUBLISHED, { strategy: 'start-first' }, KERNEL, /8080\/tcp/],
    ['start-first in the host network', ON_HOST, { strategy: 'start-first' }, KERNEL, /host's network/],
    ['handover without the kernel', PUBLISHED, { strategy: 'handover' }, NO_KERNEL, /nft is not installed/],
    ['handover of no port', container(), { strategy: 'handover' }, KERNEL, /nothing to hand over/],
    [
      'handover with a volume',
      { ...PUBLISHED, mounts: VOLUME.mounts },
      { strategy: 'handover' },
      KERNEL,
      /also can write to the volume/,
    ],
  ];
  for (const [name, one, change, kernel, message] of refusals) {
    test(`${name} is refused, with the setting that is in the way`, () => {
      const choice = chooseStrategy(one, policy(change), kernel);
      assert.ok(choice.kind === 'refuse');
      assert.match(choice.message, message);
      assert.match(choice.hint, /swapctl\.strategy/);
    });
  }
});

suite('who serves a published port', () => {
  const image = (...ports: string[]) => ({
    config: { ExposedPorts: Object.fromEntries(ports.map((one) => [one, {}])) },
  });
  const inside = (name: string, ...ports: string[]) => ({ name, ...image(...ports) });
  const table: [string, ReturnType<typeof image> | undefined, ReturnType<typeof inside>[], Served | undefined][] = [
    ['nobody else is there', image(), [], undefined],
    ['its image exposes it', image('80/tcp'), [inside('metrics', '9100/tcp')], undefined],
    ['another exposes it', image(), [inside('a', '80/tcp'), inside('b')], served(['a'], true)],
    ['both expose it', image('80/tcp'), [inside('a', '80/tcp')], served(['a'], true)],
    ['nobody exposes it', image(), [inside('a'), inside('b')], served(['a', 'b'], false)],
    ['its image is gone', undefined, [inside('a')], served(['a'], false)],
  ];
  for (const [name, own, others, expected] of table)
    test(name, () => assert.deepEqual(servedByOthers(PUBLISHED, own, others), expected));

  test('a port that the engine picks is not looked at', () => {
    const ephemeral = host({ PortBindings: { '80/tcp': [{ HostPort: '' }] } });
    assert.equal(servedByOthers(ephemeral, undefined, [inside('a', '80/tcp')]), undefined);
  });

  function served(by: string[], certain: boolean): Served {
    return { ports: ['80/tcp'], by, certain };
  }
});

// The address of swapctl's own probe of a container: never one where another process could answer.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { addressOf } from '../../../../src/app/rollout/steps/probe.ts';
import type { Container, Endpoint } from '../../../../src/core/model/container.ts';
import type { EngineFacts } from '../../../../src/core/model/engine.ts';
import type { ReportedError } from '../../../../src/core/report/reported-error.ts';
import { container } from '../../../core/builders.ts';
import { SETUPS } from '../../../matrix/setups.ts';
import { boxAt, command, type Stage, stageOf } from '../../../matrix/stage.ts';

const box = (NetworkMode: string, endpoint: Endpoint = {}, change: Partial<Container> = {}): Container =>
  container({ id: NetworkMode, name: 'web', host: { NetworkMode }, networks: { net: endpoint }, ...change });

const OWNERS: Record<string, Container> = {
  vpn: box('net', { IPAddress: '172.18.0.5' }, { name: 'vpn' }),
  'on-host': box('host'),
  mate: box('container:vpn'),
  lonely: box('none', {}, { name: 'lonely' }),
  down: box('net', { IPAddress: '' }, { name: 'down', status: 'exited' }),
  a: box('container:b'),
  b: box('container:a'),
  swapctl: box('net'),
  'swapctl-on-host': box('host'),
};

interface Place {
  readonly local: boolean;
  readonly shares: boolean | undefined;
  readonly self: string | undefined;
}

async function asked(one: Container, { local = true, shares, self }: Partial<Place> = {}): Promise<string> {
  const engine = { container: async (id: string) => OWNERS[id], facts: async () => ({ local }) as EngineFacts };
  const traffic = { sharesNetwork: async () => shares };
  const address = await addressOf({ engine, traffic, host: { containerId: self } }, one);
  return 'host' in address ? address.host : `nowhere: it ${address.why}`;
}

suite('a container is asked', () => {
  for (const [what, one, address] of [
    ['at its IPv4 address', box('net', { IPAddress: '172.18.0.2', GlobalIPv6Address: 'fd00::2' }), '172.18.0.2'],
    ['at its IPv6 address if it has no other', box('net', { IPAddress: '', GlobalIPv6Address: 'fd00::2' }), 'fd00::2'],
    ['at the address of the container whose network it lives in', box('container:vpn'), '172.18.0.5'],
    ['at the address of the one whose network that one lives in', box('container:mate'), '172.18.0.5'],
    [
      'nowhere, if that one has no address',
      box('container:lonely'),
      'nowhere: it lives in the network of lonely, which has no address in a network',
    ],
    [
      'nowhere, if that one does not run',
      box('container:down'),
      'nowhere: it lives in the network of down, which is exited',
    ],
    [
      'nowhere, if that one is gone',
      box('container:gone'),
      'nowhere: it lives in the network of a container that is gone (gone)',
    ],
    [
      'nowhere, if two live in the network of each other',
      box('container:a'),
      'nowhere: it lives in the network of a container that is gone (a)',
    ],
    ['nowhere, if it has no network', box('none'), 'nowhere: it has no address in a network'],
  ] as const)
    test(what, async () => assert.equal(await asked(one), address));
});

suite("the network of the engine's host is asked at this machine's own address", () => {
  const NOWHERE = "nowhere: it uses the network of the engine's host, which is not the one that swapctl runs in";
  for (const [what, place, address] of [
    ['if swapctl shares it', { shares: true }, '127.0.0.1'],
    ['also from a container that shares it', { shares: true, self: 'swapctl' }, '127.0.0.1'],
    ['not if it is another one', { shares: false }, NOWHERE],
    ['if no process is within reach, but the engine runs here', {}, '127.0.0.1'],
    ['not if the engine runs elsewhere', { local: false }, NOWHERE],
    ['not if swapctl runs in a container with a network of its own', { self: 'swapctl' }, NOWHERE],
    ["if swapctl runs in a container with the host's network", { self: 'swapctl-on-host' }, '127.0.0.1'],
  ] as const)
    for (const mode of ['host', 'container:on-host'])
      test(`${what}: ${mode}`, async () => assert.equal(await asked(box(mode), place), address));
});

function withAddress(stage: Stage, endpoint: Endpoint): void {
  const found = boxAt(stage, 'web') ?? assert.fail('it is there');
  const { Aliases } = found.networks.net ?? {};
  found.networks = { net: { ...(Aliases && { Aliases }), ...endpoint } };
  found.shown = undefined;
  stage.machine.version++;
}

test('a service without an address is refused before anything is touched', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  withAddress(stage, {});
  const { message, hint } = await refusedUntouched(stage);
  assert.match(message, /swapctl\.health\.http can't ask web, which has no address in a network/);
  assert.match(hint ?? '', /swapctl\.health\.cmd/);
});

test('a service in a network of a Swarm is refused before anything is touched: the engine renames none that runs there', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const network = stage.machine.networks.get('net') ?? assert.fail('it is there');
  network.swarm = true;
  const { message, hint } = await refusedUntouched(stage);
  assert.match(message, /web is in net, a network of a Swarm/);
  assert.match(hint ?? '', /docker service create/);
});

async function refusedUntouched(stage: Stage): Promise<ReportedError> {
  const process = stage.open();
  const report = await command(stage, process);
  if (report === 'died') assert.fail('it died');
  assert.equal(report.error?.code, 'refused');
  assert.deepEqual(
    process.calls.filter(({ what, changes }) => changes && what.startsWith('engine.')),
    [],
  );
  return report.error;
}

// The address at which a probe of swapctl's own asks a container: never one where something else could answer.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { Container, Endpoint } from '../../src/core/container.ts';
import { addressOf } from '../../src/roll/probe.ts';
import { SETUPS } from '../matrix/setups.ts';
import { boxAt, command, type Stage, stageOf } from '../matrix/stage.ts';

const box = (NetworkMode: string, endpoint: Endpoint = {}): Container =>
  ({ host: { NetworkMode }, networks: { net: endpoint } }) as unknown as Container;

const OWNERS: Record<string, Container> = {
  vpn: box('net', { IPAddress: '172.18.0.5' }),
  'on-host': box('host'),
  lonely: box('none'),
};
const engine = { container: async (id: string) => OWNERS[id] } as Parameters<typeof addressOf>[0]['engine'];

suite('a container is asked', () => {
  for (const [what, container, address] of [
    ['at its IPv4 address', box('net', { IPAddress: '172.18.0.2', GlobalIPv6Address: 'fd00::2' }), '172.18.0.2'],
    [
      'at its IPv6 address where it has no other',
      box('net', { IPAddress: '', GlobalIPv6Address: 'fd00::2' }),
      'fd00::2',
    ],
    ['at the address of this machine, if it uses its network', box('host'), '127.0.0.1'],
    ['at the address of the container whose network it lives in', box('container:vpn'), '172.18.0.5'],
    ['at the address of this machine, if that one uses its network', box('container:on-host'), '127.0.0.1'],
    ['nowhere, if that one has no address', box('container:lonely'), undefined],
    ['nowhere, if that one is gone', box('container:gone'), undefined],
    ['nowhere, if it has no network', box('none'), undefined],
  ] as const)
    test(what, async () => assert.equal(await addressOf({ engine }, container), address));
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
  const process = stage.open();
  const report = await command(stage, process);
  if (report === 'died') assert.fail('it died');
  assert.equal(report.error?.code, 'refused');
  assert.match(report.error.message, /swapctl\.health\.http can't ask web, which has no address in a network/);
  assert.match(report.error.hint ?? '', /swapctl\.health\.cmd/);
  assert.deepEqual(
    process.calls.filter(({ what, changes }) => changes && what.startsWith('engine.')),
    [],
  );
});

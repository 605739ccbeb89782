// The contracts of the Kernel and the Traffic port on those in memory; test/engine/contract/kernel-contract.test.ts has them on real ones.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { SOUND } from '../memory/apps.ts';
import { connect, type Entrance, memoryTraffic, waits } from '../memory/clients.ts';
import { virtualClock } from '../memory/clock.ts';
import { create, inspected } from '../memory/containers.ts';
import { build } from '../memory/images.ts';
import { memoryKernel, newRules, type Rules } from '../memory/kernel.ts';
import { kill, start } from '../memory/lifecycle.ts';
import { addNetwork, BEGIN, type Machine, mustBox, newMachine } from '../memory/machine.ts';
import { bridgesOf } from '../memory/networks.ts';
import { APP_KEY, type Box, type Connection, NETWORK, type Stage } from './host.ts';
import { kernelContract, NOT_MODELLED } from './kernel.ts';
import { passing, until } from './passing.ts';
import { TRAFFIC_NOT_MODELLED, trafficContract } from './traffic.ts';

async function open(t: TestContext): Promise<Stage> {
  const clock = virtualClock(BEGIN);
  passing(t, clock);
  const machine = newMachine(clock);
  const rules = newRules(true);
  addNetwork(machine, NETWORK);
  build(machine, 'app:1', { app: { ...SOUND, readyMs: 0 }, config: { ExposedPorts: { [APP_KEY]: {} } } });
  return {
    kernel: memoryKernel(machine, rules),
    traffic: memoryTraffic(machine, rules),
    bridges: bridgesOf(machine),
    find: async (id) => running(machine, id),
    start: async (name, hostPort) => started(machine, name, hostPort),
    kill: async ({ id }) => kill(machine, mustBox(machine, id), 'KILL'),
    connect: async ({ name }) => connectionOf(machine, rules, { kind: 'name', network: NETWORK, name }),
    connectTo: async (hostPort) => connectionOf(machine, rules, { kind: 'port', hostPort }),
    until: (what, ask) => until(clock, what, ask),
  };
}

function started(machine: Machine, name: string, hostPort: number | undefined): Box {
  const ports = hostPort === undefined ? {} : { [APP_KEY]: [{ HostIp: '0.0.0.0', HostPort: String(hostPort) }] };
  const host = { NetworkMode: NETWORK, PortBindings: ports };
  start(machine, create(machine, { name, config: { Image: 'app:1' }, host, networks: { [NETWORK]: {} } }));
  return running(machine, name) ?? assert.fail(`${name} does not run`);
}

function running(machine: Machine, reference: string): Box | undefined {
  const found = inspected(machine, reference);
  return found?.status === 'running' ? found : undefined;
}

const RETRY_MS = 1000;

// A client whose SYN is dropped sends another one.
async function connectionOf(machine: Machine, rules: Rules, way: Entrance): Promise<Connection | undefined> {
  while (waits(machine, rules, way)) await machine.clock.sleep(RETRY_MS);
  const made = connect(machine, rules, way);
  if (!made) return undefined;
  const { server, isOpen, ask, close } = made;
  return { server: server.name, isOpen: async () => isOpen(), ask: async () => ask(), close: async () => close() };
}

kernelContract('in memory', open);
trafficContract('in memory', open);

test('what the kernel layer and the traffic in memory do not model is written down', (t) => {
  for (const line of [...NOT_MODELLED, ...TRAFFIC_NOT_MODELLED]) t.diagnostic(`not modelled: ${line}`);
});

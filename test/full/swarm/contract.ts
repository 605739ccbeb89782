// The contract of the Swarm port on a real manager, through the adapter that is shipped.
import type { TestContext } from 'node:test';
import { connect } from '../../../src/adapters/docker/connect/connect.ts';
import type { Endpoint } from '../../../src/adapters/docker/connect/endpoint.ts';
import { dockerSwarm } from '../../../src/adapters/docker/swarm/swarm.ts';
import { type Stage, swarmContract } from '../../contract/swarm.ts';
import type { OtherEngine } from '../../lab/engines.ts';
import { swarmLab } from '../../lab/swarm.ts';
import { eventually } from '../../lab/waiting.ts';

const GOOD = { from: 'httpd', health: { intervalMs: 500 } } as const;
const ENDS = { base: 'swapctl-test/base:1', cmd: ['sh', '-c', 'echo cannot read the settings; exit 3'] };

async function open(t: TestContext, engine: OtherEngine): Promise<Stage> {
  const lab = await swarmLab(t, engine);
  const { world, reference } = lab;
  const [first, good, ends] = await Promise.all([lab.push('1', GOOD), lab.push('2', GOOD), lab.push('bad', ENDS)]);
  const service = await lab.service('web', '1', [
    '--replicas',
    '2',
    '--update-order',
    'start-first',
    '--update-monitor',
    '1s',
  ]);
  const endpoint: Endpoint = { kind: 'unix', path: new URL(world.dockerHost).pathname, origin: 'a test' };
  const connection = await connect(endpoint);
  t.after(() => connection.close());
  return {
    swarm: dockerSwarm(connection, endpoint, async () => undefined),
    service,
    images: { first: reference('1', first), good: reference('2', good), ends: reference('bad', ends) },
    config: world.name('config'),
    label: `swapctl.test.world=${world.prefix}`,
    until: async (what, ask) => void (await eventually(what, ask)),
  };
}

export function contract(manager: () => OtherEngine): void {
  swarmContract('a manager', (t) => open(t, manager()));
}

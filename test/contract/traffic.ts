// What the loop relies on of the Traffic port: the same statements about the one in memory and about this machine's kernel.
import assert from 'node:assert/strict';
import { APP_PORT, connected, contract, NETWORK, type Open, type Rules, type Stage } from './host.ts';

/** What a host does, and the traffic in memory does not. */
export const TRAFFIC_NOT_MODELLED = [
  'engines on other machines, whose connections are out of reach',
  'statuses of HTTP: a container answers with 200 or not at all',
  'which ports a container listens on',
  'timeouts: an address that nobody has refuses at once',
] as const;

const LONG_MS = 60_000;
const SHORT_MS = 500;

export function trafficContract(what: string, open: Open): void {
  contract('traffic', what, { connections: CONNECTIONS, probes: PROBES }, open);
}

function until(stage: Stage, box: Parameters<Stage['traffic']['connections']>[0], count: number): Promise<unknown> {
  return stage.until(`there are ${count} connections`, async () => (await stage.traffic.connections(box)) === count);
}

const CONNECTIONS: Rules[string] = {
  'are counted while they are open': async (stage) => {
    const web = await stage.start('web');
    await until(stage, web, 0);
    const [first, second] = [await connected(stage.connect(web)), await connected(stage.connect(web))];
    await until(stage, web, 2);
    await first.close();
    await until(stage, web, 1);
    await second.close();
    await until(stage, web, 0);
  },
  'are counted at the target if a redirect leads them': async (stage) => {
    const [from, to] = [await stage.start('old'), await stage.start('new')];
    await stage.kernel.forward(from, to, stage.bridges, LONG_MS);
    await connected(stage.connect(from));
    await until(stage, to, 1);
    await until(stage, from, 0);
  },
  'are unknown for a container that has ended, and for a process of another container': async (stage) => {
    const [web, other] = [await stage.start('web'), await stage.start('other')];
    assert.equal(await stage.traffic.connections({ ...web, pid: other.pid }), undefined);
    assert.equal(await stage.traffic.connections({ ...web, pid: 0 }), undefined);
    await stage.kill(web);
    assert.equal(await stage.traffic.connections(web), undefined);
  },
};

const PROBES: Rules[string] = {
  'reach a container that listens, and fail once it has ended': async (stage) => {
    const web = await stage.start('web');
    const host = web.networks[NETWORK]?.IPAddress ?? '';
    assert.equal((await stage.traffic.reachable({ host, port: APP_PORT }, LONG_MS)).ok, true);
    await stage.kill(web);
    // Nobody answers at the address of one that is gone: however little it waits, it fails.
    const { ok, output } = await stage.traffic.reachable({ host, port: APP_PORT }, SHORT_MS);
    assert.equal(ok, false);
    assert.notEqual(output, '');
  },
};

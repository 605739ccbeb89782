// The loop's requirements of the Traffic port: the same statements about the one in memory and about this machine's kernel.
import assert from 'node:assert/strict';
import { type Look, watchConnections } from '../../src/core/traffic/connections.ts';
import { APP_PORT, type Box, connected, contract, NETWORK, type Open, type Rules, type Stage } from './host.ts';

/** The behaviour of a host that the traffic in memory lacks. */
export const TRAFFIC_NOT_MODELLED = [
  'engines on other machines, whose connections are out of reach',
  'statuses of HTTP: a container answers with 200 or not at all',
  'listeners at a loopback address',
  'timeouts: an address that nobody has refuses at once',
] as const;

const LONG_MS = 60_000;
const SHORT_MS = 500;
// A drain does not wait for consecutive short requests, so observations have to be apart.
const LOOK_EVERY_MS = 1000;

export function trafficContract(what: string, open: Open): void {
  contract(
    'traffic',
    what,
    { connections: CONNECTIONS, diagnosis: DIAGNOSIS, closing: CLOSING, listeners: LISTENERS, probes: PROBES },
    open,
  );
}

function until(stage: Stage, box: Box, count: number): Promise<unknown> {
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
    await stage.kernel.redirectAddress(from, to, stage.bridges, LONG_MS);
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

/** The drain's decisions on the connections of a container, one per observation. */
function watching({ traffic }: Stage, box: Box): () => Promise<Look> {
  const watch = watchConnections();
  let now = 0;
  return async () => {
    const diagnosis = await traffic.diagnose(box);
    assert.ok(diagnosis.available, JSON.stringify(diagnosis));
    now += LOOK_EVERY_MS;
    return watch(diagnosis.connections, now);
  };
}

const DIAGNOSIS: Rules[string] = {
  'shows the same connections as are counted, each under a name that lasts': async (stage) => {
    const web = await stage.start('web');
    const ends = async (): Promise<string[]> => {
      const diagnosis = await stage.traffic.diagnose(web);
      return diagnosis.available ? diagnosis.connections.map((one) => one.ends) : assert.fail(diagnosis.why);
    };
    assert.deepEqual(await ends(), []);
    await connected(stage.connect(web));
    const [first] = await stage.until('it is shown', async () => unlessEmpty(await ends()));
    const second = await connected(stage.connect(web));
    const both = await stage.until('both are shown', async () => (await ends()).length === 2 && (await ends()));
    assert.equal(new Set(both).size, 2);
    await second.close();
    await stage.until('one is left', async () => (await ends()).length === 1);
    assert.deepEqual(await ends(), [first]);
  },
  'tells a silent client from one that waits for its answer': async (stage) => {
    const web = await stage.start('web');
    const look = watching(stage, web);
    const [, asking] = [await connected(stage.connect(web)), await connected(stage.connect(web))];
    await stage.until('both are idle', async () => {
      const { open, waitedFor, calm } = await look();
      return open === 2 && waitedFor.length === 0 && calm;
    });
    await asking.ask();
    const busy = await stage.until('one is busy', async () => {
      const seen = await look();
      return seen.waitedFor.length > 0 && seen;
    });
    assert.deepEqual([busy.open, busy.waitedFor.length, busy.calm], [2, 1, false]);
  },
  'is not available for a container that has ended, and for a process of another container': async (stage) => {
    const [web, other] = [await stage.start('web'), await stage.start('other')];
    await stage.kill(web);
    for (const { id, pid } of [web, { ...web, pid: other.pid }, { ...web, pid: 0 }]) {
      const diagnosis = await stage.traffic.diagnose({ id, pid });
      assert.equal(diagnosis.available, false);
      assert.ok(!diagnosis.available && diagnosis.why !== '' && diagnosis.advice !== '');
    }
  },
};

const CLOSING: Rules[string] = {
  'ends the named connections and no others': async (stage) => {
    const web = await stage.start('web');
    const look = watching(stage, web);
    const [first] = [await connected(stage.connect(web)), await connected(stage.connect(web))];
    const rested = await stage.until('both rest', async () => {
      const seen = await look();
      return seen.resting.length === 2 && seen;
    });
    const closer = await stage.traffic.closer(web);
    assert.deepEqual(await closer.close(rested.resting.slice(0, 1)), { available: true, closed: 1 });
    await until(stage, web, 1);
    assert.deepEqual(await closer.close(rested.resting.slice(0, 1)), { available: true, closed: 0 });
    assert.deepEqual(await closer.close([]), { available: true, closed: 0 });
    await until(stage, web, 1);
    closer.end();
    await first.close();
  },
  'is not available for a container that has ended': async (stage) => {
    const web = await stage.start('web');
    await stage.kill(web);
    const closer = await stage.traffic.closer(web);
    const closed = await closer.close(['127.0.0.1:1 127.0.0.1:2']);
    closer.end();
    assert.ok(!closed.available && closed.why !== '' && closed.advice !== '');
  },
};

function unlessEmpty<T>(some: readonly T[]): readonly T[] | undefined {
  return some.length > 0 ? some : undefined;
}

const LISTENERS: Rules[string] = {
  'are shown with their ports': async (stage) => {
    const web = await stage.start('web');
    const found = await stage.traffic.listening(web);
    assert.deepEqual(found, [{ port: APP_PORT, loopback: false }]);
  },
  'are unknown for a container that has ended, and for a process of another container': async (stage) => {
    const [web, other] = [await stage.start('web'), await stage.start('other')];
    assert.equal(await stage.traffic.listening({ ...web, pid: other.pid }), undefined);
    assert.equal(await stage.traffic.listening({ ...web, pid: 0 }), undefined);
    await stage.kill(web);
    assert.equal(await stage.traffic.listening(web), undefined);
  },
};

const PROBES: Rules[string] = {
  'reach a container that listens, and fail once it has ended': async (stage) => {
    const web = await stage.start('web');
    const host = web.networks[NETWORK]?.IPAddress ?? '';
    assert.equal((await stage.traffic.reachable({ host, port: APP_PORT }, LONG_MS)).ok, true);
    await stage.kill(web);
    // Nobody answers at the address of a removed container: the probe fails, however short its limit.
    const { ok, output } = await stage.traffic.reachable({ host, port: APP_PORT }, SHORT_MS);
    assert.equal(ok, false);
    assert.notEqual(output, '');
  },
};

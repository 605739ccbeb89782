// The rest of test/engine/traffic/address-redirect.test.ts: published ports, other networks, connections that stay, and what fails.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { openApp, quickly } from '../../engine/compose-app.ts';
import {
  addressOf,
  asked,
  askedFromHost,
  inside,
  startRoll,
  TIMES,
  tables,
} from '../../engine/traffic/address-redirect-world.ts';
import { fixedPort } from '../../engine/traffic/handover-world.ts';
import { connectFrom } from '../../lab/connection.ts';
import { engineFacts, engineUnderTest, isPodman } from '../../lab/engine.ts';
import { nft, portRedirectTable } from '../../lab/host-state.ts';
import { type Cells, clientsAt, startTraffic, tableOf } from '../../lab/traffic.ts';
import { eventually, inTime } from '../../lab/waiting.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

test('while its published port is handed over, whoever has an address of the service is led along', async (t) => {
  if (await isPodman(engineUnderTest().docker)) return t.skip('Podman redirects published ports with rules of its own');
  const rolled = await startRoll(t, { newer: { READY_AFTER_MS: 500 }, ports: [{ host: await fixedPort() }] });
  if (!rolled) return;
  const { world, name, address, network, neighbour, app, during } = rolled;
  const seen: Record<string, unknown> = {};
  let standIn = '';
  const look = (when: string, at: () => string) => async () => {
    const answers = [await asked(neighbour, at()), await askedFromHost(world, at())];
    seen[when] = answers.map((answer) => answer?.version);
  };
  await holdOpen(world, address);
  during['drain web'] = async () => {
    await look('covered', () => address)();
    // This one is redirected to the stand-in, whose drain it delays.
    await holdOpen(world, address);
    during['drain web'] = whileTurningAway;
  };
  let outlives: boolean | undefined;
  async function whileTurningAway(): Promise<void> {
    const [rejecting, covered] = [await gateSeconds(world, rolled?.old ?? ''), await portRedirectSeconds(world, name)];
    if (rejecting === undefined) during['drain web'] = whileTurningAway;
    else outlives = covered > rejecting;
  }
  during['end-forward web.swapctl-old'] = look('old one gone', () => address);
  during['drain web.swapctl-stand-in'] = async () => {
    standIn = await addressOf(world.docker.getContainer(`${name}.swapctl-stand-in`), network);
    await look('replaced', () => standIn)();
  };
  during['end-forward web.swapctl-stand-in'] = look('stand-in gone', () => standIn);
  const [report] = await app.roll([name], quickly({ overrides: TIMES }));
  assert.deepEqual([report?.outcome, report?.strategy], ['rolled', 'handover'], JSON.stringify(report));
  const redirected = ['2', '2'];
  assert.equal(outlives, true, 'new connections are turned away for a shorter time than somebody else answers');
  assert.deepEqual(seen, {
    covered: redirected,
    'old one gone': redirected,
    replaced: redirected,
    'stand-in gone': redirected,
  });
  assert.deepEqual(await tables(rolled), []);
});

/** The seconds for which a container still rejects new connections; undefined: it does not. */
async function gateSeconds(world: World, container: string): Promise<number | undefined> {
  const { State } = await world.docker.getContainer(container).inspect();
  const enterIt = ['nsenter', `--net=/proc/${State.Pid}/ns/net`, 'nft', 'list', 'ruleset'];
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const printed = execFileSync('env', enterIt, { encoding: 'utf8', env });
  return /swapctl-gate/.test(printed) ? expiry(printed) : undefined;
}

/** The seconds for which the ports of a slot stay redirected to its stand-in if swapctl dies. */
async function portRedirectSeconds(world: World, slot: string): Promise<number> {
  return expiry(nft(world.netns, 'list', 'table', 'inet', await portRedirectTable(world, slot))) ?? 0;
}

function expiry(printed: string): number | undefined {
  const [, minutes = '0', seconds = '0', ms = '0'] = /expires (?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?/.exec(printed) ?? [];
  return printed.includes('expires') ? 60 * Number(minutes) + Number(seconds) + Number(ms) / 1000 : undefined;
}

/** A connection with half a request in it, which delays the drain. Resolves when it is made. */
async function holdOpen(world: World, address: string): Promise<void> {
  const script = `const socket = require('node:net').connect(8080, '${address}', () => console.log('open'));
    socket.on('error', () => process.exit()).write('GET / HTTP/1.1\\r\\n')`;
  const enter = world.netns === undefined ? [] : ['nsenter', `--net=/run/netns/${world.netns}`];
  const [program = '', ...args] = [...enter, process.execPath, '-e', script];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  world.after(async () => void child.kill('SIGKILL'));
  await inTime(once(child.stdout, 'data'), 'a client is connected');
}

test('an address that the engine gives to somebody else is theirs at once', async (t) => {
  const rolled = await startRoll(t);
  if (!rolled) return;
  const { world, name, address, network, neighbour, app, during } = rolled;
  during['settle web'] = async () => void (await asked(neighbour, address));
  let heir: string | undefined;
  during['end-forward web.swapctl-old'] = async () => {
    const image = await world.image('heir:1', { version: 'heir' });
    heir = await addressOf(await world.container('heir', { image, network }), network);
  };
  const [report] = await app.roll([name], quickly({ overrides: TIMES }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  if (heir !== address) return t.skip('this engine gives an address to nobody so soon');
  assert.equal((await asked(neighbour, address))?.version, 'heir');
});

// After its end the redirect takes no new connection, so a client that may open one proves nothing from then on.
test('connections by the old address outlive it, and what leads them is swept once they are closed', async (t) => {
  const rolled = await startRoll(t);
  if (!rolled) return;
  const { world, name, address, network, neighbour, app, during } = rolled;
  const clients = await startTraffic(
    { world, network },
    clientsAt({ url: `http://${address}:8080/` }, { kept: { kind: 'kept', method: 'POST', ratePerSecond: 20 } }),
  );
  const connect = async () => connectFrom(world, await inside(neighbour, []), address);
  let connection = await connect();
  const versions = [await connection.version];
  during['settle web'] = async () => {
    connection = await connect();
    versions.push(await connection.version);
  };
  let cells: Cells = {};
  during['end-forward web.swapctl-old'] = async () => {
    cells = await clients.stop();
  };
  const [report] = await app.roll([name], quickly({ overrides: TIMES }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  for (const line of tableOf({ neighbour: cells })) t.diagnostic(line);
  const left = await tables(rolled);
  await app.recover([name], new AbortController().signal);
  assert.deepEqual(await tables(rolled), left, 'a connection is open');
  assert.ok(left.length > 0);
  assert.deepEqual(versions, ['1', '2']);
  assert.equal(await connection.echo('still here'), 'still here');
  assert.equal(cells.kept?.failed, 0, JSON.stringify(cells));
  assert.ok(cells.kept?.byVersion['1'] && cells.kept.byVersion['2'], JSON.stringify(cells));
  connection.close();
  await eventually('the tables are gone once the container has seen the end of the connection', async () => {
    await app.recover([name], new AbortController().signal);
    return (await tables(rolled)).length === 0;
  });
});

test('a new container that turns unhealthy is led to no more', async (t) => {
  const rolled = await startRoll(t, { health: { retries: 3 } });
  if (!rolled) return;
  const { world, name, address, neighbour, app, during } = rolled;
  let settling: string | undefined;
  during['settle web'] = async () => {
    settling = (await asked(neighbour, address))?.version;
    await world.docker.getContainer(name).kill({ signal: 'SIGUSR2' });
  };
  const [report] = await app.roll([name], quickly({ overrides: { settle: '10m' } }));
  assert.equal(report?.error?.code, 'not-healthy', JSON.stringify(report));
  assert.equal(settling, '2');
  assert.equal((await asked(neighbour, address))?.version, '1');
  assert.deepEqual(await tables(rolled), []);
});

test('a swapctl that can not lead connections rolls all the same', async (t) => {
  const world = testWorld(t);
  const image = await world.image('web:live', { version: '1', health: {} });
  // A network that is no bridge: here none at all.
  const web = await world.container('web', { image, create: { HostConfig: { NetworkMode: 'none' } } });
  await untilHealthy(web);
  await world.image('web:live', { version: '2', health: {} });
  const { app, close } = await openApp(world);
  world.after(async () => close());
  const [report] = await app.roll([world.name('web')], quickly({ overrides: TIMES }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  t.diagnostic(`engine ${(await engineFacts(world.docker)).version}`);
});

// As when the engine is away for longer than the rules last.
test('what could not be renewed, and leads no more by itself, is gone with the roll', async (t) => {
  const steps: string[] = [];
  let lapsed = false;
  const rolled = await startRoll(t, {
    atStep: (kind) => {
      steps.push(kind);
      lapsed ||= kind === 'stop';
    },
    hasLapsed: () => lapsed,
  });
  if (!rolled) return;
  const [report] = await rolled.app.roll([rolled.name], quickly({ overrides: TIMES }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  assert.ok(lapsed && !steps.includes('end-forward'), steps.join(', '));
  assert.deepEqual(await tables(rolled), []);
});

// swapctl dies in the middle of a handover, or the new image turns out bad behind its stand-in: requests are still answered, and the
// remains are finished or undone.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { haltScript } from '../../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import {
  assertNothingLeft,
  fixedPort,
  type Service,
  startService,
  versionOf,
} from '../../engine/traffic/handover-world.ts';
import { swapctl } from '../../lab/cli.ts';
import { addressRedirectTables, nft, nftScript, portRedirectTable } from '../../lab/host-state.ts';
import { type Cell, startTraffic } from '../../lab/traffic.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const RATE = 20;
// Long enough for a busy machine to kill swapctl while it drains.
const DRAIN_S = 25;
// swapctl adds 30 s and swapctl.settle, which is 300 ms here; nft takes whole seconds.
const LIFETIME_S = DRAIN_S + 30 + 1;

test('a swapctl that dies while both run leaves rules that end by themselves', async (t) => {
  const world = testWorld(t);
  const { web, port, under } = await begin(world);
  holdOpen(world, port);
  await rollUntilKilled(world, web, 'wait until the open connections of NAME end');

  const portRedirect = await portRedirectTable(world, web.name);
  const rules = nft(world.netns, 'list', 'table', 'inet', portRedirect);
  const [, timeout, expires] = new RegExp(`${port} timeout (\\d+)s expires (\\d+)s`).exec(rules) ?? [];
  assert.equal(Number(timeout), LIFETIME_S, rules);
  assert.ok(Number(expires) <= LIFETIME_S, rules);
  await eventually('the stand-in answers', async () => (await under.version()) === '2');

  // The kernel's work at the end of the lifetime.
  nftScript(world.netns, `flush set inet ${portRedirect} live_tcp`);
  const redirected = addressRedirectTables(world, web.container.id).map(({ table }) => table);
  for (const table of new Set(redirected)) nftScript(world.netns, haltScript(table));
  await eventually('the old container answers', async () => (await under.version()) === '1');
  await recover(world, web, 'undone');
  assert.equal(await versionOf(world, web.name), '1');
  await assertNoneFailed(world, web, await under.stop());
});

test('a successor that never becomes healthy behind a healthy stand-in is taken back', async (t) => {
  const world = testWorld(t);
  const { web, under } = await begin(world);
  // The first container of the image is the stand-in, which is proven. The second one finds its mark, and fails.
  await web.publish('2', { cmd: ['sh', '-c', SECOND_FAILS], health: { retries: 2 } });
  const { code, stderr, json } = await swapctl(['roll', web.name, '--json', '--pull', 'never', '--verbose'], {
    env: world.env,
    netns: world.netns,
  });
  assert.equal(code, 1, stderr);
  assert.equal(json().error.code, 'not-healthy', stderr);
  assert.match(stderr, /keep the ports of/, 'the stand-in had the ports');
  assert.equal(await versionOf(world, web.name), '1');
  await assertNoneFailed(world, web, await under.stop());
});

test('rules of ours that lead nowhere are removed, and all others are left alone', async (t) => {
  const world = testWorld(t);
  const { web, under } = await begin(world);
  const orphan = await portRedirectTable(world, world.name('gone'));
  const foreign = world.prefix;
  const rules = (table: string) => `table inet ${table} { chain c { type nat hook prerouting priority -105; }; }`;
  world.after(async () => nftScript(world.netns, `delete table inet ${foreign}`));
  nftScript(world.netns, `${rules(orphan)}\n${rules(foreign)}`);
  await swapctl(['recover', web.name], { env: world.env, netns: world.netns });
  const tables = nft(world.netns, 'list', 'tables');
  assert.ok(!tables.includes(orphan), tables);
  assert.ok(tables.includes(foreign), tables);
  await assertNoneFailed(world, web, await under.stop());
});

// The volume is the shared memory of two containers of one image; read-only mounts would not do.
const SECOND_FAILS = `if [ -e /mark/first ]; then exec env NEVER_HEALTHY=1 node /app/server.mjs; fi
touch /mark/first; exec node /app/server.mjs`;

interface Load {
  version(): Promise<string>;
  stop(): Promise<Cell>;
}

async function begin(world: World): Promise<{ web: Service; port: number; under: Load }> {
  const port = await fixedPort();
  const mark = await world.volume('mark');
  const web = await startService(world, 'web', {
    env: { DRAIN: 1 },
    ports: [{ host: port }],
    create: { HostConfig: { Binds: [`${mark}:/mark`] } },
    labels: { 'swapctl.volumes': 'shared', 'swapctl.drain.timeout': `${DRAIN_S}s` },
  });
  const url = `http://127.0.0.1:${port}/`;
  const here = { world, netns: world.netns };
  const client = { kind: 'new', method: 'POST', url, ratePerSecond: RATE } as const;
  const traffic = await startTraffic(here, { client });
  const stop = async () => (await traffic.stop()).client ?? assert.fail('no report');
  const once = async () => {
    const asked = await startTraffic(here, { client });
    const { byVersion } = (await asked.stop()).client ?? { byVersion: {} };
    return Object.keys(byVersion).join(' and ');
  };
  return { web, port, under: { version: once, stop } };
}

/** A connection with half a request in it, which delays the drain until its end. */
function holdOpen(world: World, port: number): void {
  const socket = net.connect(port, world.address).on('error', () => {});
  socket.write('GET / HTTP/1.1\r\n');
  world.after(async () => socket.destroy());
}

/** Rolls to version 2, and kills swapctl at the begin of this step. */
async function rollUntilKilled(world: World, web: Service, step: string): Promise<void> {
  await web.publish('2');
  const line = `${web.name}: ${step.replace('NAME', web.name)}\n`;
  let said = '';
  const result = await swapctl(['roll', web.name, '--pull', 'never'], {
    env: world.env,
    netns: world.netns,
    onStderr: (text, kill) => {
      said += text;
      if (said.includes(line)) kill('SIGKILL');
    },
  });
  assert.equal(result.endedBy, 'SIGKILL', result.stderr);
}

async function recover(world: World, web: Service, expected: string): Promise<void> {
  const { stdout, stderr, json } = await swapctl(['recover', web.name, '--json'], {
    env: world.env,
    netns: world.netns,
  });
  const items: { slot: string; outcome: string }[] = json();
  assert.equal(items.find(({ slot }) => slot === web.name)?.outcome, expected, stdout + stderr);
}

async function assertNoneFailed(world: World, web: Service, cell: Cell): Promise<void> {
  assert.ok(cell.requests > 0);
  assert.equal(cell.failed, 0, JSON.stringify(cell));
  await assertNothingLeft(world, web.name);
}

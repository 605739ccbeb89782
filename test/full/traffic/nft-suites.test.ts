// A roll with the nft of another Debian suite than this machine's: each kind of rules works, and no request fails.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import type { StepKind } from '../../../src/core/rollout/step.ts';
import { momentReader } from '../../chaos/moments.ts';
import {
  assertNothingLeft,
  fixedPort,
  LATE,
  roll,
  type Service,
  startService,
} from '../../engine/traffic/handover-world.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { addressRedirectTables, nftIn } from '../../lab/host-state.ts';
import { nftOf } from '../../lab/nft.ts';
import { type Cells, clientsAt, type Shape, startTraffic, tableOf } from '../../lab/traffic.ts';
import { testWorld, type World } from '../../lab/world.ts';

const SHAPES: Record<string, Shape> = {
  'new GET': { kind: 'new', method: 'GET', ratePerSecond: 20 },
  'new POST': { kind: 'new', method: 'POST', ratePerSecond: 20 },
};
const unable = process.getuid?.() === 0 ? false : 'rules take root';

// test/full/package/contained.test.ts hands a port over with that of trixie.
const SUITE = 'sid';

test(`with the nft of ${SUITE} first on PATH a handover loses no request`, { skip: unable }, async (t) => {
  if (await isPodman(engineUnderTest().docker)) return t.skip('Podman redirects published ports with rules of its own');
  const world = testWorld(t);
  const network = await world.network('net');
  const port = await fixedPort();
  const web = await startService(world, 'web', {
    app: { env: LATE },
    ports: [{ host: port }],
    network,
    aliases: ['web'],
  });
  const url = (host: string) => `http://${host}/`;
  const inside = { world, network };
  const published = await startTraffic(
    { world, netns: world.netns },
    clientsAt({ url: url(`127.0.0.1:${port}`) }, SHAPES),
  );
  const byName = await startTraffic(inside, clientsAt({ url: url('web:8080'), byName: true }, SHAPES));
  const cached = await startTraffic(inside, clientsAt({ url: url(`${await addressOf(web, network)}:8080`) }, SHAPES));
  await web.publish('2');
  let gated = false;
  let atCached: Cells | undefined;
  const report = await rollWith(world, web, path.dirname(nftOf(SUITE).program), async (kind) => {
    // On a slow machine it is healthy at the first observation, without a wait.
    if (kind === 'await-healthy' || kind === 'open') gated ||= await isGated(world, `${web.name}.swapctl-stand-in`);
    // The old container has stopped; the redirect of its address is about to end.
    if (kind === 'end-forward') atCached ??= await cached.stop();
  });
  const cells = {
    published: await published.stop(),
    alias: await byName.stop(),
    'cached address': atCached ?? (await cached.stop()),
  };

  for (const line of tableOf(cells)) t.diagnostic(line);
  assert.deepEqual([report.strategy, report.outcome, report.notes], ['handover', 'rolled', undefined]);
  for (const [way, found] of Object.entries(cells)) assertNoneFailed(way, found);
  assert.ok(gated, 'the stand-in was kept from its networks until it was healthy');
  await assertNothingLeft(world, web.name);
  assert.deepEqual(addressRedirectTables(world, web.container.id), []);
});

/** Rolls with that folder first on PATH; `before` is called before each step, while the program stands still. */
async function rollWith(world: World, web: Service, folder: string, before: (kind: StepKind) => Promise<void>) {
  const read = momentReader();
  const env = { ...world.env, PATH: `${folder}:${process.env.PATH}` };
  const atLine = async (line: string): Promise<void> => {
    const moment = read(line);
    if (moment?.when === 'before') await before(moment.kind as StepKind);
  };
  return (await roll(world, web.name, { env, atLine })).json();
}

async function addressOf({ container }: Service, network: string): Promise<string> {
  const address = (await container.inspect()).NetworkSettings.Networks[network]?.IPAddress;
  assert.ok(address);
  return address;
}

async function isGated(world: World, name: string): Promise<boolean> {
  const { State } = await world.docker.getContainer(name).inspect();
  return nftIn(State.Pid, 'list', 'tables').includes('swapctl-gate');
}

function assertNoneFailed(way: string, cells: Cells): void {
  assert.deepEqual(Object.keys(cells), Object.keys(SHAPES), way);
  for (const [shape, cell] of Object.entries(cells)) {
    assert.equal(cell.failed, 0, `${way}, ${shape}: ${JSON.stringify(cell)}`);
    assert.ok(cell.byVersion['2'], `the new version has answered: ${way}, ${shape}: ${JSON.stringify(cell)}`);
  }
}

// The effect of docker's prunes on swapctl's objects: the table of docs/limits.md, on the oldest engine and the newest. Each is an engine
// of this test's own, since a prune removes objects of any owner.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { endOf } from '../../lab/engine.ts';
import { type EngineKind, startEngine } from '../../lab/engines.ts';
import { missingProgram, missingRoot } from '../../lab/missing.ts';
import { type Registry, startRegistry } from '../../lab/registry.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const skip = missingRoot() || missingProgram('docker');
const QUICK = ['--settle', '200ms', '--drain-timeout', '100ms'];

/** The remains after a prune. */
interface Left {
  readonly rejected: 'remembered' | 'forgotten';
  readonly images: 'stay' | 'removed';
}

/** By engine, the prunes in an order in which each finds something to remove. */
const PRUNES: Readonly<Partial<Record<EngineKind, readonly string[]>>> = {
  bookworm: [
    'container prune',
    'image prune',
    'system prune',
    'volume prune --filter label!=swapctl.state.role',
    'image prune -a',
    'system prune -a',
    'volume prune',
  ],
  sid: [
    'system prune',
    'system prune --volumes',
    'volume prune',
    'volume prune -a --filter label!=swapctl.state.role',
    'system prune -a --volumes',
    'volume prune -a',
  ],
};

for (const [kind, prunes] of Object.entries(PRUNES) as [EngineKind, readonly string[]][])
  test(`a prune takes what docs/limits.md says: ${kind}`, { skip }, async (t) => {
    const night = await open(t, kind);
    assert.deepEqual(await night.left(), { rejected: 'remembered', images: 'stay' });
    let images: Left['images'] = 'stay';
    for (const prune of prunes) {
      const says = documented(prune, kind);
      execFileSync('docker', [...prune.split(' '), '-f'], {
        env: { ...process.env, ...night.world.env },
        stdio: 'ignore',
      });
      const left = await night.left();
      assert.equal(left.rejected, says.rejected, prune);
      images = images === 'removed' ? images : says.images;
      assert.equal(left.images, images, prune);
      assert.equal(
        await night.update(),
        says.rejected === 'remembered' ? 'held' : 'failed',
        `the update after ${prune}`,
      );
    }
    await night.refusesRollback();
  });

/** The row about a command; one of volumes has a row for each kind of engine. */
function documented(prune: string, kind: EngineKind): Left {
  const rows = table().filter(([command = '']) => command.includes(`\`docker ${prune}\``));
  const row = rows.find(
    ([command = '']) => !/Docker/.test(command) || /before 23/.test(command) === (kind === 'bookworm'),
  );
  const [, rejected, images] = row ?? assert.fail(`docs/limits.md says nothing of ${prune}`);
  return { rejected: rejected as Left['rejected'], images: images as Left['images'] };
}

function table(): string[][] {
  const page = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && line.includes('`docker '));
  return rows.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

interface Night {
  readonly world: World;
  left(): Promise<Left>;
  /** The outcome of an unattended update. */
  update(): Promise<string>;
  refusesRollback(): Promise<void>;
}

/** A service that was rolled once, and whose tag is now on an image that failed here. */
async function open(t: TestContext, kind: EngineKind): Promise<Night> {
  const engine = await startEngine(kind, { spare: 'pruned' });
  const world = testWorld({ after: () => {} }, engine);
  const registry = await startRegistry({ address: world.hostAddress });
  t.after(async () => {
    await world.cleanUp();
    await registry.stop();
    await engine.stop();
  });
  const name = world.name('web');
  const { env } = world;
  const update = async (): Promise<string> =>
    (await swapctl(['update', name, '--json', ...QUICK], { env })).json().services[0].outcome;
  await serve(world, registry);
  await push(world, registry, '2');
  assert.equal(await update(), 'updated');
  await push(world, registry, 'bad');
  assert.equal(await update(), 'failed');
  return {
    world,
    update,
    left: async () => {
      const { failures, entries } = (await swapctl(['history', name, '--json'], { env })).json();
      return {
        rejected: failures.length > 0 ? 'remembered' : 'forgotten',
        images: entries[1].available ? 'stay' : 'removed',
      };
    },
    refusesRollback: async () => {
      const { code, stdout } = await swapctl(['rollback', name, '--json', ...QUICK], { env });
      assert.equal(code, 1, stdout);
      assert.match(stdout, /is not on the engine any more/);
      assert.match(stdout, new RegExp(`swapctl roll ${name} --digest sha256:`));
    },
  };
}

async function serve(world: World, registry: Registry): Promise<void> {
  await push(world, registry, '1');
  const image = `${registry.host}/app:live`;
  await endOf(await world.docker.pull(image));
  await untilHealthy(await world.container('web', { image }));
}

async function push(world: World, registry: Registry, version: string): Promise<void> {
  const ends = version === 'bad' ? { cmd: ['sh', '-c', 'exit 1'] } : {};
  const image = await world.image(`app:${version}`, { from: 'httpd', ...ends });
  await registry.push(world.docker, image, 'app:live');
  await world.docker.getImage(image).remove({ force: true });
}

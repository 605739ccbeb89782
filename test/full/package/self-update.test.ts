// A watch in a container of its own, and newer images of that container.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { containerNames } from '../../engine/compose-app.ts';
import { swapctl } from '../../lab/cli.ts';
import { endOf, engineUnderTest } from '../../lab/engine.ts';
import type { AppImageOptions } from '../../lab/images.ts';
import { output } from '../../lab/load-inside.ts';
import { startRegistry } from '../../lab/registry.ts';
import { toolsImage } from '../../lab/tools-image.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const skip = engineUnderTest().dockerHost.startsWith('unix://') ? false : 'needs an engine on this machine';
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const BUSY = 4;
const CALL = ['node', '/swapctl/dist/swapctl.js'];

/** A watch of only itself, under its name. */
interface Own {
  readonly world: World;
  readonly name: string;
  /** Pushes an image of swapctl under the tracked tag, and lets the watch check it; resolves with the image's id. */
  publish(version: string, options?: AppImageOptions): Promise<string>;
  /** Lets it check for a newer image. */
  check(): Promise<unknown>;
  /** The container under the name, and true if it watches. */
  look(): Promise<{ id: string; image: string; running: boolean; watching: boolean; log: string }>;
  /** Resolves once only the container itself is left, and it watches as one of these images. */
  settled(...images: string[]): Promise<void>;
}

async function startOwn(t: TestContext): Promise<Own> {
  const world = testWorld(t);
  const { docker } = world;
  const registry = await startRegistry({ address: world.hostAddress });
  const reference = `${registry.host}/team/swapctl:stable`;
  const name = world.name('own');
  world.after(async () => {
    for (const one of await containerNames(world)) await docker.getContainer(one).remove({ force: true, v: true });
    for (const { Id } of await docker.listImages({ filters: JSON.stringify({ reference: [reference] }) }))
      await docker.getImage(Id).remove({ force: true });
    await registry.stop();
  });
  const push = async (version: string, options: AppImageOptions = {}): Promise<string> => {
    const env = { DOCKER_HOST: 'unix:///engine.sock', ...options.env };
    const image = await world.image(`own:${version}`, {
      base: await toolsImage(docker),
      version,
      cmd: [...CALL, 'watch', name],
      health: false,
      ...options,
      env,
    });
    await registry.push(docker, image, 'team/swapctl:stable');
    return (await docker.getImage(image).inspect()).Id;
  };
  const container = docker.getContainer(name);
  const lookNow: Own['look'] = async () => {
    const { Id, Image, State } = await container.inspect();
    const { stdout } = await output(container);
    const last = stdout.slice(stdout.lastIndexOf('watching'));
    return { id: Id, image: Image, running: State.Running, watching: /watching 1 service/.test(last), log: stdout };
  };
  // For a moment there may be no container under the name, between the rename of the old one and that of the new one.
  const look: Own['look'] = () => eventually('it is there', () => lookNow().catch(() => undefined));
  await push('1');
  await endOf(await docker.pull(reference, {}));
  const socket = world.dockerHost.slice('unix://'.length);
  await world.container('own', {
    image: reference,
    labels: { 'swapctl.settle': '1s', 'swapctl.schedule': 'every 1h', 'swapctl.backoff': 'off' },
    create: {
      HostConfig: {
        Binds: [`${socket}:/engine.sock`, `${PROJECT}:/swapctl:ro`],
        NetworkMode: 'host',
        RestartPolicy: { Name: 'unless-stopped' },
      },
    },
  });
  await eventually('it watches', async () => (await look()).watching);
  const check: Own['check'] = () => container.kill({ signal: 'SIGUSR1' });
  return {
    world,
    name,
    look,
    check,
    publish: async (version, options) => {
      const id = await push(version, options);
      await check();
      return id;
    },
    settled: async (...images) => {
      await eventually('only the one container is there, and watches', async () => {
        const names = await containerNames(world);
        if (names.join() !== name) return false;
        const now = await look();
        return now.running && now.watching && images.includes(now.image);
      }).catch(async (error) => {
        t.diagnostic(JSON.stringify([await containerNames(world), await look().catch(String)]));
        throw error;
      });
    },
  };
}

test('a watch replaces itself by a newer image, whatever kills the helper in the middle', { skip }, async (t) => {
  const own = await startOwn(t);
  const { world, name } = own;
  const helper = world.docker.getContainer(`${name}.swapctl-helper`);
  const stopped = (id: string): Promise<unknown> =>
    eventually('the helper has stopped the old one', async () => {
      const { State } = await world.docker.getContainer(id).inspect();
      return !State.Running;
    });

  const first = await own.look();
  const second = await own.publish('2');
  await own.settled(second);
  const after = await own.look();
  assert.notEqual(after.id, first.id);
  // It reports that after the helper is gone.
  await eventually('it tells what became of its helper', async () =>
    /helper has done its work/.test((await own.look()).log),
  );

  // Its process is killed: the engine starts it again.
  const third = await own.publish('3');
  await stopped(after.id);
  process.kill((await helper.inspect()).State.Pid, 'SIGKILL');
  await own.settled(third);

  // A user kills the container: the same as in any other roll.
  const last = await own.look();
  const fourth = await own.publish('4');
  await stopped(last.id);
  await helper.kill();
  // The new watch recovers interrupted rolls as well: meanwhile it has the lock.
  const { code, stdout, stderr } = await eventually('recover has the lock', async () => {
    const ended = await swapctl(['recover', name, '--json'], { env: world.env });
    return ended.code === BUSY ? undefined : ended;
  });
  assert.equal(code, 0, stdout + stderr);
  // If the roll was undone, the old watch starts again, checks, and rolls itself to the newer image after all.
  await own.settled(third, fourth);
});

test('what is wrong with a new image leaves the old watch at work, and is remembered', { skip }, async (t) => {
  const own = await startOwn(t);
  const before = await own.look();

  // An image that can't run swapctl: the container itself is never touched.
  await own.publish('crashes', { env: { NODE_OPTIONS: '--require /nowhere.cjs' } });
  await eventually('it is told', async () => /: failed .*Cannot find module/.test((await own.look()).log));
  await own.settled(before.image);
  assert.equal((await own.look()).id, before.id);
  await own.check();
  await eventually('it is held', async () => /: held .*not kept/.test((await own.look()).log));

  // An image that can, but does not watch: by then the helper has stopped the old one, and starts it again.
  await own.publish('ends', { cmd: [...CALL, '--version'] });
  await eventually('it was started again', async () => (await own.look()).log.split('watching 1 ').length === 3);
  await own.settled(before.image);
  assert.equal((await own.look()).id, before.id);
});

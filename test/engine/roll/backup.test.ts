// What is in a container's volumes is copied before a new image can change it, and put back when the roll fails, whatever dies or
// runs full in the middle.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { startSwapctl, swapctl } from '../../lab/cli.ts';
import { engineUnderTest, isPodman } from '../../lab/engine.ts';
import { faultProxy } from '../../lab/fault-proxy.ts';
import { baseImage } from '../../lab/images.ts';
import { output } from '../../lab/load-inside.ts';
import { eventually } from '../../lab/waiting.ts';
import { testWorld, type World } from '../../lab/world.ts';

const AT_ONCE = { concurrency: true };
const SETTINGS = { 'swapctl.backup.volumes': 'true', 'swapctl.settle': '200ms', 'swapctl.drain.timeout': '100ms' };

// Everything that a file system can hold and an archive can tell; sockets can't be told.
const FILL = `cd /data && echo 1 > number && mkdir -p tree/deep/er empty && chmod 1777 empty && echo x > "tree/na me
with a line break" && mkfifo pipe && echo s > set && chown 1234:5678 set && chmod 4750 set &&
echo h > hard && chown 77:78 hard && chmod 640 hard && ln hard linked && ln -s /etc/x absolute &&
ln -s set relative && touch .hidden && echo e > é && echo b > "$(printf 'b\\377d')" && mkdir -p $(printf %0150d/%0120d 1 2) &&
echo l > $(printf %0150d/%0120d 1 2)/long && dd if=/dev/urandom of=large bs=65536 count=64 2>/dev/null && truncate -s 20000000 sparse &&
touch -d '2001-02-03 04:05:06' number && chown 99:98 . && chmod 711 .`;

// It changes, removes and adds before it fails.
const SPOIL =
  'cd /data && echo bad > number && rm -rf tree .hidden set && mkdir -p bad/worse && echo x > bad/worse/x && touch é/';

const LOOK = `cd /data && find . ! -type d -exec stat -c '%n %f %u:%g %h %s %Y %N' {} \\; -o -exec stat -c '%n %f %u:%g' {} \\; &&
find . -type f -exec md5sum {} \\;`;

interface Stage {
  world: World;
  name: string;
  volume: string;
}

async function stage(t: TestContext, fill = FILL, from?: World): Promise<Stage> {
  const world = from ?? testWorld(t);
  const volume = await world.volume('data');
  await image(world, '1', 'true');
  await run(world, fill, volume);
  const create = { HostConfig: { Binds: [`${volume}:/data`], RestartPolicy: { Name: 'always' } } };
  await world.container('db', { image: world.name('db:1'), labels: SETTINGS, create });
  return { world, name: world.name('db'), volume };
}

function image(world: World, version: string, script: string): Promise<string> {
  const cmd = ['sh', '-c', `${script}; exec sleep 1000000`];
  return world.image(`db:${version}`, { from: 'base', env: { VERSION: version }, cmd, stopSignal: 'SIGKILL' });
}

let runs = 0;

/** What a command prints that has the volume at /data. */
async function run(world: World, script: string, volume: string): Promise<string> {
  const create = { HostConfig: { Binds: [`${volume}:/data`], NetworkMode: 'none' } };
  const cmd = ['sh', '-c', script];
  const container = await world.container(`run-${++runs}`, { image: await baseImage(world.docker), cmd, create });
  const { StatusCode } = await container.wait();
  const { stdout, stderr } = await output(container);
  await container.remove();
  assert.equal(StatusCode, 0, stderr);
  return stdout;
}

async function look(world: World, volume: string): Promise<string[]> {
  return (await run(world, LOOK, volume)).split('\n').sort();
}

async function roll({ world, name }: Stage, image: string, ...more: string[]) {
  const args = ['roll', name, '--image', image, '--pull', 'never', '--json', ...more];
  return swapctl(args, { env: world.env, netns: world.netns });
}

async function versionOf({ world, name }: Stage): Promise<string> {
  const { Config, State, HostConfig } = await world.docker.getContainer(name).inspect();
  assert.ok(State.Running, `${name} runs`);
  assert.equal(HostConfig.RestartPolicy?.Name, 'always');
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length) ?? '';
}

/** Volumes with copies, and containers beside the service. */
async function leftOf({ world, name }: Stage): Promise<{ volumes: string[]; containers: string[] }> {
  const { Volumes } = await world.docker.listVolumes();
  const volumes = Volumes.map((one) => one.Name).filter((one) => one.startsWith(`${world.prefix}-data.`));
  const all = await world.docker.listContainers({ all: true });
  const names = all.map((one) => (one.Names[0] ?? '').slice(1)).filter((one) => one.startsWith(`${name}.`));
  return { volumes, containers: names };
}

test('copies of volumes', AT_ONCE, async (t) => {
  if (await isPodman(engineUnderTest().docker)) return void (await t.test('are refused on Podman', refusedOnPodman));
  await Promise.all([
    t.test('a good roll keeps one, and a rollback can go back to it', goodRoll),
    t.test('a failed roll puts the volume back as it was, to the last bit', failedRoll),
    t.test('a copy for which there is no room stops the roll before any harm', fullDisk),
    t.test('killed in the middle of copying', (t) => killed(t, 'copying')),
    t.test('killed while a volume is empty', (t) => killed(t, 'putting back')),
    t.test('what can not be copied is refused before anything is touched', refusals),
  ]);
});

async function goodRoll(t: TestContext): Promise<void> {
  const at = await stage(t);
  const { world, name, volume } = at;
  const before = await look(world, volume);
  const plan = await swapctl(['plan', name, '--image', await image(world, '2', 'echo 2 > /data/number')], {
    env: world.env,
  });
  assert.match(plan.stdout, /copy the volume .*-data/);
  const first = await roll(at, world.name('db:2'));
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const { backup, timings } = first.json();
  const [kept] = backup.volumes;
  assert.equal(backup.restored, false);
  assert.ok(kept.bytes > 24_000_000 && timings.backup > 0, first.stdout);
  assert.deepEqual(await look(world, kept.copy), before);
  assert.match(await run(world, 'cat /data/number', volume), /2/);

  const second = await roll(at, await image(world, '3', 'echo 3 > /data/number'));
  assert.equal(second.code, 0, second.stdout + second.stderr);
  const left = await leftOf(at);
  assert.deepEqual(left.volumes, [second.json().backup.volumes[0].copy], 'the older copy is gone');
  const told = await swapctl(['history', name], { env: world.env });
  assert.match(told.stdout, /copies of volumes[\s\S]*24\.\d MB/);

  const back = await swapctl(['rollback', name, '--with-volumes', '--json'], { env: world.env });
  assert.equal(back.code, 0, back.stdout + back.stderr);
  assert.equal(back.json().backup.restored, true);
  assert.equal(await versionOf(at), '2');
  assert.match(await run(world, 'cat /data/number', volume), /2/, 'version 2 wrote it, and its second start');
  const none = await swapctl(['rollback', name, '--with-volumes', '--image', world.name('db:1')], { env: world.env });
  assert.match(none.stdout + none.stderr, /no volume backup of/);
}

async function failedRoll(t: TestContext): Promise<void> {
  const at = await stage(t);
  const { world, volume } = at;
  const before = await look(world, volume);
  const failed = await roll(at, await image(world, 'bad', `${SPOIL}; exit 3`));
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  const { error, backup, timings } = failed.json();
  assert.equal(error.code, 'not-healthy');
  assert.equal(backup.restored, true);
  assert.ok(timings.restore > 0);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await look(world, volume), before);
  assert.deepEqual((await leftOf(at)).volumes, [backup.volumes[0].copy], 'where the copy is, is told');
}

async function fullDisk(t: TestContext): Promise<void> {
  const world = testWorld(t);
  const at = await stage(t, FILL, world);
  const before = await look(world, at.volume);
  const proxy = await faultProxy(t, world);
  const small = { DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } };
  proxy.arm(
    { kind: 'rewrite', fields: small },
    ({ what }) => what === 'POST /volumes/{id}' || what === 'POST /volumes/create',
  );
  const failed = await roll({ ...at, world: { ...world, env: proxy.engine.env } }, await image(world, '2', SPOIL));
  assert.ok(proxy.hit(), 'the disk was full');
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  assert.equal(failed.json().error.code, 'backup-failed', failed.stdout);
  assert.match(failed.json().error.message, /no space left/);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await look(world, at.volume), before);
  assert.deepEqual(await leftOf(at), { volumes: [], containers: [] });
}

async function killed(t: TestContext, when: 'copying' | 'putting back'): Promise<void> {
  const at = await stage(t, 'cd /data && mkdir d && echo 1 > number');
  const { world, name, volume } = at;
  const before = await look(world, volume);
  const proxy = await faultProxy(t, world);
  const nth = when === 'copying' ? 1 : 2;
  const isPut = ({ what }: { what: string }) => what === 'PUT /containers/{id}/archive';
  proxy.arm({ kind: 'stall' }, (call, calls) => isPut(call) && calls.filter(isPut).length === nth);
  const args = [
    'roll',
    name,
    '--image',
    await image(world, 'bad', 'echo bad > /data/number; exit 3'),
    '--pull',
    'never',
  ];
  const rolling = startSwapctl(args, { env: proxy.engine.env, netns: world.netns });
  await eventually('it is in the middle', async () => proxy.hit());
  rolling.kill('SIGKILL');
  assert.equal((await rolling.result).endedBy, 'SIGKILL');
  proxy.calm();
  if (when === 'putting back') assert.deepEqual((await look(world, volume)).length, 2, 'at the worst moment');

  await recovered(at);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await look(world, volume), before);
  const { volumes, containers } = await leftOf(at);
  assert.deepEqual(containers.length, when === 'copying' ? 0 : 1, containers.join());
  assert.equal(volumes.length, containers.length, volumes.join());
}

async function recovered({ world, name }: Stage): Promise<void> {
  const { code, stdout, stderr, json } = await swapctl(['recover', name, '--json'], {
    env: world.env,
    netns: world.netns,
  });
  assert.equal(code, 0, stdout + stderr);
  assert.ok(
    json().some((item: { outcome: string }) => item.outcome === 'undone'),
    stdout + stderr,
  );
}

// Its archives name the container's own user as the owner of every file.
async function refusedOnPodman(t: TestContext): Promise<void> {
  const at = await stage(t, 'true');
  const refused = await roll(at, await image(at.world, '2', 'true'));
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  assert.match(refused.stdout, /does not report the owners of files/);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await leftOf(at), { volumes: [], containers: [] });
}

async function refusals(t: TestContext): Promise<void> {
  const at = await stage(t, 'true');
  const { world, volume } = at;
  const next = await image(world, '2', 'true');
  const unknown = await roll(at, next, '--strategy', 'start-first');
  assert.equal(unknown.code, 2, unknown.stdout + unknown.stderr);
  assert.match(unknown.stdout, /are backed up first/);
  const create = { HostConfig: { Binds: [`${volume}:/elsewhere`] } };
  await world.container('other', { image: world.name('db:1'), create });
  const shared = await roll(at, next);
  assert.equal(shared.code, 2, shared.stdout + shared.stderr);
  assert.match(shared.stdout, /other writes to the volume/);
  assert.equal(await versionOf(at), '1');
  assert.deepEqual(await leftOf(at), { volumes: [], containers: [] });
}

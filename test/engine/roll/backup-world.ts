// A service with a volume and a backup of it, and helpers for tests of backups.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import { baseImage } from '../../lab/images.ts';
import { output } from '../../lab/load-inside.ts';
import { testWorld, type World } from '../../lab/world.ts';

const SETTINGS = { 'swapctl.backup.volumes': 'true', 'swapctl.settle': '200ms', 'swapctl.drain.timeout': '100ms' };

// Everything that a file system can hold and an archive can carry; it can't carry sockets.
export const FILL = `cd /data && echo 1 > number && mkdir -p tree/deep/er empty && chmod 1777 empty && echo x > "tree/na me
with a line break" && mkfifo pipe && echo s > set && chown 1234:5678 set && chmod 4750 set &&
echo h > hard && chown 77:78 hard && chmod 640 hard && ln hard linked && ln -s /etc/x absolute &&
ln -s set relative && touch .hidden && echo e > é && echo b > "$(printf 'b\\377d')" && mkdir -p $(printf %0150d/%0120d 1 2) &&
echo l > $(printf %0150d/%0120d 1 2)/long && dd if=/dev/urandom of=large bs=65536 count=64 2>/dev/null && truncate -s 20000000 sparse &&
touch -d '2001-02-03 04:05:06' number && chown 99:98 . && chmod 711 .`;

// It changes, removes and adds before it fails.
export const SPOIL =
  'cd /data && echo bad > number && rm -rf tree .hidden set && mkdir -p bad/worse && echo x > bad/worse/x && touch é/';

const LOOK = `cd /data && find . ! -type d -exec stat -c '%n %f %u:%g %h %s %Y %N' {} \\; -o -exec stat -c '%n %f %u:%g' {} \\; &&
find . -type f -exec md5sum {} \\;`;

export interface Stage {
  world: World;
  name: string;
  volume: string;
}

export async function stage(t: TestContext, fill = FILL, from?: World): Promise<Stage> {
  const world = from ?? testWorld(t);
  const volume = await world.volume('data');
  await image(world, '1', 'true');
  await run(world, fill, volume);
  const create = { HostConfig: { Binds: [`${volume}:/data`], RestartPolicy: { Name: 'always' } } };
  await world.container('db', { image: world.name('db:1'), labels: SETTINGS, create });
  return { world, name: world.name('db'), volume };
}

export function image(world: World, version: string, script: string): Promise<string> {
  const cmd = ['sh', '-c', `${script}; exec sleep 1000000`];
  return world.image(`db:${version}`, { from: 'base', env: { VERSION: version }, cmd, stopSignal: 'SIGKILL' });
}

let runs = 0;

/** The output of a command with the volume at /data. */
export async function run(world: World, script: string, volume: string): Promise<string> {
  const create = { HostConfig: { Binds: [`${volume}:/data`], NetworkMode: 'none' } };
  const cmd = ['sh', '-c', script];
  const container = await world.container(`run-${++runs}`, { image: await baseImage(world.docker), cmd, create });
  const { StatusCode } = await container.wait();
  const { stdout, stderr } = await output(container);
  await container.remove();
  assert.equal(StatusCode, 0, stderr);
  return stdout;
}

export async function look(world: World, volume: string): Promise<string[]> {
  return (await run(world, LOOK, volume)).split('\n').sort();
}

export async function roll({ world, name }: Stage, image: string, ...more: string[]) {
  const args = ['roll', name, '--image', image, '--pull', 'never', '--json', ...more];
  return swapctl(args, { env: world.env, netns: world.netns });
}

export async function versionOf({ world, name }: Stage): Promise<string> {
  const { Config, State, HostConfig } = await world.docker.getContainer(name).inspect();
  assert.ok(State.Running, `${name} runs`);
  assert.equal(HostConfig.RestartPolicy?.Name, 'always');
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length) ?? '';
}

/** Volumes with backups, and containers beside the service. */
export async function leftOf({ world, name }: Stage): Promise<{ volumes: string[]; containers: string[] }> {
  const { Volumes } = await world.docker.listVolumes();
  const volumes = Volumes.map((one) => one.Name).filter((one) => one.startsWith(`${world.prefix}-data.`));
  const all = await world.docker.listContainers({ all: true });
  const names = all.map((one) => (one.Names[0] ?? '').slice(1)).filter((one) => one.startsWith(`${name}.`));
  return { volumes, containers: names };
}

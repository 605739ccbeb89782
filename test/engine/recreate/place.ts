// The surroundings of this suite's containers: images, networks, volumes and neighbours, made once for all tests.
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { engineFacts } from '../../lab/engine.ts';
import { freePort } from '../../lab/port.ts';
import { removeWithVolumes, type World } from '../../lab/world.ts';
import { IMAGES, type Place, RUN } from './fields.ts';

/** Why no field is compared on Podman. */
export const PODMAN = 'Podman shows what it made of a wish, and not the wish, so nothing tells what is faithful';

export interface Stage extends Place {
  /** Three versions of an image that differ in everything. */
  images: [string, string, string];
  /** Two images with only a command. */
  plain: [string, string];
  podman: boolean;
}

export async function setStage(world: World): Promise<Stage> {
  const images = (await Promise.all(
    IMAGES.map((options, at) => world.image(`app:${at + 1}`, { from: 'base', ...options })),
  )) as Stage['images'];
  const folder = mkdtempSync(path.join(os.tmpdir(), `${world.prefix}-`));
  mkdirSync(path.join(folder, 'made'));
  world.after(async () => rmSync(folder, { recursive: true, force: true }));
  const [one, addresses] = await addressedNetwork(world);
  const networks: Stage['networks'] = [one, await world.network('two'), await world.network('three')];
  const volumes = (await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.volume(name)))) as Stage['volumes'];
  const plain = await world.image('plain:1', { from: 'base', cmd: ['sh', '-c', RUN] });
  const plainer = await world.image('plain:2', { from: 'base', cmd: ['sh', '-c', `${RUN} # 2`] });
  await world.container('neighbour', { image: plain, create: { HostConfig: { IpcMode: 'shareable' } } });
  await world.docker.getNetwork(networks[1]).connect({ Container: world.name('neighbour') });
  const storage = {
    HostConfig: { Binds: [`${volumes[0]}:/data`, `${folder}:/inherited`] },
    Volumes: { '/anonymous-inherited': {} },
  };
  await world.container('storage', { image: plain, create: storage });
  await write(world, 'storage', '/data/part/file');
  const { apiVersion, podman } = await engineFacts(world.docker);
  return {
    images,
    plain: [plain, plainer],
    folder,
    networks,
    ...addresses,
    volumes,
    other: plain,
    neighbour: world.name('neighbour'),
    storage: world.name('storage'),
    disk: rootDisk(),
    port: await freePort(),
    apiVersion,
    podman,
    canBePrivileged: await starts(world, plain, { Privileged: true }),
    hasInit: await starts(world, plain, { Init: true }),
  };
}

/** Writes the path into the file of that path. */
export async function write(world: World, name: string, file: string): Promise<void> {
  await inside(world, name, `mkdir -p ${path.posix.dirname(file)} && echo ${file} > ${file}`);
}

/** Runs a shell command in a container as root and returns its output. */
export async function inside(world: World, name: string, command: string): Promise<string> {
  const exec = await world.docker
    .getContainer(world.name(name))
    .exec({ Cmd: ['sh', '-c', command], User: '0', AttachStdout: true, AttachStderr: true, Tty: true });
  let output = '';
  for await (const chunk of await exec.start({ Tty: true })) output += chunk;
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${command} in ${name} (${ExitCode}): ${output}`);
  return output.trim();
}

// The engine picks subnets by checking for taken ones; here it is luck, so another one is tried.
async function addressedNetwork(world: World): Promise<[string, { v4: string; v6: string }]> {
  for (let tries = 1; ; tries++) {
    const [a, b] = [randomInt(240, 248), randomInt(0, 256)];
    const Config = [{ Subnet: `10.${a}.${b}.0/24` }, { Subnet: `fd00:${a.toString(16)}:${b.toString(16)}::/64` }];
    try {
      const name = await world.network('one', { EnableIPv6: true, IPAM: { Driver: 'default', Config } });
      return [name, { v4: `10.${a}.${b}.77`, v6: `fd00:${a.toString(16)}:${b.toString(16)}::77` }];
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}

function rootDisk(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.find((line) => / \/ /.test(line) && line.startsWith('/dev/'))?.split(' ')[0] ?? '/dev/loop0';
}

async function starts(world: World, image: string, HostConfig: object): Promise<boolean> {
  try {
    await world.container('probe', { image, create: { HostConfig } });
    return true;
  } catch {
    return false;
  } finally {
    await removeWithVolumes(world.docker, world.name('probe'));
  }
}

// swapctl's use cases in this process, on the engine of a world, for tests of compose projects.
import os from 'node:os';
import { type App, createApp, type RollRequest } from '../../src/app/app.ts';
import type { Progress } from '../../src/core/report/progress.ts';
import type { Ports } from '../../src/ports/ports.ts';
import { openPorts } from '../../src/wiring/ports.ts';
import type { ComposeProject } from '../lab/compose.ts';
import type { EngineUnderTest } from '../lab/engine.ts';
import { pushIndex, type Registry } from '../lab/registry.ts';
import type { World } from '../lab/world.ts';

export interface OpenApp {
  app: App;
  ports: Ports;
  progress: Progress[];
  close(): void;
}

export async function openApp(engine: EngineUnderTest, onProgress?: (progress: Progress) => void): Promise<OpenApp> {
  // A home without a config.json: the logins of this machine must not decide a test.
  const slotName = os.devNull;
  const progress: Progress[] = [];
  const report = (one: Progress): void => {
    progress.push(one);
    onProgress?.(one);
  };
  const ports = await openPorts({ host: engine.dockerHost, env: engine.env, home: slotName, folder: slotName, report });
  return { app: createApp(ports), ports, progress, close: () => ports.engine.close() };
}

/** A front's request, with short times. */
export function quickly(request: Partial<RollRequest> = {}): RollRequest {
  const overrides = { settle: '300ms', 'drain.timeout': '2s', ...request.overrides };
  return { signal: new AbortController().signal, ...request, overrides };
}

export interface Replica {
  id: string;
  name: string;
  service: string;
  number: string;
  image: string;
  version: string;
}

/** The containers of a project in compose's view, running or not, in the order of their names. */
export async function replicas(world: World, project: ComposeProject, service?: string): Promise<Replica[]> {
  const told = await project.run('ps', '--all', '--format', 'json', ...(service ? [service] : []));
  const lines = told.split('\n').filter((line) => line.startsWith('{'));
  const found = await Promise.all(lines.map((line) => replica(world, JSON.parse(line).ID)));
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

async function replica(world: World, id: string): Promise<Replica> {
  const { Id, Name, Config, Image } = await world.docker.getContainer(id).inspect();
  const label = (key: string) => Config.Labels[`com.docker.compose.${key}`] ?? '';
  const version = Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length) ?? '';
  const [service, number] = [label('service'), label('container-number')];
  return { id: Id, name: Name.slice(1), service, number, image: Image, version };
}

/** Names of all containers of a world, from any origin. */
export async function containerNames(world: World): Promise<string[]> {
  const all = await world.docker.listContainers({ all: true });
  const names = all.map((one) => (one.Names[0] ?? '').slice(1));
  return names.filter((name) => name.includes(world.prefix)).sort();
}

/** Names of the volumes that record failed images of a world. */
export async function failureVolumes(world: World): Promise<string[]> {
  const names = ((await world.docker.listVolumes()).Volumes ?? []).map(({ Name }) => Name);
  return names.filter((name) => name.includes(world.prefix) && name.includes('.swapctl-failed-'));
}

/**
 * Pushes an image, and points a tag of the registry at an index that holds it, as hubs do, without touching any tag of the
 * engine. On the containerd store the index and the image in it then have ids of their own.
 */
export async function publish(world: World, registry: Registry, image: string, nameAndTag: string): Promise<void> {
  const { Architecture: architecture } = await world.docker.getImage(image).inspect();
  const tag = `only-${Date.now()}`;
  await registry.push(world.docker, image, `${nameAndTag.split(':')[0]}:${tag}`);
  await pushIndex(registry, nameAndTag, [{ tag, architecture }]);
}

/** Points a local tag at another image, as a build does. */
export async function retag(world: World, image: string, reference: string): Promise<void> {
  const colon = reference.lastIndexOf(':');
  await world.docker.getImage(image).tag({ repo: reference.slice(0, colon), tag: reference.slice(colon + 1) });
}

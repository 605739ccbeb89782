// A test's own corner of the engine: names that no other test has, and nothing left when the test is over.
import { randomBytes } from 'node:crypto';
import Docker from 'dockerode';
import { type EngineUnderTest, engineUnderTest, isPodman } from './engine.ts';
import { APP_PORT, type AppImageOptions, appImage, TEST_LABELS } from './images.ts';
import { eventually } from './waiting.ts';

/** What of node:test's context a world needs; the demo and the benchmark bring their own. */
export interface Scope {
  after(cleanUp: () => Promise<void>): void;
}

export interface ContainerOptions {
  image: string;
  env?: Record<string, string | number>;
  labels?: Record<string, string>;
  /** Published as `host: container`; host 0 lets the engine choose. */
  ports?: { host: number; container?: number | string; ip?: string }[];
  network?: string;
  aliases?: string[];
  cmd?: string[];
  /** Anything else of the engine's create call; merged over the above. */
  create?: Docker.ContainerCreateOptions;
  start?: boolean;
}

export interface World extends EngineUnderTest {
  /** Starts every name of this world, and is one that compose accepts as a project name. */
  prefix: string;
  labels: Record<string, string>;
  name(suffix: string): string;
  /** An image `<prefix>-<suffix>:<tag>`; returns that name. */
  image(suffixAndTag: string, options?: AppImageOptions): Promise<string>;
  container(suffix: string, options: ContainerOptions): Promise<Docker.Container>;
  network(suffix: string, options?: Partial<Docker.NetworkCreateOptions>): Promise<string>;
  volume(suffix: string): Promise<string>;
  /** For what this world's labels and prefix don't reach. Last in, first out, before all the rest goes. */
  after(cleanUp: () => Promise<unknown>): void;
  cleanUp(): Promise<void>;
}

export function testWorld(t: Scope, engine: EngineUnderTest = engineUnderTest()): World {
  const { docker } = engine;
  const prefix = `swtest-${randomBytes(4).toString('hex')}`;
  // Containers that swapctl re-creates inherit these, so they are found even if a test dies half-way.
  const labels = {
    ...TEST_LABELS,
    'swapctl.test.world': prefix,
    'swapctl.test.run': process.env.SWAPCTL_TEST_RUN ?? String(process.pid),
  };
  const extra: (() => Promise<unknown>)[] = [];
  const name = (suffix: string) => `${prefix}-${suffix}`;

  const world: World = {
    ...engine,
    prefix,
    labels,
    name,
    async image(suffixAndTag, options = {}) {
      const image = name(suffixAndTag.includes(':') ? suffixAndTag : `${suffixAndTag}:1`);
      await appImage(docker, image, { ...options, labels: { ...labels, ...options.labels } });
      return image;
    },
    async container(suffix, options) {
      const container = await docker.createContainer(createOptions(name(suffix), labels, options));
      if (options.start !== false) await container.start();
      return container;
    },
    async network(suffix, options) {
      await docker.createNetwork({ ...options, Name: name(suffix), Labels: labels });
      return name(suffix);
    },
    async volume(suffix) {
      await docker.createVolume({ Name: name(suffix), Labels: labels });
      return name(suffix);
    },
    after: (cleanUp) => void extra.unshift(cleanUp),
    async cleanUp() {
      const failures: unknown[] = [];
      for (const one of extra.splice(0)) await one().catch((error) => failures.push(error));
      await removeWorld(docker, prefix).catch((error) => failures.push(error));
      if (failures.length > 0) throw new AggregateError(failures, `cleaning up ${prefix}`);
    },
  };
  t.after(() => world.cleanUp());
  return world;
}

function createOptions(
  name: string,
  labels: Record<string, string>,
  options: ContainerOptions,
): Docker.ContainerCreateOptions {
  const ports = options.ports ?? [];
  const key = ({ container = APP_PORT }: { container?: number | string }) =>
    String(container).includes('/') ? String(container) : `${container}/tcp`;
  const { HostConfig, Labels, ...create } = options.create ?? {};
  return {
    name,
    Image: options.image,
    Labels: { ...labels, ...options.labels, ...Labels },
    ...(options.env && { Env: Object.entries(options.env).map(([k, v]) => `${k}=${v}`) }),
    ...(options.cmd && { Cmd: options.cmd }),
    ExposedPorts: Object.fromEntries(ports.map((port) => [key(port), {}])),
    HostConfig: {
      PortBindings: Object.fromEntries(
        ports.map((port) => [key(port), [{ HostIp: port.ip ?? '', HostPort: String(port.host) }]]),
      ),
      ...(options.network && { NetworkMode: options.network }),
      ...HostConfig,
    },
    ...(options.network && {
      NetworkingConfig: {
        EndpointsConfig: { [options.network]: { Aliases: options.aliases ?? [] } },
      },
    }),
    ...create,
  };
}

// ---- removal

async function removeWorld(docker: Docker, prefix: string): Promise<void> {
  const ours = (labels: Record<string, string> | undefined, names: string[]) =>
    labels?.['swapctl.test.world'] === prefix || names.some((one) => one.includes(prefix));

  for (const one of await docker.listContainers({ all: true })) {
    if (ours(one.Labels, one.Names)) await removeWithVolumes(docker, one.Id);
  }
  for (const one of await docker.listNetworks()) {
    if (ours(one.Labels, [one.Name])) await gone(docker.getNetwork(one.Id).remove());
  }
  for (const one of (await docker.listVolumes()).Volumes ?? []) {
    if (ours(one.Labels, [one.Name])) await gone(docker.getVolume(one.Name).remove({ force: true }));
  }
  for (const one of await docker.listImages()) {
    if (ours(one.Labels, one.RepoTags ?? [])) await gone(removeImage(docker, one.Id));
  }
}

/**
 * Removes a container and its anonymous volumes. The engine does that by itself for those that it made for this very
 * container, and not for one that was taken over from the container before.
 */
export async function removeWithVolumes(docker: Docker, nameOrId: string): Promise<void> {
  const container = docker.getContainer(nameOrId);
  const { Mounts } = await container.inspect().catch(() => ({ Mounts: [] }));
  await gone(container.remove({ force: true, v: true }));
  // Engine 28 names some of them by their folder only.
  const names = Mounts.map((mount) => mount.Name ?? mount.Source.match(/([^/]+)\/_data$/)?.[1] ?? '');
  for (const name of names.filter((one) => /^[0-9a-f]{64}$/.test(one))) await free(docker.getVolume(name).remove());
}

/** Another container may have it too, and takes it away later. */
async function free(removal: Promise<unknown>): Promise<void> {
  try {
    await gone(removal);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 409) throw error;
  }
}

/** Removing by id is refused while several tags point to it, unless forced; `force` also covers stopped users of it. */
function removeImage(docker: Docker, id: string): Promise<unknown> {
  return docker.getImage(id).remove({ force: true });
}

async function gone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
  }
}

// ---- waiting and looking

export async function untilHealthy(container: Docker.Container): Promise<void> {
  const healthy = async () => {
    await probedByPodman(container);
    return (await container.inspect()).State.Health?.Status === 'healthy';
  };
  await eventually(`${container.id.slice(0, 12)} is healthy`, healthy);
}

/** Without systemd Podman runs no health check unless it is asked to. */
export async function probedByPodman(container: Docker.Container): Promise<void> {
  const docker = new Docker({ modem: container.modem } as object);
  if (!(await isPodman(docker))) return;
  const call = {
    path: `/v4.0.0/libpod/containers/${container.id}/healthcheck`,
    method: 'GET',
    statusCodes: { 200: true },
  };
  await new Promise((done) => docker.modem.dial(call as never, done));
}

/** The host port that the engine has given to a container port. */
export async function hostPort(
  container: Docker.Container,
  containerPort: number | string = APP_PORT,
): Promise<number> {
  const { NetworkSettings } = await container.inspect();
  const key = String(containerPort).includes('/') ? String(containerPort) : `${containerPort}/tcp`;
  const port = NetworkSettings.Ports[key]?.[0]?.HostPort;
  if (!port) throw new Error(`port ${key} is not published`);
  return Number(port);
}

// Six Docker hosts in network namespaces of their own: five over real ssh, one over TLS, with the same service on each, under load.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type EngineKind, type EngineOptions, GROUP_LAB, type OtherEngine, startEngine } from '../../lab/engines.ts';
import { startLoadInside } from '../../lab/load-inside.ts';
import { makePki } from '../../lab/pki.ts';
import { type Registry, startRegistry } from '../../lab/registry.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';

const PORT = 2376;
const KINDS: readonly EngineKind[] = ['trixie', 'bookworm', 'sid', 'bookworm-direct', 'sid-like-29', 'remote'];
export const NAMES = KINDS.map((_, at) => `web${at + 1}`);
/** Containers outlive their daemon, as on a host that is only out of reach. */
const OUTLIVE: EngineOptions = {
  lab: GROUP_LAB,
  fresh: true,
  // In memory, and so without remains of a killed run.
  disk: '1g',
  flags: ['--live-restore', '--insecure-registry=10.231.0.0/16'],
};

export interface LabHost {
  readonly name: string;
  readonly kind: EngineKind;
  readonly options: EngineOptions;
  readonly engine: OtherEngine;
  readonly world: World;
}

export interface Lab {
  readonly hosts: readonly LabHost[];
  readonly registry: Registry;
  /** The service, the same on every host. */
  readonly service: string;
  /** For processes of swapctl: its ssh knows all hosts. */
  readonly env: NodeJS.ProcessEnv;
  readonly config: string;
  host(name: string): LabHost;
  /** Pushes an image that answers with this version under the tracked tag; `bad`: it never answers. */
  push(version: string, bad?: boolean): Promise<void>;
  /** The version that answers on each host, by its image. */
  versions(): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startLab(groups: string): Promise<Lab> {
  const pki = makePki();
  const undo: (() => unknown)[] = [() => pki.remove()];
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one();
  };
  try {
    const engines = await Promise.all(KINDS.map((kind) => startEngine(kind, optionsOf(kind, pki))));
    undo.push(() => Promise.all(engines.map((engine) => engine.stop())));
    const sshds = await Promise.all(engines.slice(0, -1).map(({ netns, address }) => startSshd({ netns, address })));
    undo.push(() => Promise.all(sshds.map((sshd) => sshd.stop())));
    const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-group-'));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const registry = await startRegistry({ address: engines[0]?.hostAddress ?? '' });
    undo.push(() => registry.stop());
    const hosts = engines.map((engine, at): LabHost => {
      const kind = KINDS[at] ?? 'trixie';
      const scope = { after: (cleanUp: () => Promise<void>) => void undo.push(cleanUp) };
      return { name: NAMES[at] ?? '', kind, options: optionsOf(kind, pki), engine, world: testWorld(scope, engine) };
    });
    const tcp = hosts.at(-1)?.engine.address;
    const tls = `{ ca: ${pki.files.ca}, cert: ${pki.files.client.cert}, key: ${pki.files.client.key} }`;
    const addresses = sshds.map(({ dockerHost }, at) => {
      const socket = new URL(hosts[at]?.engine.dockerHost ?? '').pathname;
      return `  ${NAMES[at]}: ${dockerHost}${socket}`;
    });
    const config = path.join(folder, 'swapctl.yml');
    const last = `  ${NAMES.at(-1)}: { url: tcp://${tcp}:${PORT}, tls: ${tls} }`;
    writeFileSync(config, ['hosts:', ...addresses, last, 'groups:', groups, ''].join('\n'));
    const env = { ...process.env, PATH: `${clientBin(folder, sshds)}:${process.env.PATH}`, DOCKER_HOST: undefined };
    return { ...(await servingLab(hosts, registry)), env, config, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function optionsOf(kind: EngineKind, pki: ReturnType<typeof makePki>): EngineOptions {
  if (kind !== 'remote') return OUTLIVE;
  const { ca, cert, key } = pki.files.server;
  const tls = ['--tlsverify', `--tlscacert=${ca}`, `--tlscert=${cert}`, `--tlskey=${key}`];
  return { ...OUTLIVE, flags: [...(OUTLIVE.flags ?? []), `--host=tcp://0.0.0.0:${PORT}`, ...tls] };
}

// Each host has its own key; the configuration file maps them.
function clientBin(folder: string, sshds: readonly Sshd[]): string {
  const blocks = sshds.map(({ address, key, knownHosts }) =>
    [`Host ${address}`, `IdentityFile ${key}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${knownHosts}`].join('\n  '),
  );
  writeFileSync(path.join(folder, 'ssh_config'), `${blocks.join('\n')}\n`);
  const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'ssh'), `#!/bin/sh\nexec ${ssh} -F ${folder}/ssh_config "$@"\n`);
  chmodSync(path.join(bin, 'ssh'), 0o755);
  return bin;
}

const NETWORK = 'net';
const URL_INSIDE = 'http://app:8080/healthz';

async function servingLab(
  hosts: readonly LabHost[],
  registry: Registry,
): Promise<Pick<Lab, 'hosts' | 'registry' | 'service' | 'host' | 'push' | 'versions'>> {
  const [builder] = hosts;
  if (!builder) throw new Error('there is no host');
  const { world } = builder;
  const service = 'shop';
  const reference = `${registry.host}/app:live`;
  // An app that finishes its requests on a stop: busybox's server would cut them.
  const push = async (version: string, bad = false): Promise<void> => {
    const health = bad ? { health: { test: 'exit 1', intervalMs: 200, retries: 2 } } : { health: { intervalMs: 200 } };
    const image = await world.image(`app:${version}`, { env: { DRAIN: 1 }, ...health });
    await registry.push(world.docker, image, 'app:live');
  };
  await push('1');
  await Promise.all(hosts.map((host) => serve(host, service, reference)));
  const host = (name: string): LabHost => hosts.find((one) => one.name === name) ?? builder;
  return {
    hosts,
    registry,
    service,
    host,
    push,
    versions: () => Promise.all(hosts.map((one) => versionOn(one, service))),
  };
}

async function serve({ world }: LabHost, service: string, reference: string): Promise<void> {
  const { docker } = world;
  const stream = await docker.pull(reference);
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve())),
  );
  const network = await world.network(NETWORK);
  const labels = {
    ...world.labels,
    'swapctl.settle': '300ms',
    'swapctl.drain.timeout': '1s',
    'swapctl.enable': 'true',
  };
  const container = await docker.createContainer({
    name: service,
    Image: reference,
    Labels: labels,
    HostConfig: { NetworkMode: network, RestartPolicy: { Name: 'always' } },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: ['app'] } } },
  });
  await container.start();
  await untilHealthy(container);
}

async function versionOn({ name, engine: { docker } }: LabHost, service: string): Promise<string> {
  const { Config, State } = await docker.getContainer(service).inspect();
  if (!State.Running) throw new Error(`${service} does not run on ${name}`);
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length) ?? '';
}

/**
 * Clients inside hosts, which resolve the name of the service for every request and try all its addresses. The result stops them, and
 * resolves with the numbers of failed and answered requests on each host.
 */
export async function underLoad(
  hosts: readonly LabHost[],
): Promise<() => Promise<readonly { host: string; failed: number; requests: number }[]>> {
  const loads = await Promise.all(
    hosts.map(async ({ name: host, world }) => ({
      host,
      load: await startLoadInside(world, {
        network: world.name(NETWORK),
        url: URL_INSIDE,
        ratePerSecond: 10,
        keepAlive: false,
      }),
    })),
  );
  return () =>
    Promise.all(
      loads.map(async ({ host, load }) => {
        const { failed, requests, failures } = await load.stop();
        // No redirect reaches a remote host: a connection that the old app has not accepted when it closes its listener is reset.
        if (failed > 1 || failures.some(({ error }) => !/ECONNRESET/.test(error)))
          throw new Error(`${failed} requests failed on ${host}: ${JSON.stringify(failures.slice(0, 3))}`);
        return { host, failed, requests };
      }),
    );
}

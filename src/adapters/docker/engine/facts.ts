import { lookup } from 'node:dns/promises';
import type Dockerode from 'dockerode';
import type { EngineRoute } from '../../../core/service/engine-route.ts';
import type { EngineFacts, RegistryRules } from '../../../ports/ports.ts';
import { shaped } from '../calls/shape.ts';
import { type Endpoint, showEndpoint } from '../connect/endpoint.ts';
import type { EngineVersion } from '../connect/negotiate.ts';

interface Info {
  readonly Name?: string;
  readonly ID?: string;
  readonly DockerRootDir?: string;
  readonly SystemTime?: string;
  readonly OSType?: string;
  readonly Architecture?: string;
  readonly OperatingSystem?: string;
  readonly SecurityOptions?: readonly string[];
  readonly DriverStatus?: readonly (readonly string[])[];
  readonly RegistryConfig?: RegistryConfig | null;
  readonly Swarm?: { readonly LocalNodeState?: string; readonly ControlAvailable?: boolean } | null;
}

interface RegistryConfig {
  readonly Mirrors?: readonly string[] | null;
  readonly InsecureRegistryCIDRs?: readonly string[] | null;
  readonly IndexConfigs?: Readonly<Record<string, { readonly Secure?: boolean } | null>> | null;
}

/** The facts and capabilities of the engine, from `GET /info` and the negotiation. */
export async function engineFacts(docker: Dockerode, version: EngineVersion, endpoint: Endpoint): Promise<EngineFacts> {
  const asked = Date.now();
  const info = shaped((await docker.info()) as Info, 'Info');
  const halfway = (asked + Date.now()) / 2;
  const clock = Date.parse(info.SystemTime ?? '');
  return {
    name: info.Name ?? '',
    id: identityOf(info, version.engine),
    endpoint: `${showEndpoint(endpoint)} (${endpoint.origin})`,
    route: await routeOf(endpoint),
    local:
      endpoint.kind === 'unix' && process.platform === 'linux' && !/Docker Desktop/i.test(info.OperatingSystem ?? ''),
    product: version.engine,
    version: version.serverVersion,
    apiVersion: version.apiVersion,
    apiRange: `${version.minApi} to ${version.maxApi}`,
    os: info.OSType || version.os,
    architecture: info.Architecture || version.arch,
    imageStore: usesContainerd(info) ? 'containerd' : 'classic',
    rootless: (info.SecurityOptions ?? []).some((option) => option.includes('rootless')),
    swarm: swarmRole(info.Swarm),
    clockOffsetMs: Number.isNaN(clock) ? 0 : clock - halfway,
    registries: registryRules(info.RegistryConfig ?? {}),
  };
}

async function routeOf(endpoint: Endpoint): Promise<EngineRoute> {
  if (endpoint.kind === 'unix') return { kind: 'unix', path: endpoint.path };
  const { kind, host, port = SSH_PORT } = endpoint;
  // A name that only ssh knows (a Host of its configuration) has no address here.
  const found = await lookup(host, { all: true }).catch(() => []);
  return { kind, host, port, addresses: found.map(({ address }) => address) };
}

const SSH_PORT = 22;

/**
 * Distinguishes an engine from every other one on its host. Engines of Docker 20.10 share an ID if they share /etc/docker, but
 * never a data folder; Podman gives a new ID in each answer.
 */
export function identityOf(
  { ID = '', DockerRootDir = '' }: Pick<Info, 'ID' | 'DockerRootDir'>,
  product: EngineFacts['product'],
): string {
  return product === 'podman' ? DockerRootDir : `${ID} ${DockerRootDir}`;
}

const FACTS_LAST_MS = 60_000;

/** The same answer for a minute, so that a roll asks only once; a failure is not cached. */
export function remembered(
  ask: () => Promise<EngineFacts>,
  now: () => number = () => Date.now(),
): () => Promise<EngineFacts> {
  let known: { readonly at: number; readonly facts: Promise<EngineFacts> } | undefined;
  return () => {
    if (known && now() - known.at < FACTS_LAST_MS) return known.facts;
    const asked = { at: now(), facts: ask() };
    known = asked;
    asked.facts.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.facts;
  };
}

// From any source: daemon.json, a flag, or the default (this machine's own are always insecure).
function registryRules({ Mirrors, InsecureRegistryCIDRs, IndexConfigs }: RegistryConfig): RegistryRules {
  const insecure = Object.entries(IndexConfigs ?? {}).flatMap(([host, index]) =>
    index?.Secure === false ? [host] : [],
  );
  return { mirrors: Mirrors ?? [], insecure: [...insecure, ...(InsecureRegistryCIDRs ?? [])] };
}

function swarmRole(swarm: Info['Swarm']): EngineFacts['swarm'] {
  if (swarm?.LocalNodeState !== 'active') return 'none';
  return swarm.ControlAvailable === true ? 'manager' : 'worker';
}

function usesContainerd(info: Info): boolean {
  return (info.DriverStatus ?? []).some(
    ([key, value]) => key === 'driver-type' && value?.startsWith('io.containerd.snapshotter'),
  );
}

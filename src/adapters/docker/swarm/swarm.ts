import type Dockerode from 'dockerode';
import { EngineError } from '../../../core/model/engine-error.ts';
import { parseReference } from '../../../core/model/reference.ts';
import type { LoginFor } from '../../../ports/ports.ts';
import type { Swarm } from '../../../ports/swarm.ts';
import { engineError, ignoring, orUndefined, statusOf } from '../calls/error.ts';
import { limited, TIMEOUTS, type Timeouts } from '../calls/timeouts.ts';
import { translating } from '../calls/translate.ts';
import type { Connection } from '../connect/connect.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { logLines } from '../engine/logs.ts';
import { decodeConfig, decodeNode, decodeService, decodeTask } from './decode.ts';

/** The Swarm port over dockerode. */
export function dockerSwarm(
  { docker }: Pick<Connection, 'docker'>,
  endpoint: Endpoint,
  credentialsFor: LoginFor,
  timeouts: Timeouts = TIMEOUTS,
): Swarm {
  const swarm: Swarm = {
    ...reads(limited(docker, timeouts.read, timeouts.idle)),
    ...changes(limited(docker, timeouts.change, timeouts.idle), endpoint, credentialsFor),
  };
  return translating(swarm, endpoint, { reads: READS });
}

const READS = new Set<keyof Swarm>(['services', 'service', 'tasks', 'nodes', 'logs', 'configs']);

type Reads = 'services' | 'service' | 'tasks' | 'nodes' | 'logs' | 'configs';

function reads(docker: Dockerode): Pick<Swarm, Reads> {
  return {
    services: async () => list(await docker.listServices()).map(decodeService),
    service: async (id) => {
      const found = await orUndefined(() => docker.getService(id).inspect());
      return found && decodeService(found);
    },
    tasks: async (service) => {
      const some = service === undefined ? {} : { filters: filter({ service }) };
      return list(await docker.listTasks(some as never)).map(decodeTask);
    },
    nodes: async () => list(await docker.listNodes()).map(decodeNode),
    logs: (task, lines) => taskLogs(docker, task, lines),
    configs: async (label) => list(await docker.listConfigs({ filters: filter({ label }) } as never)).map(decodeConfig),
  };
}

type Changes = 'setImage' | 'createConfig' | 'labelConfig' | 'removeConfig';

function changes(docker: Dockerode, endpoint: Endpoint, credentialsFor: LoginFor): Pick<Swarm, Changes> {
  return {
    setImage: async ({ id, version }, image, restart, login = 'own') => {
      const own = login === 'own';
      const authconfig = own ? await credentialsFor(parseReference(image).registry) : undefined;
      const service = docker.getService(id);
      const { Spec: spec } = (await service.inspect()) as { Spec: ServiceSpec };
      const call = inBody(withImage(spec, image, restart), { version, ...(own ? {} : FORMER_LOGIN) });
      await inSequence(endpoint, () => (service as unknown as Updated).update(authconfig, call));
    },
    createConfig: async ({ name, labels, data }) => {
      const spec = { Name: name, Labels: { ...labels }, Data: Buffer.from(data).toString('base64') };
      const { id, ID } = (await docker.createConfig(spec as never)) as { id?: string; ID?: string };
      return id ?? ID ?? '';
    },
    labelConfig: async ({ id, version }, labels) => {
      const config = docker.getConfig(id);
      const { Spec: spec } = (await config.inspect()) as { Spec: object };
      await inSequence(
        endpoint,
        () =>
          config.update(
            inBody({ ...spec, Labels: { ...labels } }, { version }) as never,
          ) as unknown as Promise<unknown>,
      );
    },
    removeConfig: (id) => ignoring([404], docker.getConfig(id).remove() as unknown as Promise<unknown>),
  };
}

// Without this, docker-modem would also write the whole spec into the URL, environment included.
function inBody(spec: object, query: object): object {
  return { _query: query, _body: spec };
}

const FORMER_LOGIN = { registryAuthFrom: 'previous-spec' };

interface Updated {
  update(authconfig: object | undefined, call: object): Promise<unknown>;
}

interface ServiceSpec {
  readonly TaskTemplate: { readonly ContainerSpec?: object; readonly ForceUpdate?: number };
}

// An update call replaces the whole spec, so every other field is sent as it was read; a spec newer than the version is refused.
function withImage(spec: ServiceSpec, image: string, restart: boolean): ServiceSpec {
  const { TaskTemplate: template } = spec;
  const forced = (template.ForceUpdate ?? 0) + (restart ? 1 : 0);
  const ContainerSpec = { ...template.ContainerSpec, Image: image };
  return { ...spec, TaskTemplate: { ...template, ContainerSpec, ForceUpdate: forced } };
}

// The store's error comes back with status 500 for services, and with 400 for configs.
async function inSequence(endpoint: Endpoint, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    const { message } = engineError(endpoint, error);
    if (!/update out of sequence/.test(message)) throw error;
    throw new EngineError(409, 'update out of sequence: another process changed it meanwhile', error);
  }
}

interface Logged {
  logs(options: object): Promise<unknown>;
}

// A task that never started has no log, and some log drivers can't be read.
async function taskLogs(docker: Dockerode, task: string, lines: number): Promise<string[]> {
  const options = { stdout: true, stderr: true, tail: lines, follow: false };
  try {
    const raw = await (docker.getTask(task) as unknown as Logged).logs(options);
    return logLines(raw, lines, Buffer.isBuffer(raw) && !isFramed(raw));
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return [];
  }
}

// The output of a task without a terminal comes in frames, each with a stream number and three zeros before its length.
function isFramed(raw: Buffer): boolean {
  return raw.length >= 8 && (raw[0] ?? 3) <= 2 && raw.readUIntBE(1, 3) === 0;
}

function filter(by: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(by).map(([key, value]) => [key, [value]])));
}

function list(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : [];
}

import type Dockerode from 'dockerode';
import type { ListedContainer, Pod } from '../../../core/model/container.ts';
import type { Bridge } from '../../../ports/ports.ts';
import { statusOf } from '../calls/error.ts';
import { limited, type Timeouts } from '../calls/timeouts.ts';
import { withVersion } from '../connect/connect.ts';

/** Data from Podman's own API, on the same connection. Empty if a proxy allows only Docker's calls. */
export interface Libpod {
  bridges(): Promise<Bridge[]>;
  /** An image of Podman's Docker API, with its health check. */
  withHealth(image: object): Promise<object>;
  /** Containers of its Docker API, with their pods. */
  withPods(all: readonly ListedContainer[]): Promise<ListedContainer[]>;
}

// The oldest version that Podman 4 and 5 support.
const VERSION = '4.0.0/libpod';

export function libpod(docker: Dockerode, timeouts: Timeouts): Libpod {
  const { modem } = limited(withVersion(docker, VERSION), timeouts.read, timeouts.idle);
  return {
    bridges: async () => {
      const networks = await ask(modem, '/networks/json');
      return list(networks).flatMap(bridge);
    },
    withHealth: async (image) => {
      const { Id, Config } = image as { Id?: string; Config?: object };
      const { Healthcheck } = record(await ask(modem, `/images/${Id}/json`));
      return Healthcheck ? { ...image, Config: { ...Config, Healthcheck } } : image;
    },
    withPods: podsOf(async () => list(await ask(modem, '/containers/json?', { all: true }))),
  };
}

// A container never changes its pod, so only new containers need a request.
function podsOf(listAll: () => Promise<unknown[]>): Libpod['withPods'] {
  let known = new Map<string, Pod | undefined>();
  return async (all) => {
    const told = all.every(({ id }) => known.has(id)) ? known : new Map((await listAll()).flatMap(podOf));
    known = new Map(all.map(({ id }) => [id, told.get(id)]));
    return all.map((one) => ({ ...one, pod: known.get(one.id) }));
  };
}

function podOf(container: unknown): [string, Pod][] {
  const { Id, Pod: pod, PodName, IsInfra } = record(container);
  if (typeof Id !== 'string' || typeof pod !== 'string' || pod === '') return [];
  return [
    [Id, { name: typeof PodName === 'string' && PodName !== '' ? PodName : pod.slice(0, 12), infra: IsInfra === true }],
  ];
}

function bridge(network: unknown): Bridge[] {
  const { driver, network_interface: device, subnets } = record(network);
  if (driver !== 'bridge' || typeof device !== 'string' || device === '') return [];
  return [{ device, subnets: list(subnets).map((one) => String(record(one).subnet)) }];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

// docker-modem appends the query to a path that ends with a question mark.
async function ask(modem: Dockerode['modem'], path: string, options?: object): Promise<unknown> {
  const call = { path, options, method: 'GET', statusCodes: { 200: true, 403: 'not allowed', 404: 'not there' } };
  try {
    return await new Promise((resolve, reject) =>
      modem.dial(call as never, (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer))),
    );
  } catch (error) {
    if ([403, 404].includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

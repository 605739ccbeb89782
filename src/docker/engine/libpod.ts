import type Dockerode from 'dockerode';
import type { Bridge } from '../../ports.ts';
import { withVersion } from '../connect/connect.ts';
import { statusOf } from './error.ts';
import { limited, type Patience } from './patience.ts';

/** What only Podman's own API tells, on the same connection. Nothing where a proxy allows Docker's calls alone. */
export interface Libpod {
  bridges(): Promise<Bridge[]>;
  /** An image, as Podman's Docker API has shown it, with its health check. */
  withHealth(image: object): Promise<object>;
}

// The oldest that Podman 4 and 5 speak.
const VERSION = '4.0.0/libpod';

export function libpod(docker: Dockerode, patience: Patience): Libpod {
  const { modem } = limited(withVersion(docker, VERSION), patience.read, patience.idle);
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
  };
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

async function ask(modem: Dockerode['modem'], path: string): Promise<unknown> {
  const call = { path, method: 'GET', statusCodes: { 200: true, 403: 'not allowed', 404: 'not there' } };
  try {
    return await new Promise((resolve, reject) =>
      modem.dial(call as never, (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer))),
    );
  } catch (error) {
    if ([403, 404].includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

import { setTimeout } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { Endpoint } from '../../../core/model/container.ts';
import type { Joined } from '../../../core/traffic/routes.ts';
import { ignoring, orUndefined } from '../calls/error.ts';
import { jsonLines } from '../calls/ndjson.ts';

/**
 * Starts a container, and passes on its addresses as soon as it has all of them: Docker joins the networks before it starts the
 * process, and reports each by an event. An inspect would wait for the end of the start; the networks themselves can be asked
 * meanwhile.
 */
export async function startJoined(docker: Dockerode, id: string, joined: Joined): Promise<void> {
  const found = await orUndefined(() => docker.getContainer(id).inspect());
  const names = Object.keys(found?.NetworkSettings.Networks ?? {});
  const started = new AbortController();
  const told = listen(docker, started.signal);
  await Promise.race([told.catch(() => {}), setTimeout(LISTENS_WITHIN_MS, undefined, { ref: false })]);
  const handedOver = handOver(docker, found?.Id ?? id, names, told, joined);
  try {
    await start(docker, id);
  } finally {
    started.abort();
    await handedOver;
  }
}

/** Starts a container; leaves a running one as it is. */
export function start(docker: Dockerode, id: string): Promise<unknown> {
  return ignoring([304], docker.getContainer(id).start());
}

// A proxy in between may delay the beginning of the answer.
const LISTENS_WITHIN_MS = 1000;

type Line = Record<string, unknown>;

async function listen(docker: Dockerode, signal: AbortSignal): Promise<AsyncIterable<Line>> {
  const filters = JSON.stringify({ type: ['network'], event: ['connect'] });
  const stream: unknown = await docker.getEvents({ filters, abortSignal: signal } as object);
  return jsonLines(stream as AsyncIterable<Buffer>);
}

async function handOver(
  docker: Dockerode,
  id: string,
  names: readonly string[],
  told: Promise<AsyncIterable<Line>>,
  joined: Joined,
): Promise<void> {
  const endpoints: Record<string, Endpoint> = {};
  try {
    for await (const { Actor } of await told) {
      const { ID, Attributes = {} } = (Actor ?? {}) as { ID?: string; Attributes?: Record<string, string> };
      if (ID === undefined || Attributes.container !== id) continue;
      endpoints[Attributes.name ?? ID] = await endpointOf(docker, ID, id);
      if (names.every((name) => endpoints[name] !== undefined)) return await joined(endpoints);
    }
  } catch {
    // The stream ends with the start, and not every engine and proxy allows it: then the caller inspects the container.
  }
}

async function endpointOf(docker: Dockerode, network: string, id: string): Promise<Endpoint> {
  const { Containers = {} } = (await docker.getNetwork(network).inspect()) as {
    Containers?: Record<string, { MacAddress?: string; IPv4Address?: string; IPv6Address?: string }>;
  };
  const { MacAddress = '', IPv4Address = '', IPv6Address = '' } = Containers[id] ?? {};
  return {
    NetworkID: network,
    MacAddress,
    IPAddress: withoutPrefix(IPv4Address),
    GlobalIPv6Address: withoutPrefix(IPv6Address),
  };
}

function withoutPrefix(address: string): string {
  return address.replace(/\/\d+$/, '');
}

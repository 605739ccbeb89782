import type { Probe } from '../../../core/health/health.ts';
import { addressIn, type Container, namespaceOwner } from '../../../core/model/container.ts';
import { isAway } from '../../../core/model/engine-error.ts';
import type { Ports } from '../../../ports/ports.ts';
import type { ProbeAddress, ProbeAnswer } from '../../../ports/probe.ts';

const LOOPBACK = '127.0.0.1';

interface Probed extends Omit<ProbeAnswer, 'reached'> {
  /** True: a probe over the network reached the container. */
  readonly reached?: boolean;
  /** True: the engine did not answer. */
  readonly away?: boolean;
}

/** Probes a container once. */
export async function probe(
  ports: Ports,
  container: Container,
  probe: Probe,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Probed> {
  switch (probe.kind) {
    case 'exec':
      return run(ports, container, probe.command, timeoutMs, signal);
    case 'cmd':
      return run(ports, container, ['/bin/sh', '-c', probe.command], timeoutMs, signal);
    case 'http':
    case 'tcp':
      return ask(ports, container, probe, timeoutMs);
  }
}

async function ask(
  ports: Ports,
  container: Container,
  probe: Extract<Probe, { kind: 'http' | 'tcp' }>,
  timeoutMs: number,
): Promise<Probed> {
  const address = await addressOf(ports, container);
  if ('why' in address) return { ok: false, reached: false, output: `${container.name} ${address.why}` };
  return ports.traffic.reachable(addressFor(probe, address.host), timeoutMs);
}

function addressFor(probe: Extract<Probe, { kind: 'http' | 'tcp' }>, host: string): ProbeAddress {
  if (probe.kind === 'tcp') return { host, port: probe.port };
  const { port, path, host: hostHeader } = probe;
  return { host, port, path, ...(hostHeader === undefined ? {} : { hostHeader }) };
}

async function run(
  ports: Ports,
  container: Container,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Probed> {
  try {
    const result = await ports.engine.exec(container.id, command, { timeoutMs, signal });
    return { ok: result.exitCode === 0, output: result.output.trim() };
  } catch (error) {
    // A container that stops between the observation and the probe refuses the exec: the next observation shows that.
    return { ok: false, output: error instanceof Error ? error.message : String(error), away: isAway(error) };
  }
}

/** The address for swapctl's own probe of a container, or why there is none. */
type HostOrWhy = { readonly host: string } | { readonly why: string };

interface Look {
  readonly engine: Pick<Ports['engine'], 'container' | 'facts'>;
  readonly traffic: Pick<Ports['traffic'], 'sharesNetwork'>;
  readonly host: Pick<Ports['host'], 'containerId'>;
}

/** The address of a container, or of the owner of its network. At any other address another process might answer. */
export async function addressOf(look: Look, container: Container): Promise<HostOrWhy> {
  const seen = new Set<string>();
  let owner = container;
  // The owner of a network may itself live in that of another container.
  for (;;) {
    const { NetworkMode } = owner.host;
    if (NetworkMode === 'host') return loopback(look, owner);
    const next = namespaceOwner(NetworkMode);
    if (next === undefined) return own(owner, container);
    const found = seen.has(next) ? undefined : await look.engine.container(next);
    if (!found) return { why: `lives in the network of a container that is gone (${next.slice(0, 12)})` };
    seen.add(next);
    owner = found;
  }
}

function own({ id, name, networks, status }: Container, asked: Container): HostOrWhy {
  const host = addressIn(networks);
  if (host !== undefined) return { host };
  if (id === asked.id) return { why: 'has no address in a network' };
  const state = status === 'running' ? 'has no address in a network' : `is ${status}`;
  return { why: `lives in the network of ${name}, which ${state}` };
}

async function loopback(look: Look, container: Container): Promise<HostOrWhy> {
  const shares = await look.traffic.sharesNetwork(container);
  if (shares ?? (await runsOnHost(look))) return { host: LOOPBACK };
  return { why: "uses the network of the engine's host, which is not the one that swapctl runs in" };
}

// If the processes are out of reach, only swapctl's own location is known.
async function runsOnHost({ engine, host }: Look): Promise<boolean> {
  if (!(await engine.facts()).local) return false;
  if (host.containerId === undefined) return true;
  return (await engine.container(host.containerId))?.host.NetworkMode === 'host';
}

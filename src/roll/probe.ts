import { addressIn, type Container, namespaceOwner } from '../core/container.ts';
import { isAway } from '../core/engine-error.ts';
import type { Probe } from '../core/health.ts';
import type { Ports, ProbeAddress, ProbeAnswer } from '../ports.ts';

const LOOPBACK = '127.0.0.1';

interface Probed extends Omit<ProbeAnswer, 'reached'> {
  /** Whether a probe over the network came through to the container. */
  readonly reached?: boolean;
  /** Whether it was the engine that did not answer. */
  readonly away?: boolean;
}

/** Asks a container once whether it is well. */
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
  const host = await addressOf(ports, container);
  if (host === undefined) return { ok: false, reached: false, output: `${container.name} has no address in a network` };
  return ports.traffic.reachable(addressFor(probe, host), timeoutMs);
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
    // A container that stops between the look and the probe refuses the exec: the next look will say so.
    return { ok: false, output: error instanceof Error ? error.message : String(error), away: isAway(error) };
  }
}

/** Where this machine reaches a container, its own or that of the container whose network it lives in; undefined: nowhere. */
export async function addressOf(ports: Pick<Ports, 'engine'>, container: Container): Promise<string | undefined> {
  const { NetworkMode } = container.host;
  if (NetworkMode === 'host') return LOOPBACK;
  const owner = namespaceOwner(NetworkMode);
  if (owner === undefined) return addressIn(container.networks);
  const found = await ports.engine.container(owner);
  return found?.host.NetworkMode === 'host' ? LOOPBACK : found && addressIn(found.networks);
}

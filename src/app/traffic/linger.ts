import type { ContainerSummary } from '../../core/model/container.ts';
import type { StaleClient } from '../../core/report/report.ts';
import type { Step } from '../../core/rollout/step.ts';
import type { RedirectedClient } from '../../core/traffic/routes.ts';
import type { Ports, RedirectStart } from '../../ports/ports.ts';
import type { SlotRun } from '../rollout/slot-run.ts';

// Proxies that learn of a container's end from the engine's events take up to this long to act on it (Traefik's providersThrottleDuration
// is 2 s).
const QUIET_MS = 2000;
const LOOK_EVERY_MS = 100;
// Each observation of the rules is a process.
const LOOK_AT_RULES_EVERY_MS = 500;

/**
 * Keeps the redirect of a stopped container's addresses while clients still open connections to them: until none has for a while, at most
 * for the linger time. Clients that continue to its end have resolved the name once, and are noted. Ends at once when the engine gives an
 * address to another container, and when the user interrupts.
 */
export async function linger(run: SlotRun, { from, name }: Extract<Step, { kind: 'end-forward' }>): Promise<void> {
  const { kernel, clock } = run.ports;
  const end = run.memory.redirected.get(from);
  const first = await kernel.redirected(from);
  if (!end || first.length === 0) return;
  const began = clock.now();
  const known = new Set(first.map(keyOf));
  const clients = new Map<string, Opened>();
  let newest = began;
  const isOver = (): boolean =>
    clock.now() - newest >= QUIET_MS || clock.now() - began >= run.policy.lingerMs || run.signal.aborted;
  for (let lookAt = began; !isOver(); await clock.sleep(LOOK_EVERY_MS, run.signal)) {
    if (await isGivenAway(run.ports, from, end)) return;
    if (clock.now() < lookAt) continue;
    const at = clock.now();
    const opened = (await kernel.redirected(from)).filter((one) => !known.has(keyOf(one)));
    for (const one of opened) {
      known.add(keyOf(one));
      clients.set(`${one.address} ${one.to}`, { ...one, at });
      newest = at;
    }
    // nft takes time for a table of many connections.
    lookAt = clock.now() + Math.max(LOOK_AT_RULES_EVERY_MS, clock.now() - at);
  }
  const isLate = ({ at }: Opened): boolean => at - began > QUIET_MS && clock.now() - at < QUIET_MS;
  await noteStale(run, name, end, [...clients.values()].filter(isLate));
}

/** The last connection of a client, and the time of its first sight. */
type Opened = RedirectedClient & { readonly at: number };

function keyOf({ address, port, to }: RedirectedClient): string {
  return `${address} ${port} ${to}`;
}

/** True: the engine has given an address of a container to another. */
export async function isGivenAway({ engine }: Ports, from: string, end: RedirectStart): Promise<boolean> {
  const addresses = addressesOf(end);
  const all = await engine.list();
  return all.some((one) => one.id !== from && one.addresses.some((address) => addresses.includes(address)));
}

function addressesOf({ networks }: RedirectStart): string[] {
  const endpoints = Object.values(networks);
  return endpoints.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address].filter(isText));
}

function isText(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

async function noteStale(
  run: SlotRun,
  name: string,
  end: RedirectStart,
  late: readonly RedirectedClient[],
): Promise<void> {
  if (late.length === 0) return;
  const all = await run.ports.engine.list();
  for (const stale of late.map((one) => staleClient(one, all, end))) {
    run.memory.staleClients.push(stale);
    const text = `${stale.client} still connects to ${stale.address}, which was the address of ${name}`;
    run.ports.report({ kind: 'note', text });
  }
}

function staleClient(
  { address, to }: RedirectedClient,
  all: readonly Pick<ContainerSummary, 'name' | 'addresses'>[],
  { networks }: RedirectStart,
): StaleClient {
  const client = all.find(({ addresses }) => addresses.includes(address))?.name ?? address;
  const found = Object.entries(networks).find(([, one]) => [one.IPAddress, one.GlobalIPv6Address].includes(to));
  return { client, ...(found ? { network: found[0] } : {}), address: to };
}

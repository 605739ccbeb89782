import { createHash } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { fail } from '../../../core/model/error.ts';
import { adviceOn, describeTrouble, type KernelLayer, type RuleTrouble } from '../../../core/traffic/kernel-layer.ts';
import { pairRoutes, type Route } from '../../../core/traffic/routes.ts';
import { dotted } from '../../../core/traffic/sockets.ts';
import type { Bridge, Kernel, PortRedirectRequest, Process } from '../../../ports/ports.ts';
import { type EngineHere, knownOwner } from '../owner.ts';
import {
  addressRedirects,
  endAddressRedirect,
  haltAddressRedirect,
  redirectAddress,
  redirectedFrom,
  subnetsAround,
  sweepAddressRedirects,
} from './address-redirect.ts';
import { GATE_TABLE, gateScript } from './gate.ts';
import { endHoldScript, holdScript, holdTable } from './hold.ts';
import { applyNft, tableOf, tablesOf } from './nft.ts';
import { endScript, portRedirectIn, portRedirectScript, removeScript } from './rules.ts';
import type { Script } from './script.ts';
import { type Taken, whatIsTaken, whyNotTakenIn } from './taken.ts';

const PREFIX = 'swapctl-';

/** Moves new connections of one engine's containers with nftables, in the network namespace of this process. */
export function nftKernel(facts: () => Promise<EngineHere>): Kernel {
  const { look, owner } = knownOwner(facts);
  const tableOfSlot = async (slot: string): Promise<string> => tableName(slot, await owner());
  return {
    layer: async (bridges, example) => layer((await look()).local, bridges, example),
    portRedirect: async (slot) => portRedirectIn(await tableOf('inet', await tableOfSlot(slot))),
    setPortRedirect: async (slot, request) => {
      const proxied = await isProxied(request.standIn.published.map((port) => port.hostPort));
      const { bridges, lifetimeMs, percent, leaving } = request;
      const ground = { table: await tableOfSlot(slot), bridges, proxied, lifetimeMs, percent, leaving };
      await applyNft(portRedirectScript(await routesFor(slot, request), ground));
    },
    endPortRedirect: async (slot, leaving = []) => applyNft(endScript(await tableOfSlot(slot), leaving)),
    clearPortRedirect: async (slot) => applyNft(removeScript(await tableOfSlot(slot))),
    shut: (container, { lifetimeMs, fresh }) => inNamespaceOf(container, gateScript(lifetimeMs, fresh)),
    open: async (container) => {
      // A container out of reach was never blocked from here.
      if (await isWithinReach(container)) await applyNft(removeScript(GATE_TABLE), container.pid);
    },
    redirectAddress: async (from, to, bridges, lifetimeMs, how = {}) => {
      if (!(await isWithinReach(to))) outOfReach(to);
      await redirectAddress(await owner(), { from, to, bridges, lifetimeMs, ...how });
    },
    addressRedirects: async (ids) => addressRedirects(await owner(), ids),
    redirected: async (from) => redirectedFrom(await owner(), from),
    endAddressRedirect: async (from, find) => endAddressRedirect(await owner(), from, find),
    haltAddressRedirect: async (from) => haltAddressRedirect(await owner(), from),
    hold: async (id, around, bridges, known, lifetimeMs) => {
      const subnets = subnetsAround(around, bridges);
      if (subnets.length > 0) await applyNft(holdScript(holdTable(await owner(), id), { subnets, known }, lifetimeMs));
    },
    endHold: async (id) => applyNft(endHoldScript(holdTable(await owner(), id))),
    sweepAddressRedirects: async (find) => sweepAddressRedirects(await owner(), find),
    clearOrphans: async (inUse) => {
      const own = await owner();
      const found = (await tablesOf('inet')).filter((table) => isOurs(table, own));
      const known = new Set((await inUse()).map((slot) => tableName(slot, own)));
      const orphans = found.filter((table) => !known.has(table));
      for (const table of orphans) await applyNft(removeScript(table));
      return orphans.length;
    },
  };
}

async function inNamespaceOf(container: Process, script: Script): Promise<void> {
  if (!(await isWithinReach(container))) outOfReach(container);
  await applyNft(script, container.pid);
}

function outOfReach({ id }: Process): never {
  fail('step-failed', `the process of ${id.slice(0, 12)} is out of reach (another pid namespace)`);
}

// A pid of the engine means another process here if the engine lives in another pid namespace.
async function isWithinReach({ id, pid }: Process): Promise<boolean> {
  const cgroup = pid > 0 ? await textOf(`/proc/${pid}/cgroup`) : undefined;
  return cgroup?.includes(id) ?? false;
}

// One table per slot. Its name is a hash, since a container's name may be longer than nft allows.
function tableName(slot: string, owner: string): string {
  return `${PREFIX}${createHash('sha256').update(slot).digest('hex').slice(0, 32)}-${owner}`;
}

function isOurs(table: string, owner: string): boolean {
  return new RegExp(`^${PREFIX}[0-9a-f]{32}-${owner}$`).test(table);
}

async function layer(local: boolean, bridges: readonly Bridge[], example: Process | undefined): Promise<KernelLayer> {
  if (!local)
    return { available: false, why: 'the engine does not run on this machine, so its ports are out of reach' };
  if (process.platform !== 'linux') return { available: false, why: 'ports can be handed over on Linux only' };
  if (!(await hasNetAdmin())) return { available: false, why: 'CAP_NET_ADMIN is missing: run swapctl as root' };
  const taken = await whatIsTaken();
  if (taken.kind === 'nothing') return without(taken.trouble);
  if (!isOwnNamespace((await textOf('/proc/self/net/route')) ?? '', bridges))
    return {
      available: false,
      why: "the engine lives in another network namespace: run swapctl in the host's (docker run --network host)",
    };
  return example && example.pid > 0 ? inside(example, taken) : layerOf(taken);
}

function layerOf({ refused }: Extract<Taken, { kind: 'some' }>): KernelLayer {
  return { available: true, ...(Object.keys(refused).length > 0 ? { refused } : {}) };
}

function without(trouble: RuleTrouble): KernelLayer {
  return { available: false, why: `${describeTrouble(trouble)}: ${adviceOn(trouble)}`, trouble };
}

// A swapctl in a container may see the host's network but neither its processes nor their namespaces.
async function inside(example: Process, taken: Extract<Taken, { kind: 'some' }>): Promise<KernelLayer> {
  if (!(await isWithinReach(example)))
    return {
      available: false,
      why: "the processes of containers are out of reach: run swapctl in the host's pid namespace (docker run --pid host)",
    };
  if (taken.refused.gate) return layerOf(taken);
  const trouble = await whyNotTakenIn(example.pid);
  if (trouble?.kind === 'refused') return layerOf({ ...taken, refused: { ...taken.refused, gate: trouble } });
  return trouble ? without(trouble) : layerOf(taken);
}

// Rules count only in the namespace that holds the engine's bridges: the kernel here must have a route over one of them.
// (The subnet is compared too, since every engine has a docker0; interfaces without a container are down, routes stay.)
function isOwnNamespace(routes: string, bridges: readonly Bridge[]): boolean {
  const own = new Set(
    routes.split('\n').flatMap((line) => {
      const [device, destination] = line.trim().split(/\s+/);
      return destination ? [`${device} ${dotted(destination)}`] : [];
    }),
  );
  const networks = bridges.flatMap(({ device, subnets }) =>
    subnets.map((subnet) => `${device} ${subnet.split('/')[0]}`),
  );
  return networks.some((network) => own.has(network));
}

const CAP_NET_ADMIN = 12;

// capabilities(7): CapEff in /proc/PID/status is a bit mask in hex.
async function hasNetAdmin(): Promise<boolean> {
  const status = (await textOf('/proc/self/status')) ?? '';
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(CAP_NET_ADMIN)) & 1n) === 1n;
}

async function routesFor(slot: string, { ports, standIn }: PortRedirectRequest): Promise<Route[]> {
  const ip = await gatewayAddress(standIn);
  const routes = ip === undefined ? undefined : pairRoutes(ports, standIn.published, ip);
  return (
    routes ??
    fail(
      'step-failed',
      `the stand-in ${standIn.name} does not publish what ${slot} does, so its ports can't be handed over`,
    )
  );
}

// With several networks the engine sends published ports to the address on the network of the default route.
async function gatewayAddress(container: PortRedirectRequest['standIn']): Promise<string | undefined> {
  const routes = (await textOf(`/proc/${container.pid}/net/route`)) ?? '';
  const gateways = routes.split('\n').flatMap((line) => {
    const [, destination, gateway] = line.trim().split(/\s+/);
    return destination === '00000000' && gateway ? [dotted(gateway)] : [];
  });
  const endpoint = Object.values(container.networks).find(
    ({ Gateway }) => typeof Gateway === 'string' && gateways.includes(Gateway),
  );
  return endpoint?.IPAddress || undefined;
}

// The engine's userland proxy is a process for each port. A listening socket proves nothing: without the proxy the engine itself holds
// the port with one that never answers.
async function isProxied(ports: readonly number[]): Promise<boolean> {
  const wanted = new Set(ports.map(String));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map(async (pid) => ({ pid, command: await textOf(`/proc/${pid}/cmdline`) })));
  const proxies = commands.filter(({ command }) => {
    const args = command?.split('\0') ?? [];
    return args.includes('-container-port') && wanted.has(args[args.indexOf('-host-port') + 1] ?? '');
  });
  // Another engine's proxy, in another network namespace, may have a port of the same number.
  const own = await networkOf('self');
  const networks = await Promise.all(proxies.map(({ pid }) => networkOf(pid)));
  return networks.some((network) => network !== undefined && network === own);
}

function networkOf(pid: string): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/net`).catch(() => undefined);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

import type { ObservedRoute, ObservedServer, Server, ServerState, Wanted } from '../../../core/proxy/route.ts';
import type { ConfiguredServer } from './config.ts';
import type { RuntimeServer } from './runtime.ts';

/** A server of a backend with what swapctl knows of it. */
export interface Member extends RuntimeServer {
  /** `owner`: of the configuration; `slot`: a spare one of the configuration for swapctl; `added`: by swapctl in a roll. */
  readonly kind: 'owner' | 'slot' | 'added';
  /** The roll that it was added for. */
  readonly roll?: string;
  /** An added server that is always full, so that requests wait in the queue: the longest hold. */
  readonly holdMs?: number;
  /** A slot that nothing uses, or an added server that is to be deleted. */
  readonly spare: boolean;
  readonly configured: ConfiguredServer | undefined;
}

/** How the servers that swapctl adds are named. */
export function addedName(roll: string, number: number): string {
  return `swapctl-${roll}-${number}`;
}

/** The name of a server that holds requests. */
export function holdName(roll: string, longestMs: number): string {
  return `swapctl-${roll}-hold-${longestMs}`;
}

const HOLD = /^swapctl-(.+)-hold-(\d+)$/;
const ADDED = /^swapctl-(.+)-\d+$/;
const SLOT = /^swapctl\d+$/;

/** An added server with this weight is done with: no ready server has it, and it says so also to the next process. */
export const DONE_WEIGHT = 0;

export function membersOf(servers: readonly RuntimeServer[], configured: readonly ConfiguredServer[]): Member[] {
  return servers.map((server) => {
    const own = configured.find(({ name }) => name === server.name);
    const [, holding, longest] = (!own && HOLD.exec(server.name)) || [];
    const roll = own ? undefined : (holding ?? ADDED.exec(server.name)?.[1]);
    if (roll !== undefined)
      return {
        ...server,
        kind: 'added',
        roll,
        spare: server.weight === DONE_WEIGHT,
        configured: undefined,
        ...(longest !== undefined && { holdMs: Number(longest) }),
      };
    if (!SLOT.test(server.name)) return { ...server, kind: 'owner', spare: false, configured: own };
    return { ...server, kind: 'slot', spare: isUnused(server, own), configured: own };
  });
}

function isUnused({ address, admin }: RuntimeServer, own: ConfiguredServer | undefined): boolean {
  return admin === 'maint' && address.endsWith(`:${own?.port ?? 0}`);
}

/** The route that these servers make. `slotRoll`: the roll that uses the slots, as far as it is known. */
export function observedRoute(members: readonly Member[], slotRoll: string): ObservedRoute {
  const overlay = members.filter(({ kind, spare }) => kind !== 'owner' && !spare);
  const active = members.filter(({ spare, holdMs }) => !spare && holdMs === undefined);
  const servers = byAddress(active.map(observedServer));
  const roll = overlay.find((one) => one.roll !== undefined)?.roll ?? slotRoll;
  const plain = servers.map(({ address, state, weight }) => ({ address, state, weight }));
  const wanted: Wanted = overlay.length === 0 ? { kind: 'baseline' } : wantedOf(overlay, roll, plain);
  const leftovers = members.flatMap(({ kind, spare, name }) => (kind === 'added' && spare ? [name] : []));
  return { wanted, servers, ...(leftovers.length > 0 && { leftovers }) };
}

function wantedOf(overlay: readonly Member[], roll: string, servers: readonly Server[]): Wanted {
  const longestMs = overlay.find(({ holdMs, admin }) => holdMs !== undefined && admin === 'ready')?.holdMs;
  return longestMs === undefined ? { kind: 'servers', roll, servers } : { kind: 'held', roll, servers, longestMs };
}

const LIVELINESS: readonly ServerState[] = ['off', 'draining', 'ready'];

/** Several servers of HAProxy may have one address: a spare one of a roll beside the owner's. */
function byAddress(all: readonly ObservedServer[]): ObservedServer[] {
  const found = new Map<string, ObservedServer>();
  for (const one of all) found.set(one.address, joined(found.get(one.address), one));
  return [...found.values()];
}

function joined(one: ObservedServer | undefined, other: ObservedServer): ObservedServer {
  if (!one) return other;
  const liveliest = LIVELINESS.indexOf(one.state) >= LIVELINESS.indexOf(other.state) ? one : other;
  const idle = one.idle === undefined && other.idle === undefined ? {} : { idle: (one.idle ?? 0) + (other.idle ?? 0) };
  return { ...liveliest, inFlight: (one.inFlight ?? 0) + (other.inFlight ?? 0), ...idle };
}

function observedServer({ address, admin, running, weight, inFlight, idle }: Member): ObservedServer {
  const state: ServerState = admin === 'drain' ? 'draining' : admin === 'ready' && running ? 'ready' : 'off';
  return { address, state, weight, inFlight, ...(idle === undefined ? {} : { idle }) };
}

/** Servers that a person has set to maintenance or drain by hand, unlike the configuration: a roll makes them ready. */
export function setByHand(members: readonly Member[]): string[] {
  if (members.some(({ kind, spare }) => kind !== 'owner' && !spare)) return [];
  const owners = members.filter(
    ({ kind, configured }) => kind === 'owner' && configured && !isDisabled(configured.options),
  );
  return owners.flatMap(({ name, admin }) => (admin === 'ready' ? [] : [name]));
}

/** True if the configuration disables a server with these options. */
export function isDisabled(options: readonly string[]): boolean {
  return options.lastIndexOf('disabled') > options.lastIndexOf('enabled');
}

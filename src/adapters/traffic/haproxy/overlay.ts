import type { Server, Wanted } from '../../../core/proxy/route.ts';
import type { Backend } from './backend.ts';
import type { ConfiguredServer } from './config.ts';
import { isCommandWord, optionsOfAdded } from './options.ts';
import { CommandRefused } from './runtime.ts';
import { addedName, holdName, type Member } from './state.ts';

// Nothing listens at the first port of a machine or container.
const NOBODY = '127.0.0.1:1';
const ADMIN = { ready: 'ready', draining: 'drain', off: 'maint' } as const;

/** Makes the servers of a backend those of a roll: first who serves, then who drains, then who gets no requests. */
export async function applyOverlay(
  backend: Backend,
  wanted: Overlay,
  configured: readonly ConfiguredServer[],
): Promise<void> {
  const { roll, servers } = wanted;
  const members = (await backend.members()) ?? [];
  const places = new Places(backend, members, roll, configured);
  const placed: [Server, Place][] = [];
  for (const server of servers) placed.push([server, await places.of(server)]);
  if (wanted.kind === 'held') await places.hold(wanted.longestMs);
  else if (servers[0]) await places.mark(servers[0]);
  for (const [{ weight }, place] of placed) await backend.setWeight(place, weight);
  const ready = placed.filter(([{ state }]) => state === 'ready');
  for (const [, place] of ready) await backend.setAdmin(place, 'ready');
  await backend.untilRunning(ready.map(([, { name }]) => name));
  for (const one of placed.filter((any) => !ready.includes(any))) await backend.setAdmin(one[1], ADMIN[one[0].state]);
  for (const member of members.filter(({ name, spare }) => !places.taken.has(name) && !spare))
    await (member.kind === 'owner' ? backend.setAdmin(member, 'maint') : backend.release(member));
}

type Overlay = Exclude<Wanted, { kind: 'baseline' }>;
type Place = Pick<Member, 'name' | 'admin' | 'weight'>;

/** Which server of the backend stands for which wanted one. */
class Places {
  /** Names of the servers that the roll uses. */
  readonly taken = new Set<string>();
  readonly #backend: Backend;
  readonly #members: readonly Member[];
  readonly #usable: readonly Member[];
  readonly #roll: string;
  readonly #configured: readonly ConfiguredServer[];

  constructor(backend: Backend, members: readonly Member[], roll: string, configured: readonly ConfiguredServer[]) {
    [this.#backend, this.#members, this.#roll, this.#configured] = [backend, members, roll, configured];
    const servers = members.filter((one) => !one.spare && one.holdMs === undefined);
    this.#usable = servers.filter((one) => one.kind !== 'added' || one.roll === roll);
  }

  /** One that has the address already, else a spare one, else a new one. */
  async of(server: Server): Promise<Place> {
    const found = this.#usable.find(({ name, address }) => address === server.address && !this.taken.has(name));
    const place = found ?? (await this.#another(server));
    this.taken.add(place.name);
    return place;
  }

  /** Another process knows the roll by the name of a server only, so there is one even where the owner's suffice. */
  async mark(server: Server): Promise<void> {
    const owned = this.#members.filter(({ kind }) => kind === 'owner').map(({ name }) => name);
    if (![...this.taken].every((name) => owned.includes(name))) return;
    const known = this.#usable.find(
      ({ kind, admin, address }) => kind !== 'owner' && admin === 'maint' && address === server.address,
    );
    this.taken.add((known ?? (await this.#another(server))).name);
  }

  /**
   * A server that has room for one request and refuses its connection, so HAProxy goes on to try that one, and all others wait in the
   * queue of the backend. HAProxy answers 503 at once if no server is ready.
   */
  async hold(longestMs: number): Promise<void> {
    const name = holdName(this.#roll, longestMs);
    const known = this.#members.find((one) => one.name === name);
    if (!known) await this.#backend.add(name, NOBODY, 1, ['maxconn', '1']);
    const place = known ?? { name, admin: 'maint', weight: 1 };
    await this.#backend.setWeight(place, 1);
    await this.#backend.setAdmin(place, 'ready');
    this.taken.add(name);
  }

  async #another({ address, weight }: Server): Promise<Place> {
    const slots = this.#members.filter(({ kind }) => kind === 'slot');
    if (slots.length === 0) return this.#added(address, weight);
    const slot = slots.find(({ spare, name }) => spare && !this.taken.has(name));
    if (!slot) throw new CommandRefused(`all ${slots.length} spare servers (swapctl1 and so on) are in use`);
    await this.#backend.setAddress(slot, address);
    return slot;
  }

  async #added(address: string, weight: number): Promise<Place> {
    const name = freeName(this.#roll, [...this.#members.map((one) => one.name), ...this.taken]);
    await this.#backend.add(name, address, weight, optionsLike(this.#configured));
    return { name, admin: 'maint', weight };
  }
}

function freeName(roll: string, names: readonly string[]): string {
  for (let number = 1; ; number++) {
    const name = addedName(roll, number);
    if (!names.includes(name)) return name;
  }
}

// A request to the candidate must be made as to the incumbent: TLS, the PROXY protocol, HTTP/2.
function optionsLike(configured: readonly ConfiguredServer[]): string[] {
  const options = optionsOfAdded(configured[0]?.options ?? []);
  const strange = options.find((word) => !isCommandWord(word));
  if (strange === undefined) return options;
  throw new CommandRefused(`the option ${strange} of its server can't be given to an added one; use spare servers`);
}

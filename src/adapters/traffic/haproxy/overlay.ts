import type { Server, Wanted } from '../../../core/proxy/route.ts';
import type { Backend } from './backend.ts';
import type { ConfiguredServer } from './config.ts';
import { isCommandWord, optionsOfAdded } from './options.ts';
import { CommandRefused } from './runtime.ts';
import { addedName, type Member } from './state.ts';

const ADMIN = { ready: 'ready', draining: 'drain', off: 'maint' } as const;

/** Makes the servers of a backend those of a roll: first who serves, then who drains, then who gets no requests. */
export async function applyOverlay(
  backend: Backend,
  { roll, servers }: Extract<Wanted, { kind: 'servers' }>,
  configured: readonly ConfiguredServer[],
): Promise<void> {
  const members = (await backend.members()) ?? [];
  const usable = members.filter((one) => !one.spare && (one.kind !== 'added' || one.roll === roll));
  const taken = new Set<string>();
  const places: [Server, Pick<Member, 'name' | 'admin' | 'weight'>][] = [];
  for (const server of servers) {
    const found = usable.find(({ name, address }) => address === server.address && !taken.has(name));
    const place = found ?? (await placeFor(backend, server, roll, members, taken, configured));
    taken.add(place.name);
    places.push([server, place]);
  }
  const [first] = servers;
  const owned = members.filter(({ kind }) => kind === 'owner').map(({ name }) => name);
  // Another process knows the roll by the name of a server only, so there is one even where the owner's suffice.
  if (first && [...taken].every((name) => owned.includes(name))) {
    const marks = usable.filter(
      ({ kind, admin, address }) => kind !== 'owner' && admin === 'maint' && address === first.address,
    );
    taken.add((marks[0] ?? (await placeFor(backend, first, roll, members, taken, configured))).name);
  }
  for (const [server, place] of places) await backend.setWeight(place, server.weight);
  const ready = places.filter(([{ state }]) => state === 'ready');
  for (const [, place] of ready) await backend.setAdmin(place, 'ready');
  await backend.untilRunning(ready.map(([, { name }]) => name));
  for (const [{ state }, place] of places) await backend.setAdmin(place, ADMIN[state]);
  for (const member of members.filter(({ name, spare }) => !taken.has(name) && !spare))
    await (member.kind === 'owner' ? backend.setAdmin(member, 'maint') : backend.release(member));
}

/** A spare slot of the configuration if it has any, else an added server. */
async function placeFor(
  backend: Backend,
  { address, weight }: Server,
  roll: string,
  members: readonly Member[],
  taken: ReadonlySet<string>,
  configured: readonly ConfiguredServer[],
): Promise<Pick<Member, 'name' | 'admin' | 'weight'>> {
  const slots = members.filter(({ kind }) => kind === 'slot');
  if (slots.length > 0) {
    const slot = slots.find(({ spare, name }) => spare && !taken.has(name));
    if (!slot) throw new CommandRefused(`all ${slots.length} spare servers (swapctl1 and so on) are in use`);
    await backend.setAddress(slot, address);
    return slot;
  }
  const name = freeName(roll, [...members.map((one) => one.name), ...taken]);
  await backend.add(name, address, weight, optionsLike(configured));
  return { name, admin: 'maint', weight };
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

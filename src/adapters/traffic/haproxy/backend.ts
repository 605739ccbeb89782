import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfiguredServer } from './config.ts';
import { CommandRefused, type Runtime } from './runtime.ts';
import { DONE_WEIGHT, type Member, membersOf } from './state.ts';

const LOOK_EVERY_MS = 50;
/** How often it is looked whether a server runs: 10 s. */
const LOOKS_UNTIL_RUNNING = 200;
/** Idle connections of a pool are closed within 5 s (pool-purge-delay); for a busy server that is no reason to wait. */
const LOOKS_WHILE_IDLE = 160;
const LOOKS_WHILE_BUSY = 20;
/** A request that a holding server refused is tried again after a second, and until then HAProxy knows it by that server. */
const AFTER_HOLD_MS = 1500;

/** One backend, with the commands that change it, each of which can be taken back. */
export class Backend {
  readonly #runtime: Runtime;
  readonly #name: string;
  readonly #configured: readonly ConfiguredServer[];
  readonly #undo: (() => Promise<void>)[] = [];

  constructor(runtime: Runtime, name: string, configured: readonly ConfiguredServer[]) {
    [this.#runtime, this.#name, this.#configured] = [runtime, name, configured];
  }

  /** Undefined if HAProxy has no such backend. */
  async members(): Promise<Member[] | undefined> {
    const servers = await this.#runtime.servers(this.#name);
    return servers && membersOf(servers, this.#configured);
  }

  /** Adds a server, which gets no requests yet. */
  async add(name: string, address: string, weight: number, options: readonly string[]): Promise<void> {
    const command = ['add server', `${this.#name}/${name}`, address, 'weight', weight, ...options];
    await this.#runtime.send(command.join(' '), /New server registered/);
    this.#undo.push(() => this.#runtime.send(`del server ${this.#name}/${name}`, /deleted/));
  }

  async setAddress(member: Pick<Member, 'name' | 'address'>, address: string): Promise<void> {
    if (member.address === address) return;
    await this.#setAddress(member.name, address);
    this.#undo.push(() => this.#setAddress(member.name, member.address));
  }

  async #setAddress(name: string, address: string): Promise<void> {
    const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
    await this.#runtime.send(`set server ${this.#name}/${name} addr ${host} port ${port}`, /changed|no need to change/);
  }

  async setWeight({ name, weight }: Pick<Member, 'name' | 'weight'>, to: number): Promise<void> {
    if (weight === to) return;
    await this.#set(name, `weight ${to}`);
    this.#undo.push(() => this.#set(name, `weight ${weight}`));
  }

  async setAdmin({ name, admin }: Pick<Member, 'name' | 'admin'>, to: Member['admin']): Promise<void> {
    if (admin === to) return;
    await this.#set(name, `state ${to}`);
    this.#undo.push(() => this.#set(name, `state ${admin}`));
  }

  #set(name: string, what: string): Promise<void> {
    return this.#runtime.send(`set server ${this.#name}/${name} ${what}`);
  }

  /** Waits until HAProxy sends requests to these servers: one under a check of HAProxy's may be down. */
  async untilRunning(names: readonly string[]): Promise<void> {
    let down: readonly Member[] = [];
    for (let looks = 0; looks < LOOKS_UNTIL_RUNNING; looks++) {
      const members = (await this.members()) ?? [];
      down = members.filter(({ name, running }) => names.includes(name) && !running);
      if (down.length === 0) return;
      await sleep(LOOK_EVERY_MS);
    }
    throw new CommandRefused(`its check of ${down.map(({ name }) => name).join(', ')} does not succeed`);
  }

  /** Takes an overlay's server out of use for good; an added one is deleted by `tidy`. */
  async release(member: Member): Promise<void> {
    await this.setAdmin(member, 'maint');
    if (member.kind === 'added') await this.setWeight(member, DONE_WEIGHT);
    const { host, port } = member.configured ?? {};
    if (member.kind === 'slot' && host !== undefined)
      await this.setAddress(member, `${host.includes(':') ? `[${host}]` : host}:${port ?? 0}`);
  }

  /** Takes back what was done, the last first. */
  async undo(): Promise<void> {
    for (const back of this.#undo.splice(0).reverse()) await back();
  }

  /**
   * Deletes added servers that are done with. HAProxy refuses while one has a connection, also an idle one in a pool; a server that
   * stays for that reason is in maintenance, and the next change deletes it. `patient`: waits for idle connections to go, and deletes
   * servers that held requests.
   */
  async tidy(patient: boolean): Promise<void> {
    for (let looks = 1; ; looks++) {
      const all = ((await this.members()) ?? []).filter(({ kind, spare }) => kind === 'added' && spare);
      const held = all.some(({ holdMs }) => holdMs !== undefined);
      const done = patient ? all : all.filter(({ holdMs }) => holdMs === undefined);
      if (patient && held && looks === 1) await sleep(AFTER_HOLD_MS);
      const left = await this.#deleteAll(done);
      const isBusy = left.some(({ inFlight }) => inFlight > 0);
      if (left.length === 0 || !patient || looks >= (isBusy ? LOOKS_WHILE_BUSY : LOOKS_WHILE_IDLE)) return;
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #deleteAll(members: readonly Member[]): Promise<Member[]> {
    const left: Member[] = [];
    for (const member of members) {
      const { name, admin } = member;
      if (admin !== 'maint') await this.#set(name, 'state maint');
      const answer = await this.#runtime.ask(`del server ${this.#name}/${name}`);
      if (!/deleted|No such server/.test(answer)) left.push(member);
    }
    return left;
  }
}

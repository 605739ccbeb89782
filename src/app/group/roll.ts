import type { HeldRoll } from '../../core/group/held-roll.ts';
import { type HostState, type Move, nextMove } from '../../core/group/order.ts';
import { type GroupCall, type GroupReport, type HostReport, summarizeGroup } from '../../core/group/report.ts';
import { exitStatus, fail, SwapError } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { App, RollRequest } from '../app.ts';
import { reportedError } from '../report/reported.ts';
import { type Agreed, agree, agreeBack, recoverBefore } from './agree.ts';
import { bake } from './bake.ts';
import type { AwayHost, Hosts } from './hosts.ts';
import { type HeldHost, takeBack, takeTurn } from './turn.ts';
import type { GroupWorld, OpenHost } from './world.ts';

/** The roll or rollback of a group. */
export interface GroupRoll {
  readonly call: GroupCall;
  readonly request: RollRequest;
}

/** Rolls one service on all hosts of a group, or rolls it back. Never raises: an error is in the report. */
export async function rollGroup(world: GroupWorld, hosts: Hosts, { call, request }: GroupRoll): Promise<GroupReport> {
  const began = world.clock.monotonic();
  const end = (agreed: Image, reports: readonly HostReport[]): GroupReport =>
    summarizeGroup(call, agreed, inOrder(world, reports), Math.round(world.clock.monotonic() - began));
  const untouched = (error: unknown): GroupReport => {
    const report = end({}, [...hosts.open.map(({ host }) => waiting(host)), ...skipped(hosts.away)]);
    return { ...report, outcome: 'failed', error: reportedError(error) };
  };
  const back = call.command === 'rollback';
  try {
    await recoverBefore(hosts.open, call.service, request);
    const agreed = await (back ? agreeBack : agree)(hosts.open, call.service, request);
    const done = hosts.open.filter(({ host }) => agreed.unchanged.includes(host)).map(({ host }) => unchanged(host));
    if (done.length === hosts.open.length) return end(imageOf(agreed), [...done, ...skipped(hosts.away)]);
    const open = back ? hosts.open.filter(({ host }) => !agreed.unchanged.includes(host)) : hosts.open;
    const held = await holdAll(world, open, { call, request: agreed.request });
    try {
      const run = new GroupRun(world, held, agreed, request);
      const reports = await run.toEnd(back ? 0 : world.group.bakeMs);
      return end(imageOf(agreed), [...reports, ...(back ? done : []), ...skipped(hosts.away)]);
    } finally {
      await releaseAll(world, held);
    }
  } catch (raised) {
    return untouched(raised);
  }
}

const RELEASE_MS = 30_000;

type Image = { readonly image?: string; readonly digest?: string };

function imageOf({ image, digest }: Agreed): Image {
  return { image, digest };
}

function inOrder({ group }: GroupWorld, reports: readonly HostReport[]): HostReport[] {
  return group.hosts.flatMap((host) => reports.filter((report) => report.host === host));
}

function waiting(host: string): HostReport {
  return { host, outcome: 'untouched' };
}

function unchanged(host: string): HostReport {
  return { host, outcome: 'unchanged' };
}

function skipped(away: readonly AwayHost[]): HostReport[] {
  return away.map(({ host, error }) => ({ host, outcome: 'skipped', error }));
}

/** Locks the service on every host, in the order of the inventory. Raises the first refusal; then nothing is locked. */
async function holdAll(
  world: GroupWorld,
  hosts: readonly OpenHost[],
  { call, request }: GroupRoll,
): Promise<readonly HeldHost[]> {
  const { group } = world;
  const held: HeldHost[] = [];
  const wanted = { group: group.name, back: call.command === 'rollback' };
  try {
    for (const name of group.lockOrder) {
      const open = hosts.find(({ host }) => host === name);
      if (open) held.push({ ...open, held: await holdOn(open, call.service, request, wanted) });
    }
  } catch (raised) {
    await releaseAll(world, held);
    throw raised;
  }
  return group.hosts.flatMap((name) => held.filter(({ host }) => host === name));
}

// An unresponsive host must not keep the command from its end: without a heartbeat its lock is soon dead.
async function releaseAll({ clock, report }: GroupWorld, held: readonly HeldHost[]): Promise<void> {
  await Promise.all(
    held.map(async (one) => {
      const late = new AbortController();
      const released = one.held.release().then(() => late.abort());
      await Promise.race([released, clock.sleep(RELEASE_MS, late.signal)]);
      if (late.signal.aborted) return;
      report({ kind: 'note', text: `${one.host}: its lock could not be released; the next roll there takes it over` });
    }),
  );
}

async function holdOn({ host, app }: OpenHost, ...how: Parameters<App['held']['hold']>): Promise<HeldRoll> {
  try {
    return await app.held.hold(...how);
  } catch (raised) {
    const { code, message, hint } = reportedError(raised);
    throw new SwapError(code, `${host}: ${message}`, hint === undefined ? {} : { hint });
  }
}

/** One roll of a group, from its locks to its last host. */
class GroupRun {
  readonly #world: GroupWorld;
  readonly #hosts: readonly HeldHost[];
  readonly #image: Required<Image>;
  readonly #request: RollRequest;
  readonly #states: Map<string, HostState>;
  readonly #reports = new Map<string, HostReport>();
  readonly #finished: string[] = [];
  #baked = false;

  constructor(world: GroupWorld, hosts: readonly HeldHost[], { image, digest }: Agreed, request: RollRequest) {
    this.#world = world;
    this.#hosts = hosts;
    this.#image = { image, digest };
    this.#request = request;
    this.#states = new Map(hosts.map(({ host }) => [host, 'waiting']));
  }

  async toEnd(bakeMs: number): Promise<HostReport[]> {
    const order = { ...this.#world.group, bakeMs };
    for (;;) {
      const stopped = this.#request.signal.aborted;
      const move = nextMove(order, { states: this.#states, finished: this.#finished, baked: this.#baked, stopped });
      if (move.kind === 'end') return this.#hosts.map(({ host }) => this.#reports.get(host) ?? this.#left(host));
      await this.#do(move);
    }
  }

  #left(host: string): HostReport {
    if (!this.#request.signal.aborted) return waiting(host);
    return { ...waiting(host), error: { code: 'interrupted', message: 'the roll was interrupted before its turn' } };
  }

  async #do(move: Exclude<Move, { kind: 'end' }>): Promise<void> {
    switch (move.kind) {
      case 'roll':
        await Promise.all(move.hosts.map((host) => this.#roll(host)));
        return;
      case 'bake':
        return this.#bake(move.host);
      case 'back':
        return this.#back(move.host);
    }
  }

  async #roll(name: string): Promise<void> {
    const first = this.#finished.length === 0 && this.#reports.size === 0;
    const { state, report } = await takeTurn(
      this.#world,
      this.#host(name),
      this.#image,
      first ? this.#request.roll : undefined,
    );
    this.#states.set(name, state);
    this.#reports.set(name, report);
    if (state === 'rolled') this.#finished.push(name);
  }

  async #bake(name: string): Promise<void> {
    const error = await bake(this.#world, this.#host(name), this.#request.signal);
    this.#baked = true;
    if (!error) return;
    this.#reports.set(name, { ...this.#report(name), outcome: 'failed', error });
    // Without a roll in this run, it has no image to go back to.
    this.#states.set(name, this.#host(name).held.isUnchanged || isAway(error) ? 'attention' : 'sick');
  }

  async #back(name: string): Promise<void> {
    const isSick = this.#states.get(name) === 'sick';
    this.#world.report({ kind: 'note', text: `${name} goes back to the old image` });
    const { state, report } = await takeBack(this.#world, this.#host(name), this.#image, this.#report(name), isSick);
    this.#states.set(name, state === 'back' && isSick ? 'failed' : state);
    this.#reports.set(name, report);
  }

  #host(name: string): HeldHost {
    return this.#hosts.find(({ host }) => host === name) ?? fail('unexpected', `${name} is not in the group`);
  }

  #report(name: string): HostReport {
    return this.#reports.get(name) ?? waiting(name);
  }
}

function isAway({ code }: ReportedError): boolean {
  return exitStatus(code) === 5;
}

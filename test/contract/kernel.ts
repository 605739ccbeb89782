// The loop's requirements of the Kernel port: the same statements about the one in memory and about nftables.
import assert from 'node:assert/strict';
import type { Kernel } from '../../src/ports/ports.ts';
import {
  APP_KEY,
  assertRefused,
  assertServes,
  type Box,
  type Connection,
  connected,
  contract,
  fails,
  NETWORK,
  type Open,
  type Rules,
  type Stage,
} from './host.ts';

/** The behaviour of nftables that the kernel layer in memory lacks. */
export const NOT_MODELLED = [
  'UDP and IPv6',
  "the ways to a published port other than from another host: the host's own, loopback, and other containers",
  'the userland proxy of the engine',
  'lifetimes in whole seconds: nft is given the next higher number of seconds',
  'clients that keep the address of a container that has ended: ARP must still know it',
  'SYNs that nobody has answered, and their retransmissions',
  'the memory of led connections ends after an hour without a packet',
  'kinds of rules that an nft refuses, and every reason why the kernel layer is not available',
  'RuleError: no nft dies, hangs or refuses rules in memory unless a test says so',
  'a second engine on the same host',
  "what a crash leaves between two transactions of one call (a redirect's table in the target's namespace only)",
  'how long a call takes: each that changes something takes one millisecond',
] as const;

export function kernelContract(what: string, open: Open): void {
  contract('kernel', what, RULES, open);
}

const LONG_MS = 60_000;
const SHORT_MS = 1000;
const PORT = 80;
const STAND_IN_PORT = 49_153;
const SHORT_ID = 12;

type PortRedirect = Parameters<Kernel['setPortRedirect']>[1];
type RedirectHow = Parameters<Kernel['redirectAddress']>[4];

/** Over so many connections a share is off by less than 20 points: more than five standard deviations. */
const MANY = 200;
const POINTS = 20;

/** A slot whose incumbent publishes a port, and its stand-in. */
async function slotOf(stage: Stage) {
  const incumbent = await stage.start('old', PORT);
  const standIn = await stage.start('stand-in', STAND_IN_PORT);
  return { incumbent, standIn, request: (lifetimeMs?: number) => portRedirectRequest(stage, standIn, lifetimeMs) };
}

function portRedirectRequest({ bridges }: Stage, standIn: Box, lifetimeMs: number | undefined): PortRedirect {
  const ports = { [APP_KEY]: [{ HostIp: '0.0.0.0', HostPort: String(PORT) }] };
  return { ports, standIn, bridges: bridges.map(({ device }) => device), lifetimeMs, leaving: [] };
}

const LAYER: Rules[string] = {
  'is available on the host of the containers': async (stage) => {
    const web = await stage.start('web');
    assert.deepEqual(await stage.kernel.layer(stage.bridges, web), { available: true });
    assert.deepEqual(await stage.kernel.layer(stage.bridges, undefined), { available: true });
  },
};

const PORT_REDIRECTS: Rules[string] = {
  'a slot without a port redirect has none': async ({ kernel }) => {
    assert.equal(await kernel.portRedirect('web'), 'none');
    await kernel.clearPortRedirect('web');
    assert.equal(await kernel.portRedirect('web'), 'none');
  },
  'sends new connections to the stand-in and leaves open ones': async (stage) => {
    const { kernel } = stage;
    const { request } = await slotOf(stage);
    const before = await connected(stage.connectTo(PORT));
    assert.equal(before.server, 'old');
    await kernel.setPortRedirect('web', request(LONG_MS));
    assert.equal(await kernel.portRedirect('web'), 'expiring');
    const redirected = await connected(stage.connectTo(PORT));
    assert.equal(redirected.server, 'stand-in');
    assert.ok(await before.isOpen());
    await kernel.setPortRedirect('web', request());
    assert.equal(await kernel.portRedirect('web'), 'lasting');
    assert.ok(await redirected.isOpen());
  },
  'ends for new connections only': async (stage) => {
    const { kernel } = stage;
    const { request } = await slotOf(stage);
    await kernel.setPortRedirect('web', request());
    const redirected = await connected(stage.connectTo(PORT));
    await kernel.endPortRedirect('web');
    assert.equal(await kernel.portRedirect('web'), 'over');
    await assertServes('old', stage.connectTo(PORT));
    assert.equal(redirected.server, 'stand-in');
    assert.ok(await redirected.isOpen());
    await kernel.clearPortRedirect('web');
    assert.equal(await kernel.portRedirect('web'), 'none');
    await assertServes('old', stage.connectTo(PORT));
  },
  'ends by itself after its lifetime': async (stage) => {
    const { request } = await slotOf(stage);
    await stage.kernel.setPortRedirect('web', request(SHORT_MS));
    await stage.until('the redirect is over', async () => (await stage.kernel.portRedirect('web')) === 'over');
    await assertServes('old', stage.connectTo(PORT));
  },
  'is set again after its end': async (stage) => {
    const { request } = await slotOf(stage);
    await stage.kernel.setPortRedirect('web', request());
    await stage.kernel.endPortRedirect('web');
    await stage.kernel.setPortRedirect('web', request(LONG_MS));
    assert.equal(await stage.kernel.portRedirect('web'), 'expiring');
    await assertServes('stand-in', stage.connectTo(PORT));
  },
  'is over if it is ended before it was ever set': async ({ kernel }) => {
    await kernel.endPortRedirect('web');
    assert.equal(await kernel.portRedirect('web'), 'over');
  },
  'can not be set if the stand-in does not publish the port': async (stage) => {
    const standIn = await stage.start('stand-in');
    await fails('step-failed', stage.kernel.setPortRedirect('web', portRedirectRequest(stage, standIn, LONG_MS)));
    assert.equal(await stage.kernel.portRedirect('web'), 'none');
  },
  'can not be set if the stand-in has ended, and one that was set before stays': async (stage) => {
    const { standIn, request } = await slotOf(stage);
    await stage.kernel.setPortRedirect('web', request(LONG_MS));
    await stage.kill(standIn);
    await fails('step-failed', stage.kernel.setPortRedirect('web', request()));
    assert.equal(await stage.kernel.portRedirect('web'), 'expiring');
  },
  'leads to nobody while the gate of the stand-in blocks': async (stage) => {
    const { standIn, request } = await slotOf(stage);
    await stage.kernel.setPortRedirect('web', request());
    await stage.kernel.shut(standIn, { lifetimeMs: LONG_MS, fresh: true });
    await assertRefused(stage.connectTo(PORT));
  },
};

const ORPHANS: Rules[string] = {
  'are removed if their slots are not in use, whether they have ended or not': async (stage) => {
    const { kernel } = stage;
    const { request } = await slotOf(stage);
    for (const slot of ['used', 'leads', 'over']) await kernel.setPortRedirect(slot, request());
    await kernel.endPortRedirect('over');
    assert.equal(await kernel.clearOrphans(async () => ['used', 'other']), 2);
    const left = await Promise.all(['used', 'leads', 'over'].map((slot) => kernel.portRedirect(slot)));
    assert.deepEqual(left, ['lasting', 'none', 'none']);
    assert.equal(await kernel.clearOrphans(async () => ['used']), 0);
  },
  'stay if they are set while the slots in use are asked for': async (stage) => {
    const { kernel } = stage;
    const { request } = await slotOf(stage);
    await kernel.setPortRedirect('old', request());
    const inUse = async (): Promise<string[]> => {
      await kernel.setPortRedirect('new', request());
      return [];
    };
    assert.equal(await kernel.clearOrphans(inUse), 1);
    assert.equal(await kernel.portRedirect('new'), 'lasting');
  },
};

const GATE: Rules[string] = {
  'refuses new connections and leaves open ones': async (stage) => {
    const web = await stage.start('web', PORT);
    const before = await connected(stage.connect(web));
    await stage.kernel.shut(web, { lifetimeMs: LONG_MS, fresh: false });
    await assertRefused(stage.connect(web));
    await assertRefused(stage.connectTo(PORT));
    assert.ok(await before.isOpen());
    await stage.kernel.open(web);
    await assertServes('web', stage.connect(web));
    await assertServes('web', stage.connectTo(PORT));
  },
  'lets probes of swapctl through': async (stage) => {
    const web = await stage.start('web');
    await stage.kernel.shut(web, { lifetimeMs: LONG_MS, fresh: true });
    const host = web.networks[NETWORK]?.IPAddress ?? '';
    assert.equal((await stage.traffic.reachable({ host, port: 8080 }, LONG_MS)).ok, true);
  },
  'ends by itself after its lifetime': async (stage) => {
    const web = await stage.start('web');
    await stage.kernel.shut(web, { lifetimeMs: SHORT_MS, fresh: true });
    await assertRefused(stage.connect(web));
    await stage.until('the container is reached again', () => stage.connect(web));
  },
  'can be set twice and removed twice': async (stage) => {
    const web = await stage.start('web');
    for (const fresh of [true, false]) await stage.kernel.shut(web, { lifetimeMs: LONG_MS, fresh });
    await assertRefused(stage.connect(web));
    for (let times = 0; times < 2; times++) await stage.kernel.open(web);
    await assertServes('web', stage.connect(web));
  },
  'can not be set for a container that has ended, and its removal there does nothing': async (stage) => {
    const web = await stage.start('web');
    await stage.kernel.shut(web, { lifetimeMs: LONG_MS, fresh: true });
    await stage.kill(web);
    await fails('step-failed', stage.kernel.shut(web, { lifetimeMs: LONG_MS, fresh: false }));
    await stage.kernel.open(web);
  },
  'can not be set in the namespace of another container': async (stage) => {
    const [web, other] = [await stage.start('web'), await stage.start('other')];
    await fails('step-failed', stage.kernel.shut({ ...web, pid: other.pid }, { lifetimeMs: LONG_MS, fresh: true }));
    await assertServes('other', stage.connect(other));
  },
};

async function pairOf(stage: Stage) {
  const [from, to] = [await stage.start('old'), await stage.start('new')];
  const redirectAddress = (lifetimeMs = LONG_MS, how?: RedirectHow): Promise<void> =>
    stage.kernel.redirectAddress(from, to, stage.bridges, lifetimeMs, how);
  return { from, to, redirectAddress, redirect: (connections: number) => redirectOf(from, to, connections) };
}

function redirectOf(from: Box, to: Box, connections: number) {
  return { from: from.id.slice(0, SHORT_ID), to: to.id.slice(0, SHORT_ID), connections };
}

const ADDRESS_REDIRECTS: Rules[string] = {
  'sends new connections to the target and leaves open ones': async (stage) => {
    const { from, to, redirectAddress, redirect } = await pairOf(stage);
    const before = await connected(stage.connect(from));
    await redirectAddress();
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirect(0)]);
    await assertServes('new', stage.connect(from));
    await assertServes('new', stage.connect(to));
    assert.ok(await before.isOpen());
    assert.deepEqual(await stage.kernel.addressRedirects([to.id]), [redirect(1)]);
    assert.deepEqual(await stage.kernel.addressRedirects([]), []);
    assert.deepEqual(await stage.kernel.addressRedirects(['f'.repeat(64)]), []);
  },
  'tells who was led, from where and to which address': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    const address = from.networks[NETWORK]?.IPAddress;
    await redirectAddress();
    assert.deepEqual(await stage.kernel.redirected(from.id), []);
    await connected(stage.connect(from));
    await connected(stage.connect(from));
    const redirected = await stage.kernel.redirected(from.id);
    assert.deepEqual(
      redirected.map(({ to }) => to),
      [address, address],
    );
    assert.equal(new Set(redirected.map((one) => one.address)).size, 1, 'it is one client');
    assert.equal(new Set(redirected.map(({ port }) => port)).size, 2);
    assert.deepEqual(await stage.kernel.redirected('f'.repeat(64)), []);
    await stage.kernel.endAddressRedirect(from.id, stage.find);
    assert.deepEqual(await stage.kernel.redirected(from.id), []);
  },
  'does not lead connections to a published port': async (stage) => {
    const from = await stage.start('old', PORT);
    const to = await stage.start('new');
    await stage.kernel.redirectAddress(from, to, stage.bridges, LONG_MS);
    await assertServes('old', stage.connectTo(PORT));
  },
  'goes on if asked for again': async (stage) => {
    const { from, redirectAddress, redirect } = await pairOf(stage);
    await redirectAddress();
    const redirected = await connected(stage.connect(from));
    for (const again of [true, false]) await redirectAddress(LONG_MS, { again });
    assert.ok(await redirected.isOpen());
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirect(1)]);
    await assertServes('new', stage.connect(from));
  },
  'begins anew if asked for again after its end': async (stage) => {
    const { from, redirectAddress, redirect } = await pairOf(stage);
    await redirectAddress();
    await stage.kernel.endAddressRedirect(from.id, stage.find);
    await redirectAddress(LONG_MS, { again: true });
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirect(0)]);
    await assertServes('new', stage.connect(from));
  },
  'ends by itself after its lifetime, and for new connections only': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    await redirectAddress(SHORT_MS);
    const redirected = await connected(stage.connect(from));
    await stage.until('it leads no more', async () => (await stage.kernel.addressRedirects([from.id])).length === 0);
    await assertServes('old', stage.connect(from));
    assert.ok(await redirected.isOpen());
    await redirectAddress();
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirectOf(from, to, 1)]);
    await assertServes('new', stage.connect(from));
  },
  'outlives the first container for the connections that it led': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    const redirected = await connected(stage.connect(from));
    await stage.kill(from);
    assert.ok(await redirected.isOpen());
  },
  'a second one from the same container ends the first': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    const third = await stage.start('third');
    await redirectAddress();
    const redirected = await connected(stage.connect(from));
    await stage.kernel.redirectAddress(from, third, stage.bridges, LONG_MS);
    await assertServes('third', stage.connect(from));
    assert.ok(await redirected.isOpen());
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirectOf(from, third, 1)]);
  },
  'leads to nobody while the gate of the target blocks': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    await stage.kernel.shut(to, { lifetimeMs: LONG_MS, fresh: false });
    await assertRefused(stage.connect(from));
  },
  'can not be set without a common network on a bridge of the engine': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    const { kernel, bridges } = stage;
    await fails('step-failed', kernel.redirectAddress({ ...from, networks: {} }, to, bridges, LONG_MS));
    await fails('step-failed', kernel.redirectAddress(from, { ...to, networks: {} }, bridges, LONG_MS));
    await fails('step-failed', kernel.redirectAddress(from, to, [], LONG_MS));
    await fails('step-failed', kernel.redirectAddress(from, { ...to, networks: from.networks }, bridges, LONG_MS));
    await redirectAddress();
    await fails('step-failed', kernel.redirectAddress(from, to, [], LONG_MS));
  },
  'can not be set if the target has ended': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    await stage.kill(to);
    await fails('step-failed', redirectAddress());
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), []);
  },
};

/** How many connections of many each container gets. */
async function tally(connect: () => Promise<Connection | undefined>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let made = 0; made < MANY; made++) {
    const one = await connected(connect());
    counts[one.server] = (counts[one.server] ?? 0) + 1;
    await one.close();
  }
  return counts;
}

function assertShare(counts: Record<string, number>, server: string, percent: number): void {
  const got = (100 * (counts[server] ?? 0)) / MANY;
  assert.ok(Math.abs(got - percent) < POINTS, `${server} got ${got} %, not ${percent} %`);
}

const SHARES: Rules[string] = {
  'of an address go to the target, and the others stay': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    const before = await connected(stage.connect(from));
    await redirectAddress(LONG_MS, { percent: 50 });
    const [seen] = await stage.kernel.addressRedirects([from.id]);
    assert.deepEqual({ ...seen, connections: 0 }, { ...redirectOf(from, to, 0), percent: 50 });
    const counts = await tally(() => stage.connect(from));
    assertShare(counts, 'new', 50);
    assertShare(counts, 'old', 50);
    await assertServes('new', stage.connect(to));
    assert.ok(await before.isOpen());
  },
  'of two addresses lead to each other': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    await redirectAddress(LONG_MS, { percent: 30 });
    await stage.kernel.redirectAddress(to, from, stage.bridges, LONG_MS, { percent: 70 });
    for (const address of [from, to]) assertShare(await tally(() => stage.connect(address)), 'new', 30);
  },
  'become all of them, and go back to none': async (stage) => {
    const { from, to, redirectAddress, redirect } = await pairOf(stage);
    await redirectAddress(LONG_MS, { percent: 99 });
    await redirectAddress();
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirect(0)]);
    assert.deepEqual(await tally(() => stage.connect(from)), { new: MANY });
    await redirectAddress(LONG_MS, { percent: 50 });
    await stage.kernel.endAddressRedirect(from.id, stage.find);
    assert.deepEqual(await tally(() => stage.connect(from)), { old: MANY });
    void to;
  },
  'leave each open connection where it is, whatever becomes of them': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress(LONG_MS, { percent: 50 });
    const open = [];
    for (let made = 0; made < 20; made++) open.push(await connected(stage.connect(from)));
    await redirectAddress();
    await redirectAddress(LONG_MS, { percent: 1 });
    for (const one of open) assert.ok(await one.isOpen(), one.server);
    assert.deepEqual(new Set(open.map(({ server }) => server)), new Set(['old', 'new']));
  },
  'are renewed, and end by themselves': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress(SHORT_MS, { percent: 50 });
    await redirectAddress(LONG_MS, { percent: 50, again: true });
    assertShare(await tally(() => stage.connect(from)), 'new', 50);
    await redirectAddress(SHORT_MS, { percent: 50, again: true });
    await stage.until('it leads no more', async () => (await stage.kernel.addressRedirects([from.id])).length === 0);
    assert.deepEqual(await tally(() => stage.connect(from)), { old: MANY });
  },
  'of a published port go to the stand-in, and the others stay': async (stage) => {
    const { kernel } = stage;
    const { request } = await slotOf(stage);
    await kernel.setPortRedirect('web', { ...request(LONG_MS), percent: 50 });
    assert.equal(await kernel.portRedirect('web'), 'shared');
    const counts = await tally(() => stage.connectTo(PORT));
    assertShare(counts, 'stand-in', 50);
    assertShare(counts, 'old', 50);
    await kernel.setPortRedirect('web', request(LONG_MS));
    assert.equal(await kernel.portRedirect('web'), 'expiring');
    assert.deepEqual(await tally(() => stage.connectTo(PORT)), { 'stand-in': MANY });
  },
  'of a published port end for new connections only': async (stage) => {
    const { kernel } = stage;
    const { request } = await slotOf(stage);
    await kernel.setPortRedirect('web', { ...request(LONG_MS), percent: 99 });
    const redirected = await connected(stage.connectTo(PORT));
    await kernel.endPortRedirect('web');
    assert.equal(await kernel.portRedirect('web'), 'over');
    assert.deepEqual(await tally(() => stage.connectTo(PORT)), { old: MANY });
    assert.ok(await redirected.isOpen());
  },
};

const END_ADDRESS_REDIRECTS: Rules[string] = {
  'returns the number of connections that go on': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    const redirected = await connected(stage.connect(from));
    assert.equal(await stage.kernel.endAddressRedirect(from.id, stage.find), 1);
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), []);
    await assertServes('old', stage.connect(from));
    assert.ok(await redirected.isOpen());
    await redirected.close();
    await stage.until('none goes on', async () => (await stage.kernel.endAddressRedirect(from.id, stage.find)) === 0);
  },
  'leaves nothing to sweep where none goes on': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    assert.equal(await stage.kernel.endAddressRedirect(from.id, stage.find), 0);
    await stage.kill(from);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
  'counts no connections of a container that has ended': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    await connected(stage.connect(from));
    await stage.kill(to);
    assert.equal(await stage.kernel.endAddressRedirect(from.id, stage.find), 0);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
  'returns 0 if there is no redirect': async (stage) => {
    assert.equal(await stage.kernel.endAddressRedirect('f'.repeat(64), stage.find), 0);
  },
};

const HALT_ADDRESS_REDIRECTS: Rules[string] = {
  'sends new connections to the container itself again and leaves open ones': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    const redirected = await connected(stage.connect(from));
    await stage.kernel.haltAddressRedirect(from.id);
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), []);
    await assertServes('old', stage.connect(from));
    assert.ok(await redirected.isOpen());
  },
  'leaves its rules to the sweep, also if none goes on': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    await stage.kernel.haltAddressRedirect(from.id);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
    await stage.kill(from);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 1);
  },
  'does nothing if there is no redirect': async (stage) => {
    await stage.kernel.haltAddressRedirect('f'.repeat(64));
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
};

async function heldOf(stage: Stage) {
  const [web, beside] = [await stage.start('web'), await stage.start('beside')];
  const known = Object.values(beside.networks).map(({ IPAddress = '' }) => IPAddress);
  const hold = (lifetimeMs = LONG_MS): Promise<void> =>
    stage.kernel.hold(web.id, beside, stage.bridges, known, lifetimeMs);
  return { web, beside, hold };
}

/** Connects while packets are dropped; `isThere`: true once it is connected. */
function waiting(stage: Stage, to: Box) {
  let there = false;
  const connection = stage.connect(to).finally(() => {
    there = true;
  });
  return { connection, isThere: () => there };
}

const HOLDS: Rules[string] = {
  'has new connections to an unknown address wait until its end': async (stage) => {
    const { web, beside, hold } = await heldOf(stage);
    const before = await connected(stage.connect(web));
    await hold();
    const late = waiting(stage, web);
    await assertServes('beside', stage.connect(beside));
    assert.ok(await before.isOpen());
    assert.ok(!late.isThere());
    await stage.kernel.endHold(web.id);
    await assertServes('web', late.connection);
  },
  'ends with a redirect from the container, which gets those that waited': async (stage) => {
    const { web, beside, hold } = await heldOf(stage);
    await hold();
    const late = waiting(stage, web);
    await assertServes('beside', stage.connect(beside));
    assert.ok(!late.isThere());
    await stage.kernel.redirectAddress(web, beside, stage.bridges, LONG_MS);
    await assertServes('beside', late.connection);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
  'has connections to a published port wait, too': async (stage) => {
    const web = await stage.start('web', PORT);
    const beside = await stage.start('beside');
    await stage.kernel.hold(web.id, beside, stage.bridges, [], LONG_MS);
    const connecting = stage.connectTo(PORT);
    await stage.kernel.endHold(web.id);
    await assertServes('web', connecting);
  },
  'lets probes of swapctl through': async (stage) => {
    const { web, hold } = await heldOf(stage);
    await hold();
    const host = web.networks[NETWORK]?.IPAddress ?? '';
    assert.equal((await stage.traffic.reachable({ host, port: 8080 }, LONG_MS)).ok, true);
  },
  'ends by itself after its lifetime, and is swept then': async (stage) => {
    const { web, hold } = await heldOf(stage);
    await hold();
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
    await hold(SHORT_MS);
    await assertServes('web', stage.connect(web));
    await stage.until('it is swept', async () => (await stage.kernel.sweepAddressRedirects(stage.find)) === 1);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
  'does nothing where no bridge is shared, and its end does nothing without it': async (stage) => {
    const { web, beside } = await heldOf(stage);
    await stage.kernel.hold(web.id, beside, [], [], LONG_MS);
    await assertServes('web', stage.connect(web));
    for (let times = 0; times < 2; times++) await stage.kernel.endHold(web.id);
  },
};

const SWEEP: Rules[string] = {
  'keeps live redirects, and ended ones from a container that runs': async (stage) => {
    const { from, redirectAddress, redirect } = await pairOf(stage);
    await redirectAddress();
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirect(0)]);
    await connected(stage.connect(from));
    await stage.kernel.endAddressRedirect(from.id, stage.find);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
  'keeps live redirects from a container that has ended': async (stage) => {
    const { from, redirectAddress, redirect } = await pairOf(stage);
    await redirectAddress();
    await stage.kill(from);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), [redirect(0)]);
  },
  'waits for the last connection from a container that has ended': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    const redirected = await connected(stage.connect(from));
    await stage.kernel.endAddressRedirect(from.id, stage.find);
    await stage.kill(from);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
    assert.ok(await redirected.isOpen());
    await redirected.close();
    await stage.until('it is swept', async () => (await stage.kernel.sweepAddressRedirects(stage.find)) === 1);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 0);
  },
  'removes redirects to a container that has ended': async (stage) => {
    const { from, to, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    await stage.kill(to);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 1);
    assert.deepEqual(await stage.kernel.addressRedirects([from.id]), []);
    await assertServes('old', stage.connect(from));
  },
  'removes the older of two redirects once their container has ended': async (stage) => {
    const { from, redirectAddress } = await pairOf(stage);
    await redirectAddress();
    await stage.kernel.redirectAddress(from, await stage.start('third'), stage.bridges, LONG_MS);
    await stage.kill(from);
    assert.equal(await stage.kernel.sweepAddressRedirects(stage.find), 1);
    assert.equal((await stage.kernel.addressRedirects([from.id])).length, 1);
  },
};

const RULES: Rules = {
  'the layer': LAYER,
  'a port redirect': PORT_REDIRECTS,
  'orphaned port redirects': ORPHANS,
  'the gate': GATE,
  'an address redirect': ADDRESS_REDIRECTS,
  'shares of new connections': SHARES,
  'the end of an address redirect': END_ADDRESS_REDIRECTS,
  'the halt of an address redirect': HALT_ADDRESS_REDIRECTS,
  'the hold of new addresses': HOLDS,
  'the sweep of address redirects': SWEEP,
};

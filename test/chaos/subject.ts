// A service that is rolled while something goes wrong: what it is made of, whether it answers, and what must be true of it
// when everything is over.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import type Docker from 'dockerode';
import { isRejection } from '../../src/core/health/blame.ts';
import { failureRecords } from '../../src/core/health/failures.ts';
import { keepRepository } from '../../src/core/service/names.ts';
import { unpackedTool } from '../lab/cache.ts';
import { coverTable, nft, nftIn, nftScript } from '../lab/host-state.ts';
import { APP_PORT } from '../lab/images.ts';
import { enter, isHere } from '../lab/netns.ts';
import { sha256 } from '../lab/sha256.ts';
import { eventually } from '../lab/waiting.ts';
import { removeWithVolumes, type World } from '../lab/world.ts';

export interface Subject {
  world: World;
  /** Begins every name that is of this service. */
  name: string;
  /** As swapctl calls it. */
  service: string;
  /** Its containers' real names; those of containers that live with it come last. */
  slots: readonly string[];
  /** How many of these are the service's own. */
  replicas: number;
  /** The published port, where there is one: its way in. Else the addresses of its containers are. */
  port: number | undefined;
  /** What each container was set up as, before anything happened. */
  specs: Readonly<Record<string, object>>;
}

/** The reference that the service follows, and those of the images that it is rolled between. */
export function imageOf({ name }: Pick<Subject, 'name'>, tag: string): string {
  return `${name}:${tag}`;
}

/** The proxy in front, whose name is none of the service's own. */
export function proxyOf(name: string): string {
  return `${name}edge`;
}

/** Everything of a container that a roll has to carry over, in a form that can be compared. */
export async function specOf(world: World, name: string): Promise<object> {
  const { Config, HostConfig, Mounts, NetworkSettings } = await world.docker.getContainer(name).inspect();
  const ours = /^(swapctl\.state\.|com\.docker\.compose\.(image|replace|container-number$))/;
  const networks = Object.entries(NetworkSettings.Networks).map(([network, { Aliases }]) => {
    // Its own name is known there anyway.
    const given = (Aliases ?? []).filter((alias: string) => !/^[0-9a-f]{12}$/.test(alias) && alias !== name);
    return [network, given.sort()];
  });
  return {
    labels: Object.fromEntries(Object.entries(Config.Labels).filter(([key]) => !ours.test(key))),
    // Podman writes down the name of the container for itself, too.
    env: Config.Env.filter((pair) => !/^(VERSION|HOSTNAME)=/.test(pair)).sort(),
    restart: HostConfig.RestartPolicy,
    autoRemove: HostConfig.AutoRemove,
    ports: HostConfig.PortBindings,
    networkMode: await networkModeOf(world, HostConfig.NetworkMode ?? ''),
    networks: Object.fromEntries(networks),
    mounts: Mounts.map(({ Destination, Name, Source, RW }) => [Destination, Name ?? Source, RW]).sort(),
    stopTimeout: (Config as { StopTimeout?: number }).StopTimeout,
  };
}

// Who lives in another's network knows it by its id, which changes.
async function networkModeOf({ docker }: World, mode: string): Promise<string> {
  if (!mode.startsWith('container:')) return mode;
  const owner = await docker
    .getContainer(mode.slice('container:'.length))
    .inspect()
    .catch(() => undefined);
  return `container:${owner?.Name ?? 'one that is gone'}`;
}

/** Names of all containers of the service, swapctl's own among them. */
export async function namesOf({ world, name }: Subject): Promise<string[]> {
  return (await containersOf(world, name)).map((one) => (one.Names[0] ?? '').slice(1)).sort();
}

async function containersOf(world: World, name: string): Promise<Docker.ContainerInfo[]> {
  const all = await world.docker.listContainers({ all: true });
  const isOf = new RegExp(`^/${name}(?![0-9a-z])`);
  return all.filter((one) => isOf.test(one.Names[0] ?? ''));
}

/** The version that answers by the service's way in; undefined where nobody does. */
export async function answering(subject: Subject): Promise<string | undefined> {
  if (subject.port !== undefined) return versionAt(subject.world.address, subject.port);
  // A client that tries all addresses that the engine's DNS names, as most do.
  const running = (await containersOf(subject.world, subject.name)).filter(({ State }) => State === 'running');
  for (const { NetworkSettings } of running) {
    for (const { IPAddress } of Object.values(NetworkSettings.Networks)) {
      const version = IPAddress ? await versionInside(subject.world, IPAddress) : undefined;
      if (version) return version;
    }
  }
  return undefined;
}

/** What answers at the address of a container, which of an engine in a namespace is reached from there alone. */
async function versionInside({ netns }: World, address: string): Promise<string | undefined> {
  if (isHere(netns)) return versionAt(address, APP_PORT);
  const url = `http://${address}:${APP_PORT}/healthz`;
  const [program = '', ...args] = enter(netns, [unpackedTool('bin/busybox'), 'wget', '-q', '-O-', url]);
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 2000 }, (error, stdout) => resolve(error ? undefined : stdout.trim()));
  });
}

function versionAt(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get({ host, port, path: '/healthz', agent: false, timeout: 1000 }, async (response) => {
      let body = '';
      try {
        for await (const chunk of response) body += chunk;
      } catch {
        return resolve(undefined);
      }
      resolve(response.statusCode === 200 ? body.trim() : undefined);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

/** The version that each slot's container under its real name runs; undefined where none does. */
export function versionsOf(subject: Subject): Promise<(string | undefined)[]> {
  return Promise.all(subject.slots.slice(0, subject.replicas).map((slot) => versionOf(subject.world, slot)));
}

async function versionOf({ docker }: World, name: string): Promise<string | undefined> {
  const now = await docker
    .getContainer(name)
    .inspect()
    .catch(() => undefined);
  if (!now?.State.Running || now.State.Paused) return undefined;
  return now.Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

async function assertForgotten({ world, slots }: Subject): Promise<void> {
  const { Volumes } = await world.docker.listVolumes();
  const records = failureRecords((Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} })));
  const rejected = records.filter(({ state, failure }) => slots.includes(state.slot) && isRejection(failure));
  assert.deepEqual(rejected, [], 'no image is rejected');
}

/**
 * Exactly one container a slot, under its real name, as it was set up, running, answering, and nothing beside it. `memories`:
 * volumes that reject a bad image may be there; those that note another cause always may. Resolves with the version.
 */
export async function assertSafe(subject: Subject, memories: boolean): Promise<string> {
  const { world, slots } = subject;
  const names = await namesOf(subject);
  // What a person renamed is that person's own.
  const found = names.filter((name) => !name.endsWith('-elsewhere'));
  if (!memories) await assertForgotten(subject);
  assert.deepEqual(found, [...slots].sort(), 'one container a slot, and nothing beside them');
  for (const slot of slots) {
    const { State } = await world.docker.getContainer(slot).inspect();
    assert.ok(State.Running && !State.Paused && !State.Restarting, `${slot} runs`);
    assert.deepEqual(await specOf(world, slot), subject.specs[slot], `${slot} is as it was set up`);
  }
  const [version, ...others] = new Set(await versionsOf(subject));
  assert.ok(version !== undefined && others.length === 0, 'all replicas run the same version');
  const answer = await eventually('it answers by its way in', () => answering(subject));
  assert.equal(answer, version, 'what runs is what answers');
  for (const slot of slots.slice(0, subject.replicas)) await assertAnswers(world, slot, version);
  await assertNoRules(subject);
  await assertTags(subject);
  return version;
}

// Also where its way in is a published port.
async function assertAnswers(world: World, slot: string, version: string): Promise<void> {
  const { NetworkSettings } = await world.docker.getContainer(slot).inspect();
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  const answer = await eventually(`${slot} answers at ${address}`, () => versionInside(world, address));
  assert.equal(answer, version, `what answers at the address of ${slot}`);
}

async function assertNoRules({ world, slots }: Subject): Promise<void> {
  const tables = nft(world.netns, 'list', 'tables');
  for (const slot of slots) {
    assert.ok(!tables.includes(await coverTable(world, slot)), `no rules that lead the ports of ${slot} are left`);
    const { Id, State } = await world.docker.getContainer(slot).inspect();
    assert.ok(!tables.includes(`-${Id.slice(0, 12)}-`), `nothing leads to ${slot}`);
    assert.ok(!tables.includes(`swapctl-moved-${Id.slice(0, 12)}`), `nothing leads from ${slot}`);
    assert.ok(!nftIn(State.Pid, 'list', 'tables').includes('swapctl'), `${slot} has no rules in its own namespace`);
  }
}

// keep: 1. What it follows is what runs, or what the user has pointed it at.
async function assertTags({ world, service, name, slots }: Subject): Promise<void> {
  const repository = keepRepository(service, sha256);
  const all = (await world.docker.listImages()).flatMap(({ Id, RepoTags }) =>
    (RepoTags ?? []).map((tag) => ({ Id, tag })),
  );
  const live = all.find(({ tag }) => tag === `${name}:live`)?.Id;
  const newest = all.find(({ tag }) => tag === `${name}:newest`)?.Id;
  const { Image } = await world.docker.getContainer(slots[0] ?? '').inspect();
  const kept = all.filter(({ tag }) => tag.startsWith(`${repository}:`));
  assert.ok(kept.length <= 1, `one image is kept as the way back: ${kept.map(({ tag }) => tag)}`);
  if (live !== undefined)
    assert.ok([Image, newest].includes(live), 'the tag means what runs, or what the user has made it mean');
}

/** What the kernel does when the time of rules that end by themselves is over. */
export async function endExpiring(subject: Subject): Promise<void> {
  const { world, slots, name } = subject;
  const covers = await Promise.all(slots.map((slot) => coverTable(world, slot)));
  for (const [, family = '', table = ''] of nft(world.netns, 'list', 'tables').matchAll(
    /^table (\S+) (swapctl-\S+)$/gm,
  )) {
    if (covers.includes(table)) expire(world, family, table);
  }
  for (const { Id, State } of await containersOf(world, name)) {
    const tables = nft(world.netns, 'list', 'tables').matchAll(/^table (\S+) (swapctl-moved-([0-9a-f]+)-\S+)$/gm);
    for (const [, family = '', table = '', from = '-'] of tables) if (Id.startsWith(from)) expire(world, family, table);
    if (State !== 'running') continue;
    const { Pid } = (await world.docker.getContainer(Id).inspect()).State;
    if (Pid > 0 && nftIn(Pid, 'list', 'tables').includes('swapctl-gate'))
      for (const set of ['shut_tcp', 'shut_udp']) nftIn(Pid, 'flush', 'set', 'inet', 'swapctl-gate', set);
  }
}

function expire(world: World, family: string, table: string): void {
  const printed = nft(world.netns, 'list', 'table', family, table);
  for (const [, set = '', elements = ''] of printed.matchAll(/set (live\w*) \{[^}]*?elements = \{([^}]*)\}/g)) {
    if (elements.includes('expires')) nftScript(world.netns, `flush set ${family} ${table} ${set}`);
  }
}

/** Takes everything of a service away. */
export async function removeSubject({
  world,
  name,
  service,
}: Pick<Subject, 'world' | 'name' | 'service'>): Promise<void> {
  const { docker } = world;
  await unlessGone(removeWithVolumes(docker, proxyOf(name)));
  for (const { Id } of await containersOf(world, name)) await unlessGone(removeWithVolumes(docker, Id));
  await eventually(`${name} is gone`, async () => (await containersOf(world, name)).length === 0);
  for (const network of [name, `${name}_default`])
    await eventually(`${network} is gone`, () => withoutEnds(docker.getNetwork(network)));
  await unlessGone(docker.getVolume(name).remove());
  const prefixes = [`${name}:`, `${keepRepository(service, sha256)}:`];
  for (const { RepoTags } of await world.docker.listImages()) {
    for (const tag of RepoTags ?? []) {
      if (prefixes.some((prefix) => tag.startsWith(prefix)))
        await unlessGone(docker.getImage(tag).remove({ force: true }));
    }
  }
}

/** Whether a network is gone: an engine that has removed a container may be about to take it from its networks still. */
async function withoutEnds(network: Docker.Network): Promise<boolean> {
  try {
    await unlessGone(network.remove());
    return true;
  } catch (error) {
    if (/has active endpoints/.test(String(error))) return false;
    throw error;
  }
}

async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    // Or somebody else is removing it.
    const { statusCode = 0, message } = error as Error & { statusCode?: number };
    if (statusCode !== 404 && !message.includes('already in progress')) throw error;
  }
}

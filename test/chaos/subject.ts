// A service that is rolled during a fault: its parts, its answers, and its invariants in the end.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import type Docker from 'dockerode';
import { isRejection } from '../../src/core/health/blame.ts';
import { failureRecords } from '../../src/core/health/failures.ts';
import { keepRepository } from '../../src/core/service/names.ts';
import { unpackedTool } from '../lab/cache.ts';
import { nft, nftIn, nftScript, portRedirectTable } from '../lab/host-state.ts';
import { APP_PORT } from '../lab/images.ts';
import { enter, isHere } from '../lab/netns.ts';
import { sha256 } from '../lab/sha256.ts';
import { eventually } from '../lab/waiting.ts';
import { removeWithVolumes, type World } from '../lab/world.ts';

export interface Subject {
  world: World;
  /** The prefix of every name of this service. */
  name: string;
  /** Its name for swapctl. */
  service: string;
  /** Its containers' slot names; those of its dependents come last. */
  slots: readonly string[];
  /** The number of them that are the service's own. */
  replicas: number;
  /** The published port, if there is one; else clients use the addresses of its containers. */
  port: number | undefined;
  /** The setup of each container, before the fault. */
  specs: Readonly<Record<string, object>>;
}

/** The tracked reference of the service, and those of its images. */
export function imageOf({ name }: Pick<Subject, 'name'>, tag: string): string {
  return `${name}:${tag}`;
}

/** The proxy in front, whose name is not one of the service's own. */
export function proxyOf(name: string): string {
  return `${name}edge`;
}

/** Everything in a container that a roll must keep, in comparable form. */
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
    // Podman also stores the name of the container.
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

// A container in another's network names it by its id, which changes.
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

/** The version that answers clients; undefined if none does. */
export async function answering(subject: Subject): Promise<string | undefined> {
  if (subject.port !== undefined) return versionAt(subject.world.address, subject.port);
  // A client that tries all addresses of the engine's DNS, as most do.
  const running = (await containersOf(subject.world, subject.name)).filter(({ State }) => State === 'running');
  for (const { NetworkSettings } of running) {
    for (const { IPAddress } of Object.values(NetworkSettings.Networks)) {
      const version = IPAddress ? await versionInside(subject.world, IPAddress) : undefined;
      if (version) return version;
    }
  }
  return undefined;
}

/** The answer at the address of a container, asked from the engine's namespace. */
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

/** The version of each slot's container; undefined if none runs. */
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
 * Exactly one container per slot, with the slot name and its setup, running and answering, and nothing beside it. `memories`: volumes
 * that reject a bad image may exist; those that record another cause always may. Resolves with the version.
 */
export async function assertSafe(subject: Subject, memories: boolean): Promise<string> {
  const { world, slots } = subject;
  const names = await namesOf(subject);
  // A container that a user renamed belongs to the user.
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

// Even if clients use a published port.
async function assertAnswers(world: World, slot: string, version: string): Promise<void> {
  const { NetworkSettings } = await world.docker.getContainer(slot).inspect();
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  const answer = await eventually(`${slot} answers at ${address}`, () => versionInside(world, address));
  assert.equal(answer, version, `what answers at the address of ${slot}`);
}

async function assertNoRules({ world, slots }: Subject): Promise<void> {
  const tables = nft(world.netns, 'list', 'tables');
  for (const slot of slots) {
    assert.ok(
      !tables.includes(await portRedirectTable(world, slot)),
      `no rules that lead the ports of ${slot} are left`,
    );
    const { Id, State } = await world.docker.getContainer(slot).inspect();
    assert.ok(!tables.includes(`-${Id.slice(0, 12)}-`), `nothing leads to ${slot}`);
    assert.ok(!tables.includes(`swapctl-moved-${Id.slice(0, 12)}`), `nothing leads from ${slot}`);
    assert.ok(!nftIn(State.Pid, 'list', 'tables').includes('swapctl'), `${slot} has no rules in its own namespace`);
  }
}

// keep: 1. The tracked reference names the running image, or the one that the user tagged.
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

/** The kernel's work at the end of a rule's lifetime. */
export async function endExpiring(subject: Subject): Promise<void> {
  const { world, slots, name } = subject;
  const portRedirects = await Promise.all(slots.map((slot) => portRedirectTable(world, slot)));
  for (const [, family = '', table = ''] of nft(world.netns, 'list', 'tables').matchAll(
    /^table (\S+) (swapctl-\S+)$/gm,
  )) {
    if (portRedirects.includes(table)) expire(world, family, table);
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

/** Removes everything of a service. */
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

/** True: the network is gone: an engine that has removed a container may still be removing it from its networks. */
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
    // Another process may be removing it.
    const { statusCode = 0, message } = error as Error & { statusCode?: number };
    if (statusCode !== 404 && !message.includes('already in progress')) throw error;
  }
}

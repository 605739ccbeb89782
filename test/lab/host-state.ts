// What a roll may leave changed on a machine, in a form that is compared: rules, networks, volumes, proxies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { identityOf } from '../../src/adapters/docker/engine/facts.ts';
import { ownerOf } from '../../src/adapters/traffic/owner.ts';
import { isPodman } from './engine.ts';
import { enter } from './netns.ts';
import { ruleLines } from './rule-lines.ts';
import { eventually } from './waiting.ts';
import type { World } from './world.ts';

export interface HostState {
  /** What belongs to this world: rules that name its networks or addresses, its networks, volumes and proxies. */
  ours: string[];
  /** Everything, for when nobody else is at work on the machine. */
  all: string[];
  /** What others have here: if it changed, then so did the rules, and `all` proves nothing. */
  others: string[];
}

/** Addresses of containers read as their names, since a new container may have another address. */
export async function hostState(world: World): Promise<HostState> {
  const containers = await world.docker.listContainers({ all: true });
  const mine = containers.filter(({ Labels }) => Labels['swapctl.test.world'] === world.prefix);
  const names = mine.flatMap(({ Names, NetworkSettings }) =>
    Object.values(NetworkSettings.Networks).map(({ IPAddress }) => [IPAddress, `<${Names[0]}>`] as const),
  );
  const readable = (line: string) => names.reduce((text, [ip, name]) => replaced(text, ip, name), line);
  const networks = await world.docker.listNetworks();
  const volumes = (await world.docker.listVolumes()).Volumes ?? [];
  const marks = networks
    .filter(({ Name }) => Name.startsWith(world.prefix))
    .flatMap(({ Id, IPAM }) => [`br-${Id.slice(0, 12)}`, ...(IPAM?.Config ?? []).map(({ Subnet }) => Subnet ?? '-')]);
  const isOurs = (line: string) => marks.some((mark) => line.includes(mark)) || line.includes(world.prefix);
  // What covers a slot names the bridges of everybody; whether a slot of ours is covered is told by its table.
  const inForce = rules(world.netns).filter((line) => !/@live_(tcp|udp)\b/.test(line));
  const all = [
    ...inForce,
    ...proxies(world.netns).filter((line) => names.some(([ip]) => ip && line.includes(`-container-ip ${ip} `))),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...volumes.map(({ Name }) => `volume ${Name}`),
  ]
    .map(readable)
    .sort();
  const others = [
    ...containers.filter((one) => !mine.includes(one)).map(({ Id, State }) => `${Id} ${State}`),
    ...[...networks, ...volumes].map(({ Name }) => Name).filter((name) => isOfAnotherTest(world, name)),
    ...bridgesGoing(inForce, networks),
  ];
  return { ours: all.filter(isOurs), all, others: others.sort() };
}

/**
 * Fails unless a world's own state is as before, and everything is, where nobody else was at work on the machine.
 * Returns how much that was.
 */
export async function assertAsBefore(world: World, before: HostState): Promise<'everything' | 'only our own'> {
  let after = await hostState(world);
  assert.deepEqual(after.ours, before.ours);
  const compared = async () => {
    if (isDeepStrictEqual(after.all, before.all)) return 'everything';
    if (!isDeepStrictEqual(after.others, before.others)) return 'only our own';
    // The rules of a network change shortly before it is listed, and before it is listed no longer.
    after = await hostState(world);
    return undefined;
  };
  try {
    return await eventually('the machine is as before', compared);
  } catch (error) {
    assert.deepEqual(after.all, before.all);
    throw error;
  }
}

function isOfAnotherTest({ prefix }: World, name: string): boolean {
  return name.startsWith('swtest-') && !name.startsWith(prefix);
}

/** A network that is being removed is listed no longer, while rules still name its bridge. */
function bridgesGoing(inForce: string[], networks: { Id: string }[]): string[] {
  const known = networks.map(({ Id }) => `br-${Id.slice(0, 12)}`);
  const named = inForce.flatMap((line) => line.match(/\bbr-[0-9a-f]{12}\b/g) ?? []);
  return [...new Set(named)].filter((bridge) => !known.includes(bridge));
}

/** Name of the table that covers a slot. */
export async function portRedirectTable({ docker }: World, slot: string): Promise<string> {
  const product = (await isPodman(docker)) ? 'podman' : 'docker';
  const owner = ownerOf(identityOf(await docker.info(), product));
  return `swapctl-${createHash('sha256').update(slot).digest('hex').slice(0, 32)}-${owner}`;
}

/** The tables that lead from a container to others. */
export function addressRedirectTables(world: World, from: string): { family: string; table: string }[] {
  const tables = nft(world.netns, 'list', 'tables').matchAll(/^table (\S+) (swapctl-moved-([0-9a-f]+)-\S+)$/gm);
  return [...tables].flatMap(([, family = '', table = '', short = '-']) =>
    from.startsWith(short) ? [{ family, table }] : [],
  );
}

export function nft(netns: string | undefined, ...args: string[]): string {
  return outputOf(enter(netns, ['nft', ...args]));
}

/** The same in the network namespace of a process; nothing where that has ended. */
export function nftIn(pid: number, ...args: string[]): string {
  try {
    return outputOf(['nsenter', `--net=/proc/${pid}/ns/net`, 'nft', ...args]);
  } catch {
    return '';
  }
}

function outputOf([program = '', ...rest]: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync(program, rest, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Has nft run a script. */
export function nftScript(netns: string | undefined, script: string): void {
  const [program = '', ...rest] = enter(netns, ['nft', '-f', '-']);
  execFileSync(program, rest, { input: script, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** The command lines of the userland proxies that run in a network namespace. */
export function proxies(netns: string | undefined): string[] {
  const namespace = statSync(netns === undefined ? '/proc/self/ns/net' : `/run/netns/${netns}`).ino;
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const isHere = args[0]?.endsWith('docker-proxy') && statSync(`/proc/${pid}/ns/net`).ino === namespace;
      return isHere ? [args.join(' ')] : [];
    } catch {
      return [];
    }
  });
}

function rules(netns: string | undefined): string[] {
  return ruleLines(nft(netns, 'list', 'ruleset'));
}

function replaced(text: string, ip: string, name: string): string {
  return ip ? text.replace(new RegExp(`(?<![\\d.])${ip.replaceAll('.', '\\.')}(?![\\d.])`, 'g'), name) : text;
}

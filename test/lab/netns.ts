// A network namespace beside the engine's: what it sends comes from another host, as far as the kernel can tell.
import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import type { World } from './world.ts';

export interface Namespace {
  name: string;
  /** The engine's host as seen from there. */
  hostAddress: string;
  address: string;
}

/** Root only. Gone with the world. */
export function otherHost(world: World): Namespace {
  const name = `swtest-${randomBytes(3).toString('hex')}`;
  // 198.18.0.0/15 is for tests of networks (RFC 2544), so nobody routes it.
  const subnet = `198.${randomInt(18, 20)}.${randomInt(256)}`;
  const base = 4 * randomInt(64);
  const [hostAddress, address] = [`${subnet}.${base + 1}`, `${subnet}.${base + 2}`];
  const host = world.netns === undefined ? [] : ['-n', world.netns];
  ip('netns', 'add', name);
  world.after(async () => ip('netns', 'del', name));
  ip(...host, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip(...host, 'addr', 'add', `${hostAddress}/30`, 'dev', name);
  ip(...host, 'link', 'set', name, 'up');
  ip('-n', name, 'addr', 'add', `${address}/30`, 'dev', 'eth0');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'link', 'set', 'eth0', 'up');
  ip('-n', name, 'route', 'add', 'default', 'via', hostAddress);
  return { name, hostAddress, address };
}

/** The command line that runs a command in a network namespace; undefined: where we are. */
export function enter(netns: string | undefined, command: string[]): string[] {
  return netns === undefined ? command : ['nsenter', `--net=/run/netns/${netns}`, ...command];
}

/** Whether this process is in it. */
export function isHere(netns: string | undefined): boolean {
  return netns === undefined || statSync(`/run/netns/${netns}`).ino === statSync('/proc/self/ns/net').ino;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

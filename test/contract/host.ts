// The base of the contracts of the Kernel and the Traffic port: a host with containers on one bridge, and clients.
import assert from 'node:assert/strict';
import test, { suite, type TestContext } from 'node:test';
import type { Container } from '../../src/core/model/container.ts';
import { SwapError } from '../../src/core/model/error.ts';
import type { Bridge, FindProcess, Kernel } from '../../src/ports/ports.ts';
import type { Traffic } from '../../src/ports/traffic.ts';

/** The network that all containers of a stage share. */
export const NETWORK = 'net';
/** The port on which every container listens, and that it publishes. */
export const APP_PORT = 8080;
export const APP_KEY = `${APP_PORT}/tcp`;

/** A container as the engine shows it. */
export type Box = Pick<Container, 'id' | 'pid' | 'name' | 'networks' | 'published'>;

/** An open connection of a client. */
export interface Connection {
  /** The name of the answering container. */
  readonly server: string;
  /** True: it still reaches that container. */
  isOpen(): Promise<boolean>;
  /** Sends a request that is never answered. */
  ask(): Promise<void>;
  close(): Promise<void>;
}

export interface Stage {
  readonly kernel: Kernel;
  readonly traffic: Traffic;
  readonly bridges: readonly Bridge[];
  readonly find: FindProcess;
  /** Starts an answering container; `hostPort`: its published port on the host. */
  start(name: string, hostPort?: number): Promise<Box>;
  /** Kills a container. */
  kill(box: Box): Promise<void>;
  /** Connects from another container to the address of one; undefined: refused. */
  connect(to: Box): Promise<Connection | undefined>;
  /** Connects from another host to a published port. */
  connectTo(hostPort: number): Promise<Connection | undefined>;
  /** Repeats until the answer is defined. */
  until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T>;
}

export type Open = (t: TestContext) => Promise<Stage>;
export type Rules = Record<string, Record<string, (stage: Stage) => Promise<void>>>;

/** Declares the rules of a port for one stage. */
export function contract(port: string, what: string, rules: Rules, open: Open): void {
  suite(`the ${port} port: ${what}`, () => {
    for (const [about, some] of Object.entries(rules))
      suite(about, () => {
        for (const [name, rule] of Object.entries(some)) test(name, async (t) => rule(await open(t)));
      });
  });
}

export async function connected(connecting: Promise<Connection | undefined>): Promise<Connection> {
  return (await connecting) ?? assert.fail('the connection was refused');
}

export async function assertServes(server: string, connecting: Promise<Connection | undefined>): Promise<void> {
  assert.equal((await connected(connecting)).server, server);
}

export async function assertRefused(connecting: Promise<Connection | undefined>): Promise<void> {
  assert.equal((await connecting)?.server, undefined);
}

export async function fails(code: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof SwapError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

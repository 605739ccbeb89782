// The Engine port over an engine in memory. Its refusals, and their words, are Docker's.
import type { EngineFacts } from '../../src/core/model/engine.ts';
import { EngineError } from '../../src/core/model/engine-error.ts';
import type { Engine } from '../../src/ports/engine.ts';
import { commandIn } from './apps.ts';
import { create, inspected, listOf, remove, rename, setRestart } from './containers.ts';
import { eventCalls } from './events.ts';
import { imageCalls, type Remote } from './images.ts';
import { ended, gone, kill, restart, start, startJoined, stop } from './lifecycle.ts';
import { boxOf, isUp, type Machine, mustBox, refuse } from './machine.ts';
import { bridgesOf } from './networks.ts';
import { volumeCalls } from './volumes.ts';

export function memoryEngine(machine: Machine, remote: Remote): Engine {
  const engine: Engine = {
    ...reads(machine),
    ...changes(machine),
    ...imageCalls(machine, remote),
    ...volumeCalls(machine),
    ...eventCalls(machine),
    exec: async (id, command) => {
      const box = mustBox(machine, id);
      if (box.status !== 'running')
        refuse(409, `Container ${box.id} is ${box.status === 'paused' ? 'paused' : 'not running'}`);
      return commandIn(machine, box, command);
    },
    wait: async (id, signal) => ended(machine, mustBox(machine, id), signal),
    build: async () => refuse(501, 'this engine builds nothing'),
    close: () => {},
  };
  return Object.fromEntries(
    Object.entries(engine).map(([name, call]) => [name, answered(machine, name, call as Call)]),
  ) as unknown as Engine;
}

type Reads = 'facts' | 'list' | 'container' | 'bridges' | 'swarmNetworks' | 'logs';

function reads(machine: Machine): Pick<Engine, Reads> {
  return {
    facts: async () => FACTS,
    list: async () => listOf(machine),
    container: async (id) => inspected(machine, id),
    bridges: async () => bridgesOf(machine),
    swarmNetworks: async () => [...machine.networks.values()].filter(({ swarm }) => swarm).map(({ name }) => name),
    logs: async (id, lines) => mustBox(machine, id).logs.slice(-lines),
  };
}

type Changes = 'create' | 'start' | 'stop' | 'restart' | 'rename' | 'remove' | 'setRestart' | 'kill';

function changes(machine: Machine): Pick<Engine, Changes> {
  return {
    create: async (request) => create(machine, request),
    start: async (id, joined) => (joined ? startJoined(machine, id, joined) : start(machine, id)),
    stop: async (id) => {
      const box = boxOf(machine, id);
      if (!box) return;
      await stop(machine, box);
      if (box.host.AutoRemove) await gone(machine, box);
    },
    restart: async (id) => restart(machine, mustBox(machine, id)),
    rename: async (id, name) => rename(machine, id, name),
    remove: async (id, { discard = false } = {}) => {
      const box = boxOf(machine, id);
      if (box?.status === 'removing') return gone(machine, box);
      if (!box) return;
      const ran = isUp(box);
      remove(machine, box, { force: discard, volumes: discard });
      if (ran) machine.killedByRemoval.push(box.id);
    },
    setRestart: async (id, policy) => setRestart(machine, id, policy),
    kill: async (id, signal) => kill(machine, mustBox(machine, id), signal),
  };
}

/** Changing calls take time, so that no two things happen at one instant. */
export const CHANGING: ReadonlySet<string> = new Set<keyof Engine>([
  'pull',
  'tag',
  'untag',
  'create',
  'start',
  'stop',
  'restart',
  'rename',
  'remove',
  'setRestart',
  'kill',
  'copy',
  'unpack',
  'copyFolder',
  'createVolume',
  'removeVolume',
]);

const CHANGE_MS = 3;

// biome-ignore lint/suspicious/noExplicitAny: each call has its own arguments
type Call = (...args: any[]) => any;

function answered(machine: Machine, name: string, call: Call): Call {
  if (name === 'close' || name === 'events') return call;
  const ask = (...args: unknown[]): Promise<unknown> => {
    return machine.up ? call(...args) : Promise.reject(new EngineError(0, 'connect ECONNREFUSED'));
  };
  if (!CHANGING.has(name)) return ask;
  return async (...args) => {
    await machine.clock.sleep(CHANGE_MS);
    return ask(...args);
  };
}

const FACTS: EngineFacts = {
  name: 'memory',
  id: 'memory',
  endpoint: 'memory (a test)',
  route: { kind: 'unix', path: '/var/run/docker.sock' },
  local: true,
  product: 'docker',
  version: '20.10.24',
  apiVersion: '1.41',
  apiRange: '1.12 to 1.41',
  os: 'linux',
  architecture: 'x86_64',
  imageStore: 'classic',
  rootless: false,
  swarm: 'none',
  clockOffsetMs: 0,
  registries: { mirrors: [], insecure: [] },
};

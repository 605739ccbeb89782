// A Swarm of several nodes, each an engine in network namespaces of its own, joined by a network of their own.
//
//   npx tsx test/lab/swarm-nodes.ts up trixie      the tests that follow join it, and leave it running
//   npx tsx test/lab/swarm-nodes.ts down trixie
//
// Overlay networks, tasks and updates work as on real machines. Virtual IPs and the routing mesh need a kernel with IPVS.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type EngineKind,
  type EngineOptions,
  endOnMistake,
  LabError,
  type OtherEngine,
  SWARM_LAB,
  startDaemon,
  startEngine,
  stopDaemon,
  stopEngine,
} from './engines.ts';
import { eventually } from './waiting.ts';

/** The kinds that a Swarm can be of, with the number of its first node: each Swarm has numbers of its own. */
const FIRST = { trixie: 1, sid: 6 } as const;
export type SwarmKind = keyof typeof FIRST;
const KINDS = Object.keys(FIRST) as SwarmKind[];

const MANAGERS = 3;
const WORKERS = 2;

export interface Node {
  /** As Swarm names it. */
  readonly name: string;
  readonly manager: boolean;
  readonly engine: OtherEngine;
  /** Its daemon dies, and its tasks live on, as when the program crashes. */
  crash(): Promise<void>;
  /** Starts the daemon that crashed; resolves once it is back in the Swarm. */
  comeBack(): Promise<void>;
}

export interface SwarmOfNodes {
  readonly kind: SwarmKind;
  /** The managers come first. */
  readonly nodes: readonly Node[];
  /** The manager that leads now. */
  leader(): Promise<Node>;
  stop(): Promise<void>;
}

/** Three managers and two workers, as new; about 20 seconds. Root only. */
export async function startSwarm(kind: SwarmKind = 'trixie'): Promise<SwarmOfNodes> {
  const numbers = Array.from({ length: MANAGERS + WORKERS }, (_, at) => FIRST[kind] + at);
  const engines = await Promise.all(numbers.map((number) => startEngine(kind, optionsOf(number))));
  const nodes = engines.map((engine, at) => nodeOf(kind, numbers[at] ?? 0, at < MANAGERS, engine));
  const [first] = nodes;
  if (!first) throw new LabError('a Swarm has nodes');
  let made = false;
  const stop = async (): Promise<void> => {
    await Promise.all(engines.map((engine) => engine.stop()));
    if (made) dropLan(kind);
  };
  try {
    if ((await stateOf(first)) !== 'active') {
      made = true;
      layCables(kind, numbers, engines);
      await join(first, nodes.slice(1), numbers);
    }
    return { kind, nodes, leader: () => leaderOf(nodes), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

// In memory, and so without anything of an earlier Swarm.
function optionsOf(node: number): EngineOptions {
  return { lab: SWARM_LAB, node, disk: '2g', flags: ['--insecure-registry=10.231.0.0/16', '--shutdown-timeout=1'] };
}

function nodeOf(kind: SwarmKind, number: number, manager: boolean, engine: OtherEngine): Node {
  const node: Node = {
    name: `node-${number}`,
    manager,
    engine,
    crash: () => stopDaemon(kind, optionsOf(number), 'SIGKILL'),
    comeBack: async () => {
      await startDaemon(kind, optionsOf(number));
      await eventually(`node-${number} is back`, async () => (await stateOf(node)) === 'active');
    },
  };
  return node;
}

async function stateOf({ engine }: Node): Promise<string | undefined> {
  const { Swarm } = (await engine.docker.info()) as { Swarm?: { LocalNodeState?: string } };
  return Swarm?.LocalNodeState;
}

function addressOf(number: number): string {
  return `10.230.0.${number}`;
}

// A switch in a namespace of its own: on the machine's, another engine's firewall would look at what passes it.
function layCables(kind: EngineKind, numbers: readonly number[], engines: readonly OtherEngine[]): void {
  const lan = `swapctl-lan-${kind}`;
  dropLan(kind);
  ip('netns', 'add', lan);
  ip('-n', lan, 'link', 'add', 'br0', 'type', 'bridge');
  ip('-n', lan, 'link', 'set', 'br0', 'up');
  for (const [at, number] of numbers.entries()) {
    const netns = engines[at]?.netns ?? '';
    ip('-n', lan, 'link', 'add', `p${number}`, 'type', 'veth', 'peer', 'name', 'lan0', 'netns', netns);
    ip('-n', lan, 'link', 'set', `p${number}`, 'master', 'br0', 'up');
    ip('-n', netns, 'addr', 'add', `${addressOf(number)}/24`, 'dev', 'lan0');
    ip('-n', netns, 'link', 'set', 'lan0', 'up');
  }
}

function dropLan(kind: EngineKind): void {
  try {
    ip('netns', 'del', `swapctl-lan-${kind}`);
  } catch {
    // There was none.
  }
}

async function join(first: Node, others: readonly Node[], numbers: readonly number[]): Promise<void> {
  const from = (at: number) => {
    const address = addressOf(numbers[at] ?? 0);
    return { AdvertiseAddr: address, ListenAddr: `${address}:2377`, DataPathAddr: address };
  };
  await first.engine.docker.swarmInit(from(0));
  const { JoinTokens } = await first.engine.docker.swarmInspect();
  // One after the other: managers that join at the same time wait for each other's election.
  for (const [at, { engine, manager }] of others.entries())
    await engine.docker.swarmJoin({
      ...from(at + 1),
      RemoteAddrs: [`${addressOf(numbers[0] ?? 0)}:2377`],
      JoinToken: manager ? JoinTokens.Manager : JoinTokens.Worker,
    });
  await eventually('all nodes are ready', async () => {
    const known = await first.engine.docker.listNodes();
    return known.filter(({ Status }) => Status?.State === 'ready').length === numbers.length;
  });
}

async function leaderOf(nodes: readonly Node[]): Promise<Node> {
  return eventually('the Swarm has a leader', async () => {
    for (const { engine, manager } of nodes) {
      if (!manager) continue;
      const known = await engine.docker.listNodes().catch(() => []);
      const name = known.find(({ ManagerStatus }) => ManagerStatus?.Leader)?.Description?.Hostname;
      const found = nodes.find((node) => node.name === name);
      if (found) return found;
    }
    return undefined;
  });
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

// ---- by hand

async function main([command, named, ...more]: readonly string[]): Promise<void> {
  const kind = KINDS.find((known) => known === named);
  if (!kind || more.length > 0) throw new LabError(`usage: swarm-nodes.ts up|down <${KINDS.join('|')}>`);
  const swarm = command === 'up' ? await startSwarm(kind) : undefined;
  for (const { name, manager, engine } of swarm?.nodes ?? [])
    console.log(`${name} (${manager ? 'manager' : 'worker'}): DOCKER_HOST=${engine.dockerHost}`);
  if (command === 'down') await endSwarm(kind);
}

/** Ends a Swarm, whoever has started it. */
async function endSwarm(kind: SwarmKind): Promise<void> {
  for (let at = 0; at < MANAGERS + WORKERS; at++) await stopEngine(kind, optionsOf(FIRST[kind] + at));
  dropLan(kind);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2)).catch(endOnMistake);

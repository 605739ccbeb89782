import { isForbidden } from '../../core/model/engine-error.ts';
import { fail } from '../../core/model/error.ts';
import { whyMode } from '../../core/swarm/capability.ts';
import { memoryOf, ROLE_LABEL } from '../../core/swarm/memory.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import { nearest } from '../../core/text/suggest.ts';
import type { RollFacts } from '../../core/update/may-roll.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Look, Target } from '../target/target.ts';
import { checkSwarm } from './check.ts';
import { trackedBy } from './image.ts';
import { memoryFor } from './memory.ts';
import { ownService, whyOwn } from './own.ts';
import { recoverSwarmService } from './recover.ts';

/** A Swarm service by its key, which is its name. */
export interface SwarmUnit {
  readonly key: string;
  readonly service: SwarmService;
}

/**
 * The services of the Swarm that the engine manages; none for any other engine, which is not asked for them, and none behind a socket
 * proxy that blocks the Swarm API, so that the containers are still rolled.
 */
export async function swarmUnits({ engine, swarm, report }: Place): Promise<SwarmUnit[]> {
  if ((await engine.facts()).swarm !== 'manager') return [];
  try {
    const services = await swarm.services();
    return services.map((service) => ({ key: service.name, service })).sort((a, b) => (a.key < b.key ? -1 : 1));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    report({ kind: 'debug', text: `Swarm services are left out: the engine's proxy forbids GET /services` });
    return [];
  }
}

type Place = Pick<Ports, 'engine' | 'swarm' | 'report'>;

/** The services of a Swarm, as the target of updates. */
export function swarmTarget(ports: Ports): Target<SwarmUnit> {
  return {
    look: async () => {
      const units = await swarmUnits(ports);
      return swarmLook(ports, units, units.length > 0 ? await ownService(ports) : undefined);
    },
    check: (units, options) =>
      checkSwarm(
        ports,
        units.map(({ service }) => service),
        options,
      ),
    facts: ({ service }) => swarmFacts(ports, service),
    imagesOf: ({ service }) => [service.image],
    // The service of this process is skipped.
    runsIn: () => false,
    isOneShot: async () => false,
    beforeRolls: async () => {},
  };
}

function swarmLook(ports: Ports, units: readonly SwarmUnit[], own: string | undefined): Look<SwarmUnit> {
  return {
    services: units,
    named: (selectors) => [
      ...new Set(selectors.map((selector) => findUnit(units, selector) ?? notFound(units, selector))),
    ],
    labelsOf: ({ service }) => service.labels,
    whyNot: ({ service }) => (service.id === own ? whyOwn(service).message : whyMode(service)?.message),
    trackedBy: async ({ service }) => [trackedBy(service)].filter((reference) => reference !== undefined),
    recover: (some, signal) => recoverUnits(ports, some, signal),
    tiedTo: async () => [],
  };
}

async function recoverUnits(ports: Ports, units: readonly SwarmUnit[], signal: AbortSignal) {
  const failed = new Map<string, unknown>();
  let any = false;
  const configs = units.length > 0 ? await ports.swarm.configs(ROLE_LABEL) : [];
  for (const { key, service } of units) {
    if (!memoryOf(service.id, configs).lock) continue;
    try {
      const outcome = await recoverSwarmService(ports, service, signal);
      if (outcome === undefined) continue;
      any = true;
      const text = `${key}: an earlier roll was interrupted; it was ${outcome}`;
      ports.report({ kind: 'note', text, recovered: { service: key, outcome } });
    } catch (raised) {
      failed.set(key, raised);
    }
  }
  return { any, failed };
}

/** The last rolls and failures of a service. */
export async function swarmFacts(ports: Ports, { id }: SwarmService): Promise<RollFacts> {
  const { history, failures } = await memoryFor(ports, id);
  const rolled = history?.entries.find(({ event }) => event !== 'started');
  const at = failures.map((one) => Date.parse(one.at)).filter(Number.isFinite);
  return {
    lastRollAt: rolled && Date.parse(rolled.at),
    failures: failures.reduce((sum, { note }) => sum + (note.tries ?? 1), 0),
    lastFailureAt: at.length > 0 ? Math.max(...at) : undefined,
    imageSince: undefined,
  };
}

const SHORTEST_ID = 4;

/** The service that a selector names: by its name, or the start of its id. */
export function findUnit(units: readonly SwarmUnit[], selector: string): SwarmUnit | undefined {
  const named = units.find(({ key }) => key === selector);
  if (named || selector.length < SHORTEST_ID || !/^[0-9a-z]+$/.test(selector)) return named;
  const byId = units.filter(({ service }) => service.id.startsWith(selector));
  return byId.length === 1 ? byId[0] : undefined;
}

function notFound(units: readonly SwarmUnit[], selector: string): never {
  const names = units.map(({ key }) => key);
  const near = nearest(names, selector);
  return fail('not-found', `there is no service ${JSON.stringify(selector.slice(0, 100))} in this Swarm`, {
    hint: near ? `did you mean ${near}?` : `there are: ${names.slice(0, 20).join(', ')}`,
    choices: names.slice(0, 20),
  });
}

import type { Server } from '../../../core/proxy/route.ts';
import { type Marker, markOf } from './handlers.ts';
import { isObject, type JsonObject, objectsIn, textIn } from './json.ts';

const NEVER: JsonObject = { not: [{}] };

/**
 * The handler in the place of another one during a roll: the same with other upstreams, and before it one that no request reaches. Caddy
 * counts the requests of an upstream as long as its configuration names it anywhere.
 */
export function overlayOf(marker: Marker, number: number, hasWeights: boolean): JsonObject {
  const { wanted, baseline } = marker;
  const ready = wanted.servers.filter(({ state }) => state === 'ready');
  const counted = wanted.servers.filter(({ state }) => state === 'draining').map(({ address }) => ({ dial: address }));
  const watched = [...counted, ...objectsIn(baseline.upstreams).map(({ dial }) => ({ dial: textIn(dial) }))];
  return {
    '@id': `${markOf(marker)}${number === 0 ? '' : `.${number}`}`,
    handler: 'subroute',
    routes: [
      ...(watched.length === 0 ? [] : [{ match: [NEVER], handle: [{ handler: 'reverse_proxy', upstreams: watched }] }]),
      { handle: [servedBy(baseline, ready, hasWeights)] },
    ],
  };
}

function servedBy(baseline: JsonObject, ready: readonly Server[], hasWeights: boolean): JsonObject {
  const { dynamic_upstreams: _, ...rest } = baseline;
  const [first = {}] = objectsIn(baseline.upstreams);
  const { '@id': __, ...own } = first;
  const to = ({ address }: Server): JsonObject => ({ ...own, dial: address });
  const weights = ready.map(({ weight }) => weight);
  if (weights.every((weight) => weight === weights[0])) return { ...rest, upstreams: ready.map(to) };
  if (hasWeights) {
    const policy = { policy: 'weighted_round_robin', weights };
    return { ...rest, upstreams: ready.map(to), load_balancing: balanced(baseline, policy) };
  }
  const shared = weights.reduce(divisor);
  const upstreams = ready.flatMap((server) => Array.from({ length: server.weight / shared }, () => to(server)));
  return { ...rest, upstreams, load_balancing: balanced(baseline, { policy: 'round_robin' }) };
}

function balanced({ load_balancing: own }: JsonObject, policy: JsonObject): JsonObject {
  return { ...(isObject(own) ? own : {}), selection_policy: policy };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { fail } from '../../../core/model/error.ts';
import type { Wanted } from '../../../core/proxy/route.ts';
import type { Admin } from './admin.ts';
import { type Handler, handlersIn } from './handlers.ts';
import { isObject, type Json } from './json.ts';
import { overlayOf } from './overlay.ts';

/** The place of the HTTP app's servers in Caddy's configuration. */
export const SERVERS = ['apps', 'http', 'servers'];

const MOST_TRIES = 40;
const BETWEEN_TRIES_MS = 25;

/** A change of a route's handlers in the running configuration. */
export interface Change {
  readonly route: string;
  readonly wanted: Wanted;
  readonly hasWeights: boolean;
  /** The handlers of the route, as last seen. */
  readonly find: (signal: AbortSignal) => Promise<readonly Handler[]>;
}

/**
 * Replaces all handlers of a route in one change of the configuration, and starts over if another client changed the same part meanwhile.
 * Changes nothing if all are as wanted.
 */
export async function patchRoute(admin: Admin, change: Change, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if (tries > 0) await delay(BETWEEN_TRIES_MS, undefined, { signal });
    if (await tryOnce(admin, change, signal)) return;
  }
  fail(
    'proxy-refused',
    `Caddy's configuration changed ${MOST_TRIES} times while swapctl changed the route ${change.route}`,
    {
      hint: 'stop what changes it, then try again',
    },
  );
}

async function tryOnce(admin: Admin, change: Change, signal: AbortSignal): Promise<boolean> {
  const found = await change.find(signal);
  const next = found.map((handler, number) => wantedIn(handler, number, change));
  if (found.every(({ value }, at) => isDeepStrictEqual(value, next[at]))) return true;
  const place = sharedPath(found.map(({ path }) => path));
  const part = await admin.part(place.join('/'), signal);
  if (part === undefined) return false;
  const places = found.map(({ path }) => path.slice(place.length));
  if (!found.every(({ value }, at) => isDeepStrictEqual(valueAt(part.value, places[at] ?? []), value))) return false;
  const value = places.reduce((whole, path, at) => withValue(whole, path, next[at] ?? null), part.value);
  return admin.replace(change.route, place.join('/'), { value, tag: part.tag }, signal);
}

function wantedIn(handler: Handler, number: number, { route, wanted, hasWeights }: Change): Json {
  const { baseline } = handler;
  return wanted.kind === 'baseline' ? baseline : overlayOf({ route, wanted, baseline }, number, hasWeights);
}

/** The longest path that all paths begin with. */
function sharedPath(paths: readonly (readonly string[])[]): readonly string[] {
  const [first = []] = paths;
  const end = first.findIndex((part, at) => paths.some((path) => path[at] !== part));
  return end === -1 ? first : first.slice(0, end);
}

function valueAt(value: Json | undefined, [name, ...rest]: readonly string[]): Json | undefined {
  if (name === undefined) return value;
  if (Array.isArray(value)) return valueAt(value[Number(name)], rest);
  return isObject(value) ? valueAt(value[name], rest) : undefined;
}

function withValue(value: Json, [name, ...rest]: readonly string[], next: Json): Json {
  if (name === undefined) return next;
  if (Array.isArray(value)) return value.map((one, at) => (String(at) === name ? withValue(one, rest, next) : one));
  return isObject(value) ? { ...value, [name]: withValue(value[name] ?? null, rest, next) } : value;
}

/** All reverse proxies in the running configuration. */
export async function runningHandlers(admin: Admin, signal: AbortSignal): Promise<Handler[]> {
  const part = await admin.part(SERVERS.join('/'), signal);
  return handlersIn(part?.value, SERVERS);
}

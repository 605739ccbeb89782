import type { Wanted } from '../../../core/proxy/route.ts';
import { isObject, type Json, type JsonObject, objectsIn, textIn } from './json.ts';

/** The overlay of a roll, as it is kept in the configuration itself. */
export interface Marker {
  readonly route: string;
  readonly wanted: Exclude<Wanted, { kind: 'baseline' }>;
  /** The handler as its owner wrote it. */
  readonly baseline: JsonObject;
}

/** A file that a handler reads its upstream from: `{file.PATH}`, or `{file.PATH}:PORT`. */
export interface AddressFile {
  readonly path: string;
  readonly port: string | undefined;
}

/** A handler of a route, by its place in the configuration. */
export interface Handler {
  readonly path: readonly string[];
  readonly value: JsonObject;
  /** As its owner wrote it: the handler itself, unless an overlay is in its place. */
  readonly baseline: JsonObject;
  readonly marker?: Marker;
  readonly file?: AddressFile;
}

const MARK = 'swapctl_';

/** All reverse proxies of a configuration; an overlay counts as the one whose place it takes. */
export function handlersIn(value: Json | undefined, path: readonly string[] = []): Handler[] {
  if (Array.isArray(value)) return value.flatMap((one, at) => handlersIn(one, [...path, String(at)]));
  if (!isObject(value)) return [];
  const marker = markerOf(value);
  const baseline = marker?.baseline ?? value;
  if (baseline.handler === 'reverse_proxy') {
    const file = addressFileOf(baseline);
    return [{ path, value, baseline, ...(marker && { marker }), ...(file && { file }) }];
  }
  return Object.entries(value).flatMap(([name, one]) => handlersIn(one, [...path, name]));
}

/**
 * The handlers of a route: those with its name as `@id`, with a file `ROUTE.addr`, or with an upstream of that name. The
 * Caddyfile has no `@id`.
 */
export function handlersOf(route: string, config: Json | undefined, path: readonly string[] = []): Handler[] {
  return handlersIn(config, path).filter((handler) => belongsTo(route, handler));
}

function belongsTo(route: string, { marker, baseline, file }: Handler): boolean {
  if (marker) return marker.route === route;
  if (baseline['@id'] === route || file?.path.endsWith(`/${route}.addr`)) return true;
  const dynamic = isObject(baseline.dynamic_upstreams) ? baseline.dynamic_upstreams : {};
  return dynamic.name === route || dialsOf(baseline).some((dial) => hostOf(dial) === route);
}

/** The addresses of a handler's own upstreams, as written. */
export function dialsOf(handler: JsonObject): string[] {
  return objectsIn(handler.upstreams)
    .map(({ dial }) => textIn(dial))
    .filter((dial) => dial !== '');
}

function hostOf(dial: string): string {
  return dial.replace(/^\w+\//, '').replace(/:\d+$/, '');
}

function addressFileOf(handler: JsonObject): AddressFile | undefined {
  const dials = dialsOf(handler);
  const [, path, port] = /^\{file\.(\/[^{}]+\.addr)\}(?::(\d+))?$/.exec(dials[0] ?? '') ?? [];
  return path === undefined || dials.length !== 1 ? undefined : { path, port };
}

/** The `@id` that an overlay bears: the one place of the configuration where Caddy takes any text. */
export function markOf(marker: Marker): string {
  return MARK + Buffer.from(JSON.stringify(marker), 'utf8').toString('base64url');
}

function markerOf({ '@id': id }: JsonObject): Marker | undefined {
  const text = textIn(id);
  if (!text.startsWith(MARK)) return undefined;
  try {
    // A number that keeps the ids of several handlers apart stands at the end.
    const [code = ''] = text.slice(MARK.length).split('.');
    const marker: Marker = JSON.parse(Buffer.from(code, 'base64url').toString('utf8'));
    return isObject(marker.baseline) && Array.isArray(marker.wanted.servers) ? marker : undefined;
  } catch {
    return undefined;
  }
}

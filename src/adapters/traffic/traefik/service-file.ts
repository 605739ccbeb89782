import { dump, load } from 'js-yaml';
import { fail, messageOf } from '../../../core/model/error.ts';
import type { Server, Wanted } from '../../../core/proxy/route.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import type { ApiServer } from './api.ts';

/** The overlay of a roll, as the first line of the file keeps it. */
export interface Marker {
  readonly wanted: Extract<Wanted, { kind: 'servers' }>;
  /** The whole text of the file as its owner wrote it. */
  readonly baseline: string;
}

/** The file of a route. */
export interface ServiceFile {
  readonly text: string;
  readonly marker?: Marker;
  /** Its present text about the service. */
  readonly servers: readonly ApiServer[];
}

const MARK = '# swapctl writes this file during a roll, and restores it at the end: ';

type Yaml = Readonly<Record<string, unknown>>;

/** The name of the file of a route; swapctl writes no other one. */
export function fileNameOf(route: string): string {
  return `swapctl-${route}.yml`;
}

/** Undefined if the text has no such service with servers. Raises `proxy-config`. */
export function parseServiceFile(route: string, text: string): ServiceFile | undefined {
  const marker = markerIn(text);
  const servers = serversIn(parse(route, text), route);
  if (servers === undefined) return undefined;
  return { text, servers, ...(marker && { marker }) };
}

/** The text of a route's file with the servers of a roll. Traefik runs the file as a template, so no brace of it may be doubled. */
export function overlaid(route: string, { marker, text }: ServiceFile, wanted: Marker['wanted']): string {
  const baseline = marker?.baseline ?? text;
  if (baseline.includes('{{')) {
    return fail('proxy-config', `${fileNameOf(route)} is a template, and swapctl changes only plain YAML`, {
      hint: 'write the service without {{ … }}; other files of the folder may have them',
    });
  }
  const code = Buffer.from(JSON.stringify({ wanted, baseline }), 'utf8').toString('base64url');
  return `${MARK}${code}\n${dump(withServers(parse(route, baseline), route, wanted.servers), { lineWidth: -1 })}`;
}

/** A server's address in the form of a URL's host. */
export function addressOf({ url }: ApiServer): string {
  return /^[a-z0-9]+:\/\/([^/]+)/i.exec(url)?.[1] ?? url;
}

function withServers(document: Yaml, route: string, wanted: readonly Server[]): Yaml {
  const [first] = serversIn(document, route) ?? [];
  const ready = wanted.filter(({ state }) => state === 'ready');
  const isEven = ready.every(({ weight }) => weight === ready[0]?.weight);
  const { weight: _, url = 'http://any', ...own } = first ?? {};
  const servers = ready.map(({ address, weight }) => ({
    ...own,
    url: url.replace(/^([a-z0-9]+:\/\/)[^/]+/i, (_whole, scheme) => `${scheme}${address}`),
    ...(!isEven && { weight }),
  }));
  return changed(document, ['http', 'services', route, 'loadBalancer', 'servers'], servers);
}

function changed(value: Yaml, [name = '', ...rest]: readonly string[], next: unknown): Yaml {
  if (rest.length === 0) return { ...value, [name]: next };
  return { ...value, [name]: changed((value[name] ?? {}) as Yaml, rest, next) };
}

function serversIn(document: Yaml, route: string): ApiServer[] | undefined {
  const services = servicesIn(document);
  if (!Object.hasOwn(services, route)) return undefined;
  const { loadBalancer } = services[route] as { loadBalancer?: { servers?: ApiServer[] } };
  return Array.isArray(loadBalancer?.servers) ? loadBalancer.servers : undefined;
}

/** The services that a file defines, by name. */
export function servicesIn(document: unknown): Yaml {
  const { http } = (document ?? {}) as { http?: { services?: Yaml } };
  return http?.services ?? {};
}

function parse(route: string, text: string): Yaml {
  try {
    return (load(text) ?? {}) as Yaml;
  } catch (error) {
    return broken(fileNameOf(route), error);
  }
}

/** Raises `proxy-config` for a file that is no YAML. */
export function broken(name: string, error: unknown): never {
  const [words = ''] = messageOf(error).split('\n');
  return fail('proxy-config', `Traefik's file ${name} is broken: ${sanitizeText(words)}`, {
    hint: 'correct the file: Traefik takes no change of any file while one is broken',
  });
}

function markerIn(text: string): Marker | undefined {
  if (!text.startsWith(MARK)) return undefined;
  try {
    const [code = ''] = text.slice(MARK.length).split('\n');
    const marker: Marker = JSON.parse(Buffer.from(code, 'base64url').toString('utf8'));
    return typeof marker.baseline === 'string' && Array.isArray(marker.wanted.servers) ? marker : undefined;
  } catch {
    return undefined;
  }
}

import { fail } from '../model/error.ts';
import { printable } from '../text/suggest.ts';

/** The proxy that a service names: its driver, and `host` or the name of a container or compose service (`project/service`). */
export interface ProxyPlace {
  readonly driver: string;
  readonly place: string;
  /** A label of the service names it, so its owner must agree. */
  readonly byLabel?: true;
}

/** The place of a proxy that runs on this host, outside containers; `host:FILE` if several run, by the file of its command line. */
export const HOST = 'host';

export function isOnHost(place: string): boolean {
  return place === HOST || place.startsWith(`${HOST}:`);
}

const NAME = '[A-Za-z0-9][A-Za-z0-9_.-]*';
const PLACE = new RegExp(`^([a-z][a-z0-9-]{0,30}):(${HOST}:/[\\w./-]{1,200}|${NAME}(?:/${NAME})?)$`);

/** Parses `DRIVER:PLACE`. Raises `config`. */
export function parseProxyPlace(value: string, what: string): ProxyPlace {
  const [, driver, place] = PLACE.exec(value.trim()) ?? [];
  if (driver !== undefined && place !== undefined) return { driver, place };
  return fail('config', `${what}: ${printable(value)} names no proxy`, {
    hint: 'write it like nginx:edge (a container), nginx:shop/edge (a compose service) or haproxy:host',
  });
}

/** The meaning of a proxy in a label. */
export function proxyAsLabel({ proxy }: { readonly proxy?: ProxyPlace | undefined }): { readonly proxy?: ProxyPlace } {
  return proxy ? { proxy: { ...proxy, byLabel: true } } : {};
}

/** A proxy as its user writes it. */
export function shownPlace({ driver, place }: ProxyPlace): string {
  return `${driver}:${place}`;
}

const ROUTE = /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,99}$/;

/** True if a text is safe as the name of a route in every proxy's configuration. */
export function isRouteName(name: string): boolean {
  return ROUTE.test(name);
}

/** Parses the name of a route. Raises `config`. */
export function parseRouteName(value: string, what: string): string {
  const name = value.trim();
  if (isRouteName(name)) return name;
  return fail('config', `${what}: ${printable(value)} is no name of a route`, {
    hint: 'use letters, digits and _ . : @ -, at most 100 of them',
  });
}

import { fail } from '../model/error.ts';
import { printable } from '../text/suggest.ts';

/** In `swapctl.proxy.allow`: all services. */
export const EVERY_SERVICE = '*';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/;

/** Parses the services whose labels may name a container as their proxy. Raises `config`. */
export function parseProxyAllow(value: string, what: string): string[] {
  const given = value.trim() === '' ? [] : value.split(',').map((name) => name.trim());
  const wrong = given.find((name) => name !== EVERY_SERVICE && !NAME.test(name));
  if (wrong === undefined) return given;
  return fail('config', `${what}: ${printable(wrong)} is no name of a service`, {
    hint: `write shop/web, a container's name, or ${EVERY_SERVICE} for all services`,
  });
}

/** A service, or the container of a proxy, by its key and the compose project that it belongs to. */
export interface Party {
  readonly key: string;
  readonly project: string | undefined;
}

/**
 * True if the owner of a proxy's container agrees that the labels of a service name it: by its own list, which counts alone, else
 * because both belong to one compose project.
 */
export function isAllowed(service: Party, proxy: Party, allow: readonly string[] | undefined): boolean {
  // A service that names itself is refused with a better reason later.
  if (service.key === proxy.key) return true;
  if (allow !== undefined) return allow.includes(service.key) || allow.includes(EVERY_SERVICE);
  return service.project !== undefined && service.project === proxy.project;
}

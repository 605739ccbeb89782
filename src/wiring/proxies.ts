import { fail } from '../core/model/error.ts';
import { nearest } from '../core/text/suggest.ts';
import type { OpenTrafficDriver, TrafficDriver } from '../ports/traffic-driver.ts';

export { snippetDesk } from '../adapters/traffic/drivers.ts';

/** Opens the driver of one kind of proxy; `place`: the id of its container, or `host`. */
type OpenDriver = (place: string) => TrafficDriver;

/**
 * Opens each proxy once, with the driver of that name: a driver may keep what it has learnt. The result raises `config` for an
 * unknown driver.
 */
export function openProxies(drivers: Readonly<Record<string, OpenDriver>>): OpenTrafficDriver {
  const opened = new Map<string, TrafficDriver>();
  return (driver, place) => {
    const open = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined;
    if (!open) return unknown(driver, Object.keys(drivers));
    const key = `${driver}:${place}`;
    const known = opened.get(key) ?? open(place);
    opened.set(key, known);
    return known;
  };
}

function unknown(driver: string, known: readonly string[]): never {
  const near = nearest(known, driver);
  const hint = near ? `did you mean ${near}?` : `known: ${known.join(', ') || 'none'}`;
  return fail('config', `swapctl.proxy: unknown driver ${driver}`, { hint });
}

import { fail } from '../core/model/error.ts';
import type { OpenTrafficDriver, TrafficDriver } from '../ports/traffic-driver.ts';

/** Opens the driver of one kind of proxy; `place`: the id of its container, or `host`. */
type OpenDriver = (place: string) => TrafficDriver;

/** Opens proxies by the drivers of that table, by name. The result raises `config` for another driver. */
export function openProxies(drivers: Readonly<Record<string, OpenDriver>>): OpenTrafficDriver {
  return (driver, place) => {
    const open = Object.hasOwn(drivers, driver) ? drivers[driver] : undefined;
    if (open) return open(place);
    const known = Object.keys(drivers);
    return fail('config', `swapctl.proxy: unknown driver ${driver}`, {
      hint: known.length > 0 ? `known: ${known.join(', ')}` : 'this build of swapctl has no driver',
    });
  };
}

export { snippetDesk } from '../adapters/traffic/drivers.ts';

import type { Engine } from '../../ports/engine.ts';
import type { Kernel, Ports } from '../../ports/ports.ts';
import type { HeldLock } from './held-lock.ts';

const ENGINE = [
  'tag',
  'untag',
  'create',
  'start',
  'stop',
  'restart',
  'rename',
  'remove',
  'setRestart',
  'kill',
  'copy',
  'unpack',
  'copyFolder',
  'createVolume',
  'removeVolume',
] as const satisfies readonly (keyof Engine)[];

const KERNEL = [
  'setPortRedirect',
  'endPortRedirect',
  'clearPortRedirect',
  'shut',
  'open',
  'redirectAddress',
  'endAddressRedirect',
  'haltAddressRedirect',
  'hold',
  'endHold',
] as const satisfies readonly (keyof Kernel)[];

/**
 * The same ports under a lock: each changing call first confirms that the lock is still held. So a process that was suspended
 * changes nothing after it lost its lock, wherever it continues.
 */
export function guarded(ports: Ports, { confirm }: Pick<HeldLock, 'confirm'>): Ports {
  return {
    ...ports,
    engine: confirming(ports.engine, ENGINE, confirm),
    kernel: confirming(ports.kernel, KERNEL, confirm),
    proxies: (driver, place) => confirming(ports.proxies(driver, place), ['apply'], confirm),
  };
}

type Call = (...args: unknown[]) => unknown;

// A port may be an object of a class, whose methods are not its own properties and need it as `this`.
function confirming<T extends object>(port: T, names: readonly (keyof T)[], confirm: () => Promise<void>): T {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call: Call = value.bind(target);
      if (!names.includes(name as keyof T)) return call;
      return async (...args: unknown[]) => {
        await confirm();
        return call(...args);
      };
    },
  });
}

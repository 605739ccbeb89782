import type { Engine } from '../../ports/engine.ts';
import type { Kernel, Ports } from '../../ports/ports.ts';
import type { Lease } from './lease.ts';

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
  'setCover',
  'endCover',
  'clearCover',
  'shut',
  'open',
  'forward',
  'endForward',
  'haltForward',
  'hold',
  'endHold',
] as const satisfies readonly (keyof Kernel)[];

/**
 * The same ports under a lock: each changing call first confirms that the lock is still held. So a process that was suspended
 * changes nothing after it lost its lock, wherever it continues.
 */
export function guarded(ports: Ports, { confirm }: Pick<Lease, 'confirm'>): Ports {
  return {
    ...ports,
    engine: confirming(ports.engine, ENGINE, confirm),
    kernel: confirming(ports.kernel, KERNEL, confirm),
    proxies: (driver, place) => confirming(ports.proxies(driver, place), ['apply'], confirm),
  };
}

type Call = (...args: unknown[]) => Promise<unknown>;

function confirming<T extends object>(port: T, names: readonly (keyof T)[], confirm: () => Promise<void>): T {
  const calls = names.map((name): [keyof T, Call] => {
    const call = port[name] as Call;
    const checked: Call = async (...args) => {
      await confirm();
      return call(...args);
    };
    return [name, checked];
  });
  return { ...port, ...Object.fromEntries(calls) };
}

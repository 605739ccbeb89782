import pRetry from 'p-retry';
import { isFault } from '../../../core/model/engine-error.ts';
import type { Endpoint } from '../connect/endpoint.ts';
import { engineError } from './error.ts';

const RETRIES = { retries: 3, minTimeout: 100, factor: 3 };

/** The calls of a port: reads, and calls without an answer. */
interface Kinds<T> {
  readonly reads: ReadonlySet<keyof T>;
  readonly plain?: ReadonlySet<keyof T>;
}

/** Converts every call's error to swapctl's own type; repeats reads if the connection broke or the engine had a fault. */
export function translating<T extends object>(port: T, endpoint: Endpoint, { reads, plain }: Kinds<T>): T {
  const wrapped = Object.entries(port).map(([name, call]) => {
    if (plain?.has(name as keyof T)) return [name, call];
    const translated = translate(call as Call, endpoint);
    if (!reads.has(name as keyof T)) return [name, translated];
    const again = { ...RETRIES, shouldRetry: ({ error }: { error: Error }) => isFault(error) };
    return [name, (...args: unknown[]) => pRetry(() => translated(...args), again)];
  });
  return Object.fromEntries(wrapped) as T;
}

type Call = (...args: unknown[]) => Promise<unknown>;

function translate(call: Call, endpoint: Endpoint): Call {
  return async (...args) => {
    try {
      return await call(...args);
    } catch (error) {
      throw engineError(endpoint, error);
    }
  };
}

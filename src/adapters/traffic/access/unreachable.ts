import { fail, messageOf, SwapError } from '../../../core/model/error.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';

/** Raises `proxy-unreachable`: which proxy, and why it is out of reach. */
export function unreachable(proxy: string, why: string, hint?: string): never {
  return fail('proxy-unreachable', `${proxy} is out of reach: ${sanitizeText(why)}`, {
    hint: hint ?? 'check that the proxy runs, and that swapctl.proxy names it',
  });
}

/** Performs a task; any error in it means that the proxy is out of reach, unless it is already a coded error. */
export async function reaching<T>(proxy: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SwapError) throw error;
    return unreachable(proxy, messageOf(error));
  }
}

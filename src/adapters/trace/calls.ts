import { AsyncResource } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { Call } from '../../core/report/progress.ts';

const BEGUN = channel('swapctl:call:begun');
const ENDED = channel('swapctl:call:ended');

type Begun = Pick<Call, 'to' | 'what'>;

/**
 * Marks the start of a call that leaves this process; call the result with the status when it ends. `what` names the call without
 * its body, query and logins, and runs only if there is a listener.
 */
export function noteCall(to: Call['to'], what: () => string): (status: string | number) => void {
  if (!ENDED.hasSubscribers) return () => {};
  const call: Begun = { to, what: what() };
  BEGUN.publish(call);
  return (status) => ENDED.publish({ call, status: String(status) });
}

/**
 * Reports each call of this process that begins from now on, when it ends, in the asynchronous context in which it began: calls of
 * several jobs share connections. The result stops the reports.
 */
export function onCalls(now: () => number, report: (call: Call) => void): () => void {
  const begun = new WeakMap<object, (status: string) => void>();
  const onBegun = (message: unknown): void => {
    const call = message as Begun;
    const began = now();
    const end = (status: string): void => report({ ...call, status, ms: now() - began });
    begun.set(call, AsyncResource.bind(end));
  };
  const onEnded = (message: unknown): void => {
    const { call, status } = message as { call: Begun; status: string };
    begun.get(call)?.(status);
  };
  BEGUN.subscribe(onBegun);
  ENDED.subscribe(onEnded);
  return () => {
    BEGUN.unsubscribe(onBegun);
    ENDED.unsubscribe(onEnded);
  };
}

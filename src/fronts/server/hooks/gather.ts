import { merged, type PushedRepository } from '../../../core/webhooks/hint.ts';

/** The means to gather pushes. */
export interface GatherWorld {
  readonly clock: { now(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** Ends the gathering. Waiting pushes are dropped: the next scheduled check finds their images. */
  readonly signal: AbortSignal;
  /** Checks the services that track these repositories. It is not called again before it has resolved. */
  readonly check: (pushes: readonly PushedRepository[], senders: readonly Sender[]) => Promise<void>;
  readonly onError: (raised: unknown) => void;
}

/** The origin of a push. */
export interface Sender {
  /** The name of the hook in swapctl.yml. */
  readonly hook: string;
  readonly address: string;
}

/** Pushes that wait for their check. */
export interface Gathered {
  /** Adds pushes, and drops them if too many repositories wait. It returns at once: checks run in the background. */
  add(pushes: readonly PushedRepository[], sender: Sender): void;
  /** How many repositories wait. */
  readonly size: number;
}

// An image of several platforms is several pushes, of which some senders report each.
const QUIET_MS = 2000;
const LONGEST_MS = 10_000;
const MOST_WAITING = 1000;
const MOST_SENDERS = 10;

interface Waiting {
  readonly push: PushedRepository;
  readonly senders: readonly Sender[];
  readonly first: number;
  readonly last: number;
}

/** One check for all pushes to a repository that come within some seconds. */
export function gatherPushes({ clock, signal, check, onError }: GatherWorld): Gathered {
  const waiting = new Map<string, Waiting>();
  let running = false;
  const dueAt = ({ first, last }: Waiting): number => Math.min(last + QUIET_MS, first + LONGEST_MS);
  const takeDue = (): Waiting[] => {
    const due = [...waiting.values()].filter((one) => dueAt(one) <= clock.now());
    for (const { push } of due) waiting.delete(push.repository);
    return due;
  };
  const run = async (): Promise<void> => {
    while (waiting.size > 0 && !signal.aborted) {
      const next = Math.min(...[...waiting.values()].map(dueAt));
      if (next > clock.now()) await clock.sleep(next - clock.now(), signal);
      const due = takeDue();
      if (due.length === 0 || signal.aborted) continue;
      const senders = due.flatMap((one) => one.senders);
      await check(
        due.map(({ push }) => push),
        senders,
      ).catch(onError);
    }
    running = false;
  };
  const addOne = (push: PushedRepository, sender: Sender): void => {
    const before = waiting.get(push.repository);
    if (!before && waiting.size >= MOST_WAITING) return;
    const now = clock.now();
    const [whole = push] = before ? merged([before.push, push]) : [push];
    const senders = withSender(before?.senders ?? [], sender);
    waiting.set(push.repository, { push: whole, senders, first: before?.first ?? now, last: now });
  };
  return {
    add: (pushes, sender) => {
      for (const push of pushes) addOne(push, sender);
      if (running || waiting.size === 0) return;
      running = true;
      run().catch(onError);
    },
    get size() {
      return waiting.size;
    },
  };
}

// A sender of an image of several platforms reports the push of each.
function withSender(senders: readonly Sender[], { hook, address }: Sender): readonly Sender[] {
  const isKnown = senders.some((one) => one.hook === hook && one.address === address);
  return isKnown || senders.length >= MOST_SENDERS ? senders : [...senders, { hook, address }];
}

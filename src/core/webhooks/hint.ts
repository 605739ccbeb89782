/** A repository of a push, as its sender names it. It is only a hint: swapctl asks the registry itself. */
export interface PushedRepository {
  /** `ghcr.io/me/app`, in the spelling of `canonical`. */
  readonly repository: string;
  /** Other names under which engines may pull from the same repository. */
  readonly also?: readonly string[];
  /** Repositories below this one may have changed, too. */
  readonly below?: true;
  /** None: the sender does not say which, so any may have changed. */
  readonly tags: readonly string[];
  readonly digest?: string;
}

/** An HTTP answer that a sender requires before it delivers anything. */
export interface Handshake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The meaning of a message from a sender. */
export type Hint =
  | { readonly kind: 'pushed'; readonly event: string; readonly repositories: readonly PushedRepository[] }
  | { readonly kind: 'ignored'; readonly why: string }
  | { readonly kind: 'handshake'; readonly response: Handshake }
  | { readonly kind: 'malformed'; readonly why: string };

/** The effect that a message would have on a server. */
export interface HookTrial {
  readonly message: Hint;
  readonly credential:
    | { readonly outcome: 'right' }
    | { readonly outcome: 'wrong' | 'unchecked'; readonly because: string };
}

/** A message as received, for the readers of the senders. */
export interface HookMessage {
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The JSON document. */
  readonly body: unknown;
  /** Host of the registry from the configuration; it overrides the sender's. */
  readonly registry: string | undefined;
}

export type ReadHook = (message: HookMessage) => Hint;

// No registry pushes to more repositories at once, and each one costs requests.
const MOST_REPOSITORIES = 100;

/** A push; `malformed` if it names no readable repository. */
export function pushed(event: string, found: readonly (PushedRepository | undefined)[]): Hint {
  const repositories = merged(found.flatMap((one) => one ?? [])).slice(0, MOST_REPOSITORIES);
  if (repositories.length > 0) return { kind: 'pushed', event, repositories };
  return malformed(`the event ${event} names no repository that swapctl can read`);
}

export function ignored(why: string): Hint {
  return { kind: 'ignored', why };
}

export function malformed(why: string): Hint {
  return { kind: 'malformed', why };
}

/** Why a push without a tag is ignored. */
export const NO_TAG = 'the push is by digest, so no tag moved';

/** One entry for each repository, with the tags of all. A repository without tags means all of its tags. */
export function merged(pushes: readonly PushedRepository[]): PushedRepository[] {
  const byName = new Map<string, { first: PushedRepository; tags: Set<string>; all: boolean; count: number }>();
  for (const push of pushes) {
    const entry = byName.get(push.repository) ?? { first: push, tags: new Set(), all: false, count: 0 };
    for (const tag of push.tags) entry.tags.add(tag);
    byName.set(push.repository, { ...entry, all: entry.all || push.tags.length === 0, count: entry.count + 1 });
  }
  return [...byName.values()].map(({ first, tags, all, count }) => {
    const { digest: _, ...rest } = first;
    return count === 1 ? first : { ...rest, tags: all ? [] : [...tags] };
  });
}

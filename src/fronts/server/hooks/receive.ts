import { messageOf } from '../../../core/model/error.ts';
import type { Hint, PushedRepository } from '../../../core/webhooks/hint.ts';
import { type HookConfig, traitsOf } from '../../../core/webhooks/kinds.ts';
import { readHook } from '../../../core/webhooks/senders.ts';
import { type Gathered, type GatherWorld, gatherPushes } from './gather.ts';
import { HOOK_BODY_LIMIT, type HookRequest, type OneHeaders, oneEach } from './request.ts';
import { type Seen, seenIds } from './seen.ts';
import { type Verdict, verify, verifyNothing } from './verify.ts';

/** The means to receive webhooks. They last as long as the server. */
export interface HookWorld {
  /** The present hooks of swapctl.yml. Raises `config`. */
  readonly hooks: () => Readonly<Record<string, HookConfig>>;
  readonly clock: { now(): number };
  readonly gathered: Pick<Gathered, 'add'>;
  /** Deliveries that came already, by the name of the hook. */
  readonly seen: Map<string, Seen>;
}

/** The answer to a request, and its outcome. */
export interface HookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The repositories that are checked because of it. */
  readonly hints: readonly PushedRepository[];
  /** For the log and for counting; `why` never has a secret in it, and is not for the sender of a refused request. */
  readonly outcome: 'accepted' | 'ignored' | 'replayed' | 'handshake' | 'malformed' | 'refused' | 'too-large';
  readonly why?: string;
}

/** Opens the world of `receiveHook`. */
export function openHooks({ hooks, ...world }: GatherWorld & Pick<HookWorld, 'hooks'>): HookWorld {
  return { hooks, clock: world.clock, gathered: gatherPushes(world), seen: new Map() };
}

/**
 * Receives a request to `/hooks/NAME`. It only asks for a check of the registry: nothing is rolled because a message says so.
 * It never raises, and does not wait for the check. An unknown name and a wrong credential get the same answer.
 */
export async function receiveHook(name: string, request: HookRequest, world: HookWorld): Promise<HookAnswer> {
  const { rawBody, method = 'POST' } = request;
  if (rawBody.length > HOOK_BODY_LIMIT)
    return answer(413, 'too-large', `the body is larger than ${HOOK_BODY_LIMIT} bytes`);
  const hook = hookNamed(name, world);
  const headers = oneEach(request.headers);
  const verdict = await checked(hook, { ...request, headers }, world);
  if (!verdict.ok || !hook) return { ...REFUSAL, ...(!verdict.ok && { why: verdict.why }) };
  if (verdict.id !== undefined && !seenBy(name, world).isNew(verdict.id))
    return answer(202, 'replayed', 'this delivery was received before');
  const hint = readHook(hook.kind, { method, headers, rawBody, registry: hook.registry });
  if (hint.kind === 'pushed') world.gathered.add(hint.repositories, { hook: name, address: request.address });
  return answerTo(hint, hook);
}

// The same words for every reason, so that nobody learns which hooks exist.
const REFUSAL: HookAnswer = {
  ...answer(401, 'refused'),
  headers: { 'content-type': 'application/json', 'www-authenticate': 'Bearer' },
};

function answer(status: number, outcome: HookAnswer['outcome'], why?: string): HookAnswer {
  const body = JSON.stringify({ outcome, ...(why !== undefined && { why }) });
  const headers = { 'content-type': 'application/json' };
  return { status, headers, body, hints: [], outcome, ...(why !== undefined && { why }) };
}

function answerTo(hint: Hint, { kind }: HookConfig): HookAnswer {
  switch (hint.kind) {
    case 'pushed':
      return { ...answer(202, 'accepted'), hints: hint.repositories };
    case 'ignored':
      return answer(202, 'ignored', hint.why);
    case 'handshake':
      return { ...hint.response, hints: [], outcome: 'handshake' };
    case 'malformed':
      return answer(traitsOf(kind).stuckByRefusal ? 202 : 400, 'malformed', hint.why);
  }
}

function hookNamed(name: string, { hooks }: HookWorld): HookConfig | undefined {
  try {
    const all = hooks();
    return Object.hasOwn(all, name) ? all[name] : undefined;
  } catch {
    // The server reports the mistake in swapctl.yml elsewhere.
    return undefined;
  }
}

async function checked(
  hook: HookConfig | undefined,
  request: Omit<HookRequest, 'headers'> & { readonly headers: OneHeaders },
  { clock }: HookWorld,
): Promise<Verdict> {
  if (!hook) return verifyNothing(request);
  const { kind, credential } = hook;
  if (credential.form !== 'secret') verifyNothing(request);
  try {
    return verify({ kind, form: credential.form }, await credential.secret.read(), request, clock.now());
  } catch (raised) {
    return { ok: false, why: `its credential cannot be read: ${messageOf(raised)}` };
  }
}

function seenBy(name: string, { seen }: HookWorld): Seen {
  const known = seen.get(name) ?? seenIds();
  seen.set(name, known);
  return known;
}

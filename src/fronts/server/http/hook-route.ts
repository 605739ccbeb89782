import type { Context } from 'hono';
import { hookActor } from '../../../core/access/actors.ts';
import { messageOf } from '../../../core/model/error.ts';
import type { PushedRepository } from '../../../core/webhooks/hint.ts';
import type { HookConfig } from '../../../core/webhooks/kinds.ts';
import { callerAddress } from '../access/address.ts';
import { type Actor, noteJob } from '../access/audit-job.ts';
import { credentialsOf } from '../access/credentials.ts';
import type { Sender } from '../hooks/gather.ts';
import { openHooks, receiveHook } from '../hooks/receive.ts';
import { HOOK_BODY_LIMIT } from '../hooks/request.ts';
import { within } from '../operations/within.ts';
import type { ServerWorld } from '../world.ts';
import type { Bindings } from './request/bindings.ts';

type Call = Context<{ Bindings: Bindings }>;

// Senders wait for an answer only for a few seconds, so a hanging engine must not delay it: then the last known hooks count.
const CONFIG_TIMEOUT_MS = 500;

/** Receives `/hooks/NAME` and `/hooks/NAME/SECRET`. A push makes the server check the services that track it, and no more. */
export function hookRoute(world: ServerWorld): (call: Call) => Promise<Response> {
  let hooks: Readonly<Record<string, HookConfig>> = {};
  const addressOf = callerAddress(world.trustProxy);
  const firstSeen = new Map<string, number>();
  const receiver = openHooks({
    hooks: () => hooks,
    clock: world.clock,
    signal: world.signal,
    check: (pushes, senders) => checkPushed(world, { pushes, senders }, firstSeen),
    onError: (raised) => world.log.write('error', `a webhook led to no check: ${messageOf(raised)}`),
  });
  return async (call) => {
    const configured = world.use(async (app) => app.hooks()).catch(() => hooks);
    hooks = await within(CONFIG_TIMEOUT_MS, configured, hooks);
    const { name = '', secret } = call.req.param() as { name?: string; secret?: string };
    const { address: peer, forwardedFor } = credentialsOf(call.req.raw.headers, {
      socket: call.env.incoming.socket,
      transport: call.env.transport,
    });
    const { status, headers, body, outcome, why } = await receiveHook(
      name,
      {
        method: call.req.method === 'OPTIONS' ? 'OPTIONS' : 'POST',
        headers: Object.fromEntries(call.req.raw.headers),
        rawBody: await bytesOf(call.req.raw),
        query: new URL(call.req.url).searchParams,
        pathSecret: secret,
        address: call.env.transport === 'unix' ? 'unix' : addressOf(peer, forwardedFor),
      },
      receiver,
    );
    const isKnown = Object.hasOwn(hooks, name);
    world.metrics.add('swapctl_hooks_total', { hook: isKnown ? name : 'unknown', outcome });
    world.log.write('debug', `hook ${isKnown ? name : '(unknown)'}: ${outcome}${why ? `: ${why}` : ''}`);
    return new Response(body, { status, headers });
  };
}

interface Pushes {
  readonly pushes: readonly PushedRepository[];
  readonly senders: readonly Sender[];
}

async function checkPushed(
  world: ServerWorld,
  { pushes, senders }: Pushes,
  firstSeen: Map<string, number>,
): Promise<void> {
  const { book, use, watched } = world;
  const { selectors, request } = watched;
  const hinted = await use((app) => app.hinted(selectors, { ...request, pushes }));
  const only = new Set(hinted.flatMap(({ service, checked }) => (checked ? [service] : [])));
  if (only.size === 0) return;
  const who = hookActor(senders.map(({ hook }) => hook));
  const from = [...new Set(senders.map(({ address }) => address))].join(' ');
  const service = [...only].join(' ');
  const pushed = pushes.map(({ repository }) => repository).join(' ');
  world.log.write('info', `${who}: a push to ${pushed}; checking ${service}`, { who, pushed, service });
  const actor: Actor = { who, by: 'hook', from };
  const { job } = await book.submit({
    kind: 'update',
    services: selectors,
    actor: who,
    request: { ...request, only, firstSeen },
    onRoll: (roll) => noteJob(world, actor, roll),
  });
  noteJob(world, actor, job, { service });
}

// One byte more than the limit is enough to be refused.
async function bytesOf(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > HOOK_BODY_LIMIT) break;
  }
  return Buffer.concat(chunks);
}

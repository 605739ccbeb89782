import { type HookAnswer, type HookWorld, receiveHook } from './receive.ts';
import { HOOK_BODY_LIMIT } from './request.ts';

/** The hook that a request is for, and its sender. */
export interface HookPlace {
  /** The part of the path behind `/hooks/`, decoded. */
  readonly name: string;
  /** The part behind the name, decoded. */
  readonly pathSecret?: string | undefined;
  /** Address of the sender. */
  readonly address: string;
}

/** Answers a request to `/hooks/NAME` or `/hooks/NAME/SECRET`; `onAnswer` is for log and metrics. */
export async function hookResponse(
  request: Request,
  place: HookPlace,
  world: HookWorld,
  onAnswer: (answer: HookAnswer, place: HookPlace) => void = () => {},
): Promise<Response> {
  const { name, ...rest } = place;
  const method = request.method === 'OPTIONS' ? 'OPTIONS' : 'POST';
  const rawBody = await limitedBody(request);
  const headers = Object.fromEntries(request.headers);
  const query = new URL(request.url).searchParams;
  const answer = await receiveHook(name, { ...rest, method, headers, query, rawBody }, world);
  onAnswer(answer, place);
  return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers: answer.headers });
}

/** The body. Reading stops as soon as it is too large. */
async function limitedBody(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > HOOK_BODY_LIMIT) break;
  }
  return Buffer.concat(chunks);
}

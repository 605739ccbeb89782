import type { Asker } from '../operations/asker.ts';

/** One request, in its handler's view. */
export interface Asking extends Asker {
  readonly request: Request;
  /** The path without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** In the form of the route's schemas. */
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** The body as it came. */
  readonly text: string;
  /** Cuts the connection of the client. */
  readonly drop: () => void;
}

/** An answer in JSON. */
export function answer(document: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  const head = { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers };
  return new Response(`${JSON.stringify(document)}\n`, { status, headers: head });
}

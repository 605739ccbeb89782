/** A request to a hook, as the server received it. */
export interface HookRequest {
  /** OPTIONS is a handshake of CloudEvents. */
  readonly method?: 'POST' | 'OPTIONS';
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as it came: signatures are of its bytes. */
  readonly rawBody: Uint8Array;
  readonly query: URLSearchParams;
  /** The part of the path behind the name of the hook, decoded: `/hooks/NAME/SECRET`. */
  readonly pathSecret?: string | undefined;
  /** Address of the sender, for the log. */
  readonly address: string;
}

/** Headers by name in lower case, with one value each. */
export type OneHeaders = Readonly<Record<string, string | undefined>>;

/** No sender sends larger bodies; the largest are envelopes of CNCF distribution. */
export const HOOK_BODY_LIMIT = 1024 * 1024;

/** A header that came twice has all values, so that it equals no secret. */
export function oneEach(headers: HookRequest['headers']): OneHeaders {
  const single = ([name, value]: [string, string | readonly string[] | undefined]): [string, string | undefined] => [
    name.toLowerCase(),
    typeof value === 'object' ? value.join(', ') : value,
  ];
  return Object.fromEntries(Object.entries(headers).map(single));
}

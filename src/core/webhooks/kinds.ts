import type { Secret } from '../settings/secret.ts';

/** The forms in which a sender can prove that it knows the secret of a hook. The names are keys in swapctl.yml. */
export const CREDENTIALS = {
  secret: 'key of the signature that the sender computes over the body',
  token: 'value of a header that the sender adds',
  bearer: 'token of the header Authorization: Bearer',
  basic: 'user:password of HTTP Basic authentication',
  'url-secret': 'last part of the URL, or its parameter token, for senders that can do nothing else',
} as const;

export type CredentialForm = keyof typeof CREDENTIALS;

/** Place of the signature: in the headers of Standard Webhooks, or as HMAC-SHA256 of the body, in hex. */
type Signature = 'standard-webhooks' | { readonly headers: readonly string[] };

interface HookTraits {
  /** Credentials that the sender supports. */
  readonly takes: readonly CredentialForm[];
  readonly signature?: Signature;
  /** Header of the `token`, in lower case. */
  readonly header?: string;
  /** The sender repeats a refused message until it is accepted, and delivers nothing else meanwhile. */
  readonly stuckByRefusal?: true;
}

/** Header of the token for senders that let users choose one. */
const OWN_HEADER = 'x-swapctl-token';

/** Senders of webhooks that swapctl understands. */
export const HOOKS = {
  'docker-hub': { takes: ['url-secret'] },
  github: { takes: ['secret'], signature: { headers: ['x-hub-signature-256'] } },
  gitlab: { takes: ['token', 'secret'], signature: 'standard-webhooks', header: 'x-gitlab-token' },
  harbor: { takes: ['token', 'bearer', 'basic'], header: 'authorization' },
  quay: { takes: ['url-secret'] },
  gitea: { takes: ['secret'], signature: { headers: ['x-gitea-signature', 'x-hub-signature-256'] } },
  forgejo: {
    takes: ['secret'],
    signature: { headers: ['x-forgejo-signature', 'x-gitea-signature', 'x-hub-signature-256'] },
  },
  acr: { takes: ['token', 'bearer', 'basic'], header: OWN_HEADER },
  'acr-event-grid': { takes: ['url-secret', 'token', 'bearer'], header: OWN_HEADER },
  ecr: { takes: ['token', 'basic', 'bearer'], header: OWN_HEADER },
  distribution: { takes: ['token', 'bearer', 'basic'], header: OWN_HEADER, stuckByRefusal: true },
  artifactory: {
    takes: ['secret', 'token'],
    signature: { headers: ['x-jfrog-event-auth'] },
    header: 'x-jfrog-event-auth',
  },
  standard: { takes: ['secret'], signature: 'standard-webhooks' },
} as const satisfies Record<string, HookTraits>;

export type HookKind = keyof typeof HOOKS;

/** The traits of a sender, in the general type. */
export function traitsOf(kind: HookKind): HookTraits {
  return HOOKS[kind];
}

/** A webhook that swapctl accepts, as swapctl.yml configures it. */
export interface HookConfig {
  readonly kind: HookKind;
  readonly credential: { readonly form: CredentialForm; readonly secret: Secret };
  /** Host under which services name the registry, if the sender omits it or names another one. */
  readonly registry: string | undefined;
}

/** Names of hooks are part of a URL. */
export const HOOK_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

import { type Hint, type HookMessage, malformed, type ReadHook } from './hint.ts';
import type { HookKind } from './kinds.ts';
import { allowOrigin, readAcr, readEventGrid } from './senders/acr.ts';
import { readArtifactory } from './senders/artifactory.ts';
import { readDistribution } from './senders/distribution.ts';
import { readDockerHub } from './senders/docker-hub.ts';
import { readEcr } from './senders/ecr.ts';
import { readGitea } from './senders/gitea.ts';
import { readGithub } from './senders/github.ts';
import { readGitlab } from './senders/gitlab.ts';
import { readHarbor } from './senders/harbor.ts';
import { readQuay } from './senders/quay.ts';
import { readStandard } from './senders/standard.ts';

const READERS: Readonly<Record<HookKind, ReadHook>> = {
  'docker-hub': readDockerHub,
  github: readGithub,
  gitlab: readGitlab,
  harbor: readHarbor,
  quay: readQuay,
  gitea: readGitea,
  forgejo: readGitea,
  acr: readAcr,
  'acr-event-grid': readEventGrid,
  ecr: readEcr,
  distribution: readDistribution,
  artifactory: readArtifactory,
  standard: readStandard,
};

// Senders with a setting for forms instead of JSON, and the field with the document.
const FORMS: Partial<Record<HookKind, string>> = { github: 'payload', gitea: 'payload', forgejo: 'payload' };

/** A request of a sender, after checks of its size and its credential. */
export interface HookDelivery {
  readonly method: 'POST' | 'OPTIONS';
  /** By name in lower case. */
  readonly headers: HookMessage['headers'];
  readonly rawBody: Uint8Array;
  readonly registry: string | undefined;
}

/** The meaning of a request from a sender of this kind. It never raises. */
export function readHook(kind: HookKind, { method, headers, rawBody, registry }: HookDelivery): Hint {
  if (method === 'OPTIONS') return optionsOf(kind, headers);
  const body = documentOf(kind, headers, rawBody);
  if (body === undefined) return malformed('its body is not JSON');
  if (typeof body !== 'object' || body === null) return malformed('its body is not a JSON object');
  return READERS[kind]({ headers, body, registry });
}

function optionsOf(kind: HookKind, headers: HookMessage['headers']): Hint {
  const response = kind === 'acr-event-grid' ? allowOrigin(headers) : undefined;
  return response ? { kind: 'handshake', response } : malformed('it is not a handshake');
}

function documentOf(kind: HookKind, headers: HookMessage['headers'], rawBody: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(rawBody);
    const form = FORMS[kind];
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
    return JSON.parse(form !== undefined && isForm ? (new URLSearchParams(text).get(form) ?? '') : text);
  } catch {
    return undefined;
  }
}

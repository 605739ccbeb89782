import { fail } from './error.ts';

/**
 * The name of an image as a user writes it. The same reference can mean another image tomorrow. Grammar:
 * https://github.com/distribution/reference (on which the OCI distribution specification builds).
 */
export interface ImageRef {
  /** As it was written: `nginx`, where the other parts are those of `docker.io/library/nginx:latest`. */
  readonly text: string;
  /** Registry host as in `config.json`: `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** Repository path within the registry, `library/nginx` for the short `nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const HUB = 'docker.io';
const HUB_ALIASES = new Set([HUB, 'index.docker.io', 'registry-1.docker.io']);
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const HOST = '(?:\\[[0-9a-fA-F:]+\\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::\\d{1,5})?';
const TAG = '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}';
const DIGEST = '[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}';
/** The first part of a path, if it is not a host: a dot would make it one. */
const NO_HOST = '[a-z0-9]+(?:(?:__?|-+)[a-z0-9]+)*';

const IS_REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const [IS_HOST, IS_TAG, IS_DIGEST] = [HOST, TAG, DIGEST].map((part) => new RegExp(`^${part}$`)) as [
  RegExp,
  RegExp,
  RegExp,
];
/** Matches exactly the texts that `parseReference` reads: the pattern for a schema. */
export const REFERENCE = new RegExp(
  `^(?:(?:${HOST}|${NO_HOST})(?:/${COMPONENT})+|${COMPONENT})(?::${TAG})?(?:@${DIGEST})?$`,
);
const IMAGE_ID = /^(?:sha256:)?[0-9a-f]{64}$/;

/** Parses an image reference; a name without tag and digest means `:latest`. Raises `usage` if the text is not a reference. */
export function parseReference(text: string): ImageRef {
  const [name = '', digest] = splitOnce(text, '@');
  if (digest !== undefined && !IS_DIGEST.test(digest)) invalid(text, `${digest.slice(0, 80)} is no digest`);
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  const tag = tagged ? name.slice(colon + 1) : undefined;
  if (tag !== undefined && !IS_TAG.test(tag)) invalid(text, `${JSON.stringify(tag.slice(0, 80))} is no tag`);
  const { registry, repository } = splitHost(tagged ? name.slice(0, colon) : name, text);
  return { text, registry, repository, tag: tag ?? (digest === undefined ? 'latest' : undefined), digest };
}

/** The same for a text that may be no reference: then undefined. */
export function readReference(text: string): ImageRef | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

/** True: the text is an image id (bare or `sha256:`), which names no repository to track. */
export function isImageId(text: string): boolean {
  return IMAGE_ID.test(text);
}

/** The repository of a reference in its short form, without tag and digest. */
export function formatRepository(ref: ImageRef): string {
  if (ref.registry !== HUB) return `${ref.registry}/${ref.repository}`;
  return ref.repository.startsWith('library/') ? ref.repository.slice('library/'.length) : ref.repository;
}

/** A reference in one spelling, with everything that its short form leaves out. */
export function canonical(ref: ImageRef): string {
  const { tag, digest } = ref;
  return `${repositoryName(ref)}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

/** The repository of a reference with its registry, in one spelling. */
export function repositoryName({ registry, repository }: Pick<ImageRef, 'registry' | 'repository'>): string {
  return `${registry}/${repository}`;
}

/** The reference to a digest of the same repository. */
export function atDigest(ref: ImageRef, digest: string): ImageRef {
  return { ...ref, text: `${formatRepository(ref)}@${digest}`, tag: undefined, digest };
}

export function sameRepository(a: ImageRef, b: ImageRef): boolean {
  return a.registry === b.registry && a.repository === b.repository;
}

/** `sha256:` and the first 12 hex digits: enough for a person to compare. */
export function shortDigest(digest: string): string {
  const [algorithm, hex] = splitOnce(digest, ':');
  return hex === undefined ? digest.slice(0, 12) : `${algorithm}:${hex.slice(0, 12)}`;
}

function splitHost(name: string, whole: string): { registry: string; repository: string } {
  const [first = '', rest] = splitOnce(name, '/');
  const isHost = rest !== undefined && (/[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const registry = isHost ? first : HUB;
  const path = isHost ? rest : name;
  if (!IS_HOST.test(registry)) invalid(whole, `${JSON.stringify(registry.slice(0, 80))} is no registry host`);
  if (!IS_REPOSITORY.test(path)) invalid(whole, repositoryMistake(path));
  if (!HUB_ALIASES.has(registry)) return { registry, repository: path };
  return { registry: HUB, repository: path.includes('/') ? path : `library/${path}` };
}

function repositoryMistake(path: string): string {
  if (path === '') return 'the repository is missing';
  if (path !== path.toLowerCase()) return 'a repository is written in lower case';
  return `${JSON.stringify(path.slice(0, 80))} is no repository`;
}

function invalid(text: string, why: string): never {
  return fail('usage', `${JSON.stringify(text.slice(0, 200))} is no image reference: ${why}`, {
    hint: 'write it like nginx:1.27, ghcr.io/me/app:stable or 127.0.0.1:5000/app@sha256:…',
  });
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

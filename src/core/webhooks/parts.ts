import { readReference, repositoryName } from '../model/reference.ts';
import type { PushedRepository } from './hint.ts';

const LONGEST_NAME = 512;
const LONGEST_TAG = 128;
const DIGEST = /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/;

/** The value at a path of keys; undefined if there is none. Only own properties of the document count. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? inner[key as never] : undefined,
    value,
  );
}

/** The text at a path; undefined if there is none, or an empty one. */
export function textAt(value: unknown, ...keys: readonly string[]): string | undefined {
  const found = at(value, ...keys);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** The list at a path; empty if there is none. */
export function listAt(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const found = at(value, ...keys);
  return Array.isArray(found) ? found : [];
}

/** A repository in one spelling; undefined if host or path cannot be one. */
export function repositoryOf(host: string | undefined, path: string | undefined): string | undefined {
  if (!host || !path || host.length + path.length > LONGEST_NAME || /[:@]/.test(path)) return undefined;
  const given = host.toLowerCase();
  const ref = readReference(`${given}/${path.toLowerCase()}`);
  // A host without a dot or a port would be the first part of a path on Docker Hub.
  const isHost = ref?.registry === given || (ref?.registry === 'docker.io' && given.includes('.'));
  return ref && isHost ? repositoryName(ref) : undefined;
}

/** The host and the path of `host/path:tag` or `host/path@digest`. */
export function splitName(name: string | undefined): { host?: string; path?: string; tag?: string } {
  if (name === undefined || name.length > LONGEST_NAME) return {};
  const [whole = ''] = name.split('@', 1);
  const slash = whole.indexOf('/');
  const colon = whole.lastIndexOf(':');
  const isTagged = colon > whole.lastIndexOf('/');
  const path = whole.slice(slash + 1, isTagged ? colon : undefined);
  return { host: whole.slice(0, Math.max(0, slash)), path, ...(isTagged && { tag: whole.slice(colon + 1) }) };
}

/** The host of a URL, with its port if it has one. */
export function hostOf(url: string | undefined): string | undefined {
  if (url === undefined || url.length > LONGEST_NAME * 4) return undefined;
  return /^https?:\/\/(?:[^/?#@]*@)?([^/?#@]+)/i.exec(url)?.[1];
}

/** The tags among some values; a digest does not count. */
export function tagsIn(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value) => typeof value === 'string' && isTag(value)) as string[])];
}

/** A push to a repository; undefined if none of the names can be one. */
export function push(
  names: readonly (string | undefined)[],
  tags: readonly unknown[],
  digest?: string,
): PushedRepository | undefined {
  const [repository, ...also] = [...new Set(names.filter((name) => name !== undefined))];
  if (repository === undefined) return undefined;
  return {
    repository,
    ...(also.length > 0 && { also }),
    tags: tagsIn(tags),
    ...(digest !== undefined && DIGEST.test(digest) && { digest }),
  };
}

/** A text of the sender for a person: short. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function isTag(text: string): boolean {
  const ref = text.length > LONGEST_TAG ? undefined : readReference(`x:${text}`);
  return ref?.tag === text && ref.digest === undefined;
}

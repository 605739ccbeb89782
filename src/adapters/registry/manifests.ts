import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Platform } from '../../core/model/platform.ts';
import { problem } from './http/problem.ts';

/** All types that a current client accepts; a registry would convert a missing one, and change the digest (T38). */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** The size up to which every registry must take a manifest (OCI distribution specification, "Pushing Manifests"). */
export const LARGEST_MANIFEST = 4 * 1024 * 1024;

const Digest = z.string().regex(/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128}$/);
const Annotations = z.record(z.string(), z.string()).nullish();
const PlatformOf = z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const Index = z.looseObject({
  manifests: z.array(z.looseObject({ digest: Digest, platform: PlatformOf.nullish() })),
});
const Manifest = z.looseObject({ config: z.looseObject({ digest: Digest }), annotations: Annotations });
const Config = z.looseObject({ created: z.string().nullish() });

export interface IndexEntry {
  readonly digest: string;
  readonly platform: Platform | undefined;
}

/** The target of a tag or digest. */
export type Parsed =
  | { readonly kind: 'index'; readonly entries: readonly IndexEntry[] }
  | { readonly kind: 'manifest'; readonly configDigest: string; readonly created: number | undefined };

/** Reads an index or a manifest; `what` names it in the error. Raises `bad-answer`. */
export function parseManifest(body: Buffer, what: string): Parsed {
  const content = json(body);
  const index = Index.safeParse(content);
  if (index.success)
    return {
      kind: 'index',
      entries: index.data.manifests.map(({ digest, platform }) => ({ digest, platform: platform ?? undefined })),
    };
  const manifest = Manifest.safeParse(content);
  if (!manifest.success) throw problem('bad-answer', `the manifest of ${what} is not one of a container image`);
  const { config, annotations } = manifest.data;
  return { kind: 'manifest', configDigest: config.digest, created: timeOf(annotations?.[CREATED]) };
}

const CREATED = 'org.opencontainers.image.created';

/** The build time of an image, from its config; undefined if it has none. */
export function createdOf(config: Buffer): number | undefined {
  const parsed = Config.safeParse(json(config));
  return parsed.success ? timeOf(parsed.data.created ?? undefined) : undefined;
}

/** True if a text has the form of a digest. */
export function isDigest(text: string | undefined): text is string {
  return Digest.safeParse(text).success;
}

/** True: the content matches its digest; raises `bad-answer` for an unknown algorithm. */
export function hasDigest(content: Buffer, digest: string): boolean {
  const [algorithm = '', hex = ''] = digest.split(':');
  if (algorithm !== 'sha256' && algorithm !== 'sha512')
    throw problem('bad-answer', `${JSON.stringify(algorithm.slice(0, 20))} is no digest that can be checked`);
  return createHash(algorithm).update(content).digest('hex') === hex.toLowerCase();
}

/** The usual digest of content. */
export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

// Reproducible builds say 1970, or 1980.
const FIRST_IMAGE = Date.UTC(2013, 2, 1);

function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return time > FIRST_IMAGE ? time : undefined;
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

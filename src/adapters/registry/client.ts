import { choosePlatform, type Platform } from '../../core/model/platform.ts';
import type { ImageRef } from '../../core/model/reference.ts';
import type { Clock } from '../../ports/host.ts';
import type { LoginFor, RegistryReach, RemoteImage, Report } from '../../ports/ports.ts';
import type { Registry } from '../../ports/registry.ts';
import { type Ask, openAsk, type Question } from './authorize.ts';
import { withEcr } from './ecr.ts';
import type { Timeouts } from './http/connections.ts';
import { openDial } from './http/dial.ts';
import { type Answer, headerOf, openHttp } from './http/http.ts';
import { once } from './http/once.ts';
import { problem, refusal } from './http/problem.ts';
import { keptLogins } from './logins.ts';
import {
  createdOf,
  digestOf,
  hasDigest,
  isDigest,
  LARGEST_MANIFEST,
  MANIFEST_TYPES,
  type Parsed,
  parseManifest,
} from './manifests.ts';
import { measured } from './measured.ts';
import { DOCKER_CERTS, readSettings } from './settings.ts';
import { allTags } from './tags.ts';

/** The environment of a registry client. */
export interface ClientOptions {
  readonly loginFor: LoginFor;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly rules: RegistryReach;
  readonly report: Report;
  /** The folder with the certificates of registries. Default: docker's. */
  readonly certs?: string | undefined;
  readonly timeouts?: Timeouts | undefined;
}

/** The address of a registry: `docker.io` is a name, its API is elsewhere, and it may have mirrors. */
interface Source {
  /** The name under which logins are stored. */
  readonly registry: string;
  readonly base: URL;
}

const HUB = 'docker.io';
const HUB_API = 'registry-1.docker.io';
const MOST_REMEMBERED = 1000;

/** A client of all registries: it keeps connections, logins and immutable content while it is open. */
export function registryClient({
  loginFor,
  env,
  clock,
  rules,
  report,
  certs = DOCKER_CERTS,
  timeouts,
}: ClientOptions): Registry {
  const settings = readSettings(rules, certs);
  const dial = openDial(settings, env, timeouts);
  const send = openHttp(dial, clock, timeouts);
  const logins = keptLogins(withEcr(loginFor, send, env, clock), clock);
  const ask = measured(openAsk(send, logins, settings.isInsecure, clock), clock, report);
  const sourcesOf = async ({ registry }: ImageRef): Promise<Source[]> => {
    const host = registry === HUB ? HUB_API : registry;
    const own = { registry, base: new URL(`${await dial.scheme(host)}://${host}`) };
    const mirrors = settings
      .mirrors(registry)
      .filter((mirror) => URL.canParse(mirror))
      .map((mirror) => new URL(mirror));
    return [...mirrors.map((base) => ({ registry: base.host, base })), own];
  };
  const contents = new Map<string, Promise<Buffer>>();

  // As dockerd: a mirror that fails for any reason is skipped, and the registry itself decides.
  const anywhere = async <T>(ref: ImageRef, work: (at: Place) => Promise<T>, signal: AbortSignal): Promise<T> => {
    const [last, ...mirrors] = (await sourcesOf(ref)).reverse();
    if (!last) throw problem('registry-unreachable', `there is no registry of ${ref.text}`);
    for (const source of mirrors.reverse()) {
      try {
        return await work({ ask, source, ref, signal });
      } catch {
        signal.throwIfAborted();
      }
    }
    return work({ ask, source: last, ref, signal });
  };
  // The content of a digest never changes.
  const content: Content = (at, kind, digest) => {
    if (contents.size > MOST_REMEMBERED) contents.clear();
    return once(contents, `${at.ref.registry}/${at.ref.repository}@${digest}`, () => verified(at, kind, digest));
  };

  return {
    digest: (reference, signal) => anywhere(reference, currentDigest, signal),
    image: (reference, platform, signal) => anywhere(reference, (at) => imageOf(at, content, platform), signal),
    tags: (reference, signal) => anywhere(reference, (at) => allTags(at.ref.repository, (url) => get(at, url)), signal),
    close: dial.close,
  };
}

interface Place {
  readonly ask: Ask;
  readonly source: Source;
  readonly ref: ImageRef;
  readonly signal: AbortSignal;
}

type Content = (at: Place, kind: 'manifests' | 'blobs', digest: string) => Promise<Buffer>;

async function currentDigest(at: Place): Promise<string> {
  const { ref } = at;
  const name = ref.digest ?? ref.tag ?? 'latest';
  const head = await at.ask(question(at, 'HEAD', `manifests/${name}`, MANIFEST_TYPES));
  const told = headerOf(head.headers, 'docker-content-digest');
  if (head.status === 200 && isDigest(told)) return told;
  // Not every registry sends the digest, and some have no HEAD; the content shows it.
  if (head.status !== 200 && head.status !== 405 && head.status !== 501)
    throw refusal(named(ref), head.url.host, head.status, head.body);
  const { status, body, headers, url } = await at.ask(question(at, 'GET', `manifests/${name}`, MANIFEST_TYPES));
  if (status !== 200) throw refusal(named(ref), url.host, status, body);
  const said = headerOf(headers, 'docker-content-digest');
  if (isDigest(said) && !hasDigest(body, said)) throw lying(at, said);
  parseManifest(body, named(ref));
  return isDigest(said) ? said : digestOf(body);
}

async function imageOf(at: Place, content: Content, platform: Platform): Promise<RemoteImage> {
  const wanted = at.ref.digest ?? (await currentDigest(at));
  const { digest, manifest } = await platformManifest(at, content, wanted, platform);
  const { configDigest, created } = manifest;
  return { manifestDigest: digest, configDigest, created: created ?? (await builtAt(at, content, configDigest)) };
}

// An index may hold indexes.
const DEEPEST = 3;

async function platformManifest(
  at: Place,
  content: Content,
  wanted: string,
  platform: Platform,
): Promise<{ digest: string; manifest: Extract<Parsed, { kind: 'manifest' }> }> {
  let digest = wanted;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const parsed = parseManifest(await content(at, 'manifests', digest), named(at.ref));
    if (parsed.kind === 'manifest') return { digest, manifest: parsed };
    const entry = choosePlatform(parsed.entries, platform);
    if (!entry) throw noPlatform(at, platform);
    digest = entry.digest;
  }
  throw problem('bad-answer', `the index of ${named(at.ref)} nests indexes without end`);
}

// The age is optional, so an error does not matter.
async function builtAt(at: Place, content: Content, configDigest: string): Promise<number | undefined> {
  try {
    return createdOf(await content(at, 'blobs', configDigest));
  } catch {
    at.signal.throwIfAborted();
    return undefined;
  }
}

/** Content by its digest, verified: wrong content is refused. */
async function verified(at: Place, kind: 'manifests' | 'blobs', digest: string): Promise<Buffer> {
  const accept = kind === 'manifests' ? MANIFEST_TYPES : '*/*';
  const { status, body, url } = await at.ask(question(at, 'GET', `${kind}/${digest}`, accept));
  if (status !== 200) throw refusal(`${named(at.ref)} (${digest.slice(0, 19)})`, url.host, status, body);
  if (!hasDigest(body, digest)) throw lying(at, digest);
  return body;
}

function get(at: Place, url: string): Promise<Answer> {
  return at.ask({
    ...question(at, 'GET', '', 'application/json'),
    url: new URL(url, at.source.base),
    limit: LARGEST_TAGS,
  });
}

const LARGEST_TAGS = 16 * 1024 * 1024;

function question({ source, ref, signal }: Place, method: 'HEAD' | 'GET', path: string, accept: string): Question {
  const url = new URL(`/v2/${ref.repository}/${path}`, source.base);
  return {
    method,
    url,
    registry: source.registry,
    repository: ref.repository,
    accept,
    limit: LARGEST_MANIFEST,
    signal,
  };
}

function named({ registry, repository, tag, digest }: ImageRef): string {
  return `${registry}/${repository}${digest ? `@${digest.slice(0, 19)}` : `:${tag}`}`;
}

function lying({ source, ref }: Place, digest: string): Error {
  return problem(
    'bad-answer',
    `${source.base.host} sends something else for ${named(ref)} than its digest ${digest.slice(0, 19)} says`,
    'nothing of it was taken; a cache or proxy between here and there may be broken',
  );
}

function noPlatform({ ref }: Place, { os, architecture, variant }: Platform): Error {
  const platform = [os, architecture, variant].filter(Boolean).join('/');
  return problem('wrong-platform', `${named(ref)} has no image for ${platform}`, 'push one for this platform');
}

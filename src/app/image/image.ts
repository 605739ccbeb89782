import { commitIn, REVISION } from '../../core/build/git.ts';
import type { Container, Image } from '../../core/model/container.ts';
import { EngineError, isAway, isDiskFull } from '../../core/model/engine-error.ts';
import { fail, messageOf, SwapError } from '../../core/model/error.ts';
import { digestsFor, type PinnedImage, type PullPolicy, runs } from '../../core/model/image.ts';
import { ownLabels } from '../../core/model/own-labels.ts';
import { goArchitecture } from '../../core/model/platform.ts';
import { atDigest, type ImageRef } from '../../core/model/reference.ts';
import { decodeState } from '../../core/service/labels.ts';
import type { Ports, PullLayer } from '../../ports/ports.ts';
import { diskFull } from './disk.ts';
import type { Resolved, ResolvedImage } from './resolved.ts';

/** Resolves a reference without a pull. `running` is the serving image. Raises `no-such-image`, `login` or `registry-unreachable`. */
export async function resolveImage(
  ports: Ports,
  follows: ImageRef,
  policy: PullPolicy,
  running: Container,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const { text, digest: pinned } = follows;
  const local = await ports.engine.image(text);
  if (local && (policy === 'never' || policy === 'missing' || pinned !== undefined))
    return { kind: 'local', follows, image: local };
  if (policy === 'never')
    return fail('no-such-image', `${text} is not on the engine, and --pull never forbids to fetch it`);
  if (policy === 'auto' && local && digestsFor(local, follows).length === 0)
    return { kind: 'local', follows, image: local };
  if (pinned !== undefined) return { kind: 'registry', follows, digest: pinned };
  ports.report({ kind: 'resolving', reference: text });
  try {
    // Podman can't resolve a reference, so it is not asked.
    const resolved = await ports.engine.resolve(text, signal);
    return { kind: 'registry', follows, digest: resolved ?? (await ports.registry.digest(follows, signal)) };
  } catch (error) {
    const problem = imageProblem(text, error);
    // A local build has a digest too in the containerd store and with Podman, but is in no registry.
    if (policy !== 'auto' || !local || runs(running, local)) {
      if (problem.code === 'registry-unreachable' && (await knowsMore(ports))) {
        return { kind: 'registry', follows, digest: undefined };
      }
      throw problem;
    }
    ports.report({ kind: 'note', text: `${problem.message}; taking the newer image that is on the engine` });
    return { kind: 'local', follows, image: local };
  }
}

// Podman's API does not show the registries that it reaches without TLS, or by another name: only its pull shows them.
async function knowsMore(ports: Ports): Promise<boolean> {
  return (await ports.engine.facts()).product === 'podman';
}

/** The result of a check, without asking for the present target of the tag (T39). */
export async function resolveFound(ports: Ports, follows: ImageRef, digest: string): Promise<ResolvedImage> {
  const image = await ports.engine.image(digest);
  // The containerd store gives every image a digest, but not while the image is being pulled.
  const isClassic = (await ports.engine.facts()).imageStore === 'classic';
  const built = isClassic && image !== undefined && digestsFor(image, follows).length === 0;
  return built ? { kind: 'local', follows, image } : { kind: 'registry', follows, digest };
}

/** True: the container already runs the image of the reference; undefined if only a pull can show it. */
export function alreadyRuns(
  running: Container,
  runningImage: Image | undefined,
  resolved: Resolved,
): boolean | undefined {
  if (resolved.kind === 'local') return runs(running, resolved.image);
  if (resolved.kind === 'commit') return isBuiltFrom(running, runningImage, resolved.digest) ? true : undefined;
  if (resolved.digest === undefined) return undefined;
  if (runningImage && digestsFor(runningImage, resolved.follows).includes(resolved.digest)) return true;
  return running.manifestDigest === resolved.digest ? true : undefined;
}

function isBuiltFrom(running: Container, image: Image | undefined, digest: string): boolean {
  const { name, imageId, config } = running;
  const state = decodeState(
    ownLabels({ name, imageId, labels: config.Labels ?? {} }, image?.config.Labels ?? (image && {})),
  );
  return state?.digest === digest || image?.config.Labels?.[REVISION] === commitIn(digest);
}

/**
 * Pulls the resolved image by its digest, so that a push in between can't change it (T39), and checks that it is for the engine's
 * platform or the previous image's.
 */
export async function fetchImage(
  ports: Ports,
  resolved: ResolvedImage,
  before: Image | undefined,
  signal: AbortSignal,
): Promise<PinnedImage> {
  const { follows } = resolved;
  const { text } = follows;
  const image = resolved.kind === 'local' ? resolved.image : await pulled(ports, follows, resolved.digest, signal);
  if (resolved.kind !== 'local') keepPlatform(text, image, before);
  await checkPlatform(ports, text, image, before);
  const digest =
    resolved.kind === 'registry' ? (resolved.digest ?? digestsFor(image, follows)[0]) : digestsFor(image, follows)[0];
  return { follows: text, id: image.id, digest };
}

async function pulled(
  ports: Ports,
  follows: ImageRef,
  digest: string | undefined,
  signal: AbortSignal,
): Promise<Image> {
  const exact = (digest === undefined ? follows : atDigest(follows, digest)).text;
  const present = digest === undefined ? undefined : await ports.engine.image(exact);
  if (present) return present;
  await pull(ports, exact, follows.text, signal);
  const image = await ports.engine.image(exact);
  return (
    image ??
    fail('no-such-image', `the engine pulled ${exact} but does not have it`, { hint: 'was it pruned at once?' })
  );
}

async function pull(ports: Ports, exact: string, follows: string, signal: AbortSignal): Promise<void> {
  const began = ports.clock.now();
  const layers = new Map<string, PullLayer>();
  try {
    await ports.engine.pull(
      exact,
      (layer) => ports.report(pullProgress(follows, layers.set(layer.layer, layer))),
      signal,
    );
  } catch (error) {
    if (signal.aborted) fail('interrupted', `the pull of ${follows} was interrupted`, { state: 'untouched' });
    if (isDiskFull(error)) throw await diskFull(ports, `${follows} could not be pulled`, error);
    throw imageProblem(follows, error);
  }
  ports.report({ kind: 'pulled', reference: follows, ms: ports.clock.now() - began });
}

function pullProgress(reference: string, layers: ReadonlyMap<string, PullLayer>) {
  const all = [...layers.values()];
  const done = all.filter((layer) => /^(Pull complete|Already exists)$/.test(layer.status)).length;
  const sum = (field: 'current' | 'total'): number => all.reduce((total, layer) => total + (layer[field] ?? 0), 0);
  return { kind: 'pulling', reference, done, layers: all.length, bytes: sum('current'), total: sum('total') } as const;
}

// A pull takes the engine's own platform, even if `--platform` of docker or compose asked for another when the container was
// created.
function keepPlatform(follows: string, image: Image, before: Image | undefined): void {
  if (!before?.architecture || !image.architecture || samePlatform(image, before)) return;
  const [is, was] = [image, before].map(({ os, architecture }) => `${os}/${architecture}`);
  fail('wrong-platform', `${follows} was pulled for ${is}, and the old container runs an image for ${was}`, {
    hint:
      `docker pull --platform ${was} ${follows} keeps the platform, docker pull ${follows} changes it to ${is}: ` +
      'then swapctl roll --pull never',
  });
}

function samePlatform(one: Image, other: Image): boolean {
  return one.os === other.os && one.architecture === other.architecture;
}

async function checkPlatform(ports: Ports, follows: string, image: Image, before: Image | undefined): Promise<void> {
  const facts = await ports.engine.facts();
  const fits = (os: string, architecture: string): boolean =>
    image.os === os && image.architecture === goArchitecture(architecture);
  if (!image.architecture || fits(facts.os, facts.architecture) || (before && fits(before.os, before.architecture)))
    return;
  fail(
    'wrong-platform',
    `${follows} is an image for ${image.os}/${image.architecture}; this engine runs ${facts.os}/${facts.architecture}`,
    {
      hint: 'push one for this platform, or a multi-platform index',
    },
  );
}

/** The error for people when the engine refuses to resolve or pull. */
function imageProblem(reference: string, error: unknown): SwapError {
  if (error instanceof SwapError) return error;
  const said = messageOf(error);
  if (isAway(error)) {
    const message = `the engine went away while ${reference} was fetched: ${said}`;
    return new SwapError('engine-unreachable', message, { hint: 'try again', cause: error });
  }
  const status = error instanceof EngineError ? error.status : 0;
  if (/no matching manifest|does not match the specified platform/i.test(said)) {
    return new SwapError('wrong-platform', `${reference} has no image for this engine's platform: ${said}`, {
      cause: error,
    });
  }
  if (status === 401 || status === 403 || /unauthorized|denied|authentication required|no basic auth/i.test(said)) {
    return new SwapError('login', `the registry does not let ${reference} be pulled: ${said}`, {
      hint: 'docker login on this machine (as the user that runs swapctl), or is the name misspelt?',
      cause: error,
    });
  }
  if (status === 404 || /manifest unknown|not found|name unknown/i.test(said)) {
    return new SwapError('no-such-image', `there is no image ${reference}: ${said}`, {
      hint: 'check the name and the tag',
      cause: error,
    });
  }
  return new SwapError('registry-unreachable', `the registry of ${reference} can't be asked: ${said}`, {
    hint: 'try again, or use --pull never for an image that is on the engine',
    cause: error,
  });
}

import { type BuildSpec, composeBuild, PLAIN_BUILD } from '../../core/build/build.ts';
import { commitDigest, commitIn, type GitSource, originLabels, shownGit } from '../../core/build/git.ts';
import { otherCauseOfBuild } from '../../core/health/blame.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import { COMPOSE_SERVICE, isComposeLabel } from '../../core/model/label-keys.ts';
import type { ImageRef } from '../../core/model/reference.ts';
import { projectOf } from '../../core/service/compose.ts';
import { hideSecrets } from '../../core/text/secrets.ts';
import type { GitTree, Ports } from '../../ports/ports.ts';
import { earlierTries, recordFailure } from '../recovery/failures.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import { engineNow } from '../select/engine-time.ts';
import { imageOf, ownOf } from '../select/own.ts';
import { buildImage } from './build.ts';
import type { ResolvedCommit } from './resolved.ts';

/** The present commit of a repository. Raises the errors of `Git.head`. */
export async function resolveCommit(
  ports: Ports,
  source: GitSource,
  follows: ImageRef,
  signal: AbortSignal,
): Promise<ResolvedCommit> {
  ports.report({ kind: 'resolving', reference: shownGit(source) });
  return { kind: 'commit', follows, source, digest: commitDigest(await ports.git.head(source, signal)) };
}

/** The result of a check: exactly that commit, even if the branch has moved. */
export function foundCommit({ policy, slotName }: PreparedSlot, follows: ImageRef, digest: string): ResolvedCommit {
  const { git: source } = policy;
  if (source) return { kind: 'commit', follows, source, digest };
  return fail('config', `${slotName} is not built from a repository any more`, {
    hint: 'the next check sees the change',
  });
}

/**
 * Builds the image of a commit. Raises the errors of the repository and the builder. A commit that does not build is not tried
 * again, unless the failure has another possible cause, such as a registry out of reach; then it is, under the backoff.
 */
export async function buildCommit(
  ports: Ports,
  service: string,
  slots: readonly PreparedSlot[],
  resolved: ResolvedCommit,
  signal: AbortSignal,
): Promise<PinnedImage> {
  const { follows, digest, source } = resolved;
  const [slot] = slots;
  if (!slot) return fail('not-found', `${service} has no replica`);
  const commit = commitIn(digest) ?? fail('bad-answer', `${digest} is no commit`);
  try {
    const tree = await ports.git.tree(source, commit, signal);
    try {
      noteSubmodules(ports, service, tree);
      const spec = await specOf(ports, slot, tree.folder);
      const labels = { ...spec.labels, ...originLabels(source, commit) };
      const { id } = await buildImage(ports, { ...spec, labels }, `${service} ${commit.slice(0, 12)}`, signal);
      return { follows: follows.text, id, digest };
    } finally {
      await tree.release();
    }
  } catch (error) {
    if (error instanceof SwapError && error.code === 'build-failed')
      for (const one of slots) await rememberUnbuilt(ports, service, one, resolved, error);
    throw error;
  }
}

function noteSubmodules(ports: Ports, service: string, { submodules }: GitTree): void {
  if (submodules.length === 0) return;
  const text = `${service}: submodules are not fetched, so that these folders are empty: ${submodules.join(', ')}`;
  ports.report({ kind: 'note', text });
}

// The build options of compose's files count; only the context differs.
async function specOf(ports: Ports, { container, images }: PreparedSlot, context: string): Promise<BuildSpec> {
  const labels = await ownOf({ ports, images }, container);
  const image = await imageOf({ ports, images }, container.imageId);
  const marks = Object.entries(image?.config.Labels ?? {}).filter(([key]) => isComposeLabel(key));
  const plain = { ...PLAIN_BUILD, context, labels: Object.fromEntries(marks) };
  const project = projectOf(labels);
  if (!project) return plain;
  if (!(await ports.compose.services(project))) {
    const text = `${container.name}: compose does not read its files here, so what their build: says does not count`;
    ports.report({ kind: 'note', text });
    return plain;
  }
  const { services, secrets } = await ports.compose.read(project);
  const build = services[labels[COMPOSE_SERVICE] ?? '']?.build;
  if (typeof build !== 'object' || build === null) return plain;
  const said = composeBuild({ build: { ...build, context } }, secrets) ?? plain;
  return { ...said, labels: { ...plain.labels, ...said.labels } };
}

async function rememberUnbuilt(
  ports: Ports,
  service: string,
  { slotName }: PreparedSlot,
  { digest, source }: ResolvedCommit,
  { code, message, log }: SwapError,
): Promise<void> {
  const cause = otherCauseOfBuild([message, ...log]);
  const known =
    cause === undefined ? { code, reason: message } : { code: 'unproven' as const, reason: `${message}; but ${cause}` };
  const tries = 1 + (await earlierTries(ports, slotName, digest, known.code));
  await recordFailure(ports, {
    role: 'failed',
    service,
    slot: slotName,
    roll: ports.host.randomId(),
    at: new Date(await engineNow(ports)).toISOString(),
    image: digest,
    digest,
    follows: shownGit(source),
    failure: {
      ...known,
      ...(tries > 1 ? { tries } : {}),
      health: [],
      log: hideSecrets(log.slice(-LOG_LINES), []).map((line) => line.slice(0, LONGEST)),
    },
  });
}

const LOG_LINES = 20;
const LONGEST = 400;

import type { Container } from '../../../core/model/container.ts';
import { EngineError } from '../../../core/model/engine-error.ts';
import { SwapError } from '../../../core/model/error.ts';
import type { Step } from '../../../core/rollout/step.ts';
import { hideSecrets } from '../../../core/text/secrets.ts';
import { earlierTries, recordFailure } from '../../recovery/failures.ts';
import { recall, type SlotRun } from '../slot-run.ts';

const LOG_LINES = 20;
const LONGEST_LINE = 400;

/** The last lines that a failed container wrote, and its last health results, as evidence for the user. */
export async function evidence(run: SlotRun, container: Container): Promise<{ health: string[]; log: string[] }> {
  const engine = (container.health?.log ?? []).map((entry) => `exit ${entry.exitCode}: ${entry.output.trim()}`);
  const own = recall(run, container).lastOutput;
  const health = [...engine, ...(own ? [own] : [])].slice(-3);
  const log = await run.ports.engine.logs(container.id, LOG_LINES).catch(() => []);
  return { health: shown(health, container), log: shown(log, container) };
}

/** Records that an image failed in a slot. `from`: the container that it was to replace. */
export async function rememberFailure(
  run: SlotRun,
  failed: Container,
  from: Container,
  what: Pick<Extract<Step, { kind: 'remember-failure' }>, 'roll' | 'code' | 'reason'>,
): Promise<void> {
  const { digest, id, follows } = run.desired.image;
  // A container that was removed on its exit can't be inspected, so the one that it was to replace stands for it.
  const isGone = failed.id === from.id && failed.imageId !== id;
  const image = isGone ? id : failed.imageId;
  const { health, log } = isGone ? { health: [], log: [] } : await evidence(run, failed);
  run.memory.lastWords = log;
  run.memory.lastStatus = isGone ? undefined : recall(run, failed).lastStatus;
  run.memory.redirectedAway = await redirectedAway(run, failed);
  run.ports.report({ kind: 'evidence', slot: run.names.slotName, container: failed.name, health, log });
  const [reason = what.reason] = hideSecrets([what.reason], failed.config.Env ?? []);
  const tries = 1 + (await earlierTries(run.ports, run.names.slotName, image, what.code));
  await recordFailure(run.ports, {
    role: 'failed',
    service: run.service,
    slot: run.names.slotName,
    roll: what.roll,
    at: new Date(run.now()).toISOString(),
    image,
    digest: image === id ? digest : undefined,
    follows,
    failure: { code: what.code, reason, health, log, ...(tries > 1 ? { tries } : {}) },
  });
}

// An app may become healthy only once clients reach it. Their number is only a hint, so a failure of nft ends nothing.
export async function redirectedAway({ ports: { kernel }, memory }: SlotRun, { id }: Container): Promise<number> {
  if (!memory.shut.has(id)) return 0;
  const connections = await kernel.redirected(id).catch(unknown);
  return connections.length;
}

function unknown(raised: unknown): [] {
  if (!(raised instanceof SwapError || raised instanceof EngineError)) throw raised;
  return [];
}

/** Records a rollback from an image: no unattended roll tries that image again. */
export async function recordRejected(run: SlotRun, from: Container, digest: string | undefined): Promise<void> {
  await recordFailure(run.ports, {
    role: 'failed',
    service: run.service,
    slot: run.names.slotName,
    roll: `${run.desired.roll}-condemned`,
    at: new Date(run.now()).toISOString(),
    image: from.imageId,
    digest,
    follows: from.config.Image ?? '',
    failure: { code: 'known-bad', reason: 'it was rolled back', health: [], log: [] },
  });
}

/** Lines of a container for people: cut, and without its secrets. */
export function shown(lines: readonly string[], { config }: Container): string[] {
  return hideSecrets(lines, config.Env ?? []).map((line) => line.slice(0, LONGEST_LINE));
}

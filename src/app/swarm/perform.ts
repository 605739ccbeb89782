import { isFault } from '../../core/model/engine-error.ts';
import type { ErrorCode } from '../../core/model/error.ts';
import { messageOf } from '../../core/model/error.ts';
import { shortDigest } from '../../core/model/reference.ts';
import type { Outcome, ServiceReport, Side } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import type { SwarmTask } from '../../core/swarm/model.ts';
import { isServing, type Seen, taskName } from '../../core/swarm/verdict.ts';
import { reportedError } from '../report/reported.ts';
import { nodeNames } from './evidence.ts';
import { imageParts } from './image.ts';
import { addFailure, addHistory, dropFailure } from './memory.ts';
import { aimOf, look, type SwarmRun, sendImage, type UpdateEnd, watchBack, watchUpdate } from './watch.ts';

type Failed = Extract<UpdateEnd, { kind: 'failed' }>;

/**
 * Brings a service to the image of its lock, or back: sends the update unless a dead process has sent it, watches it, and restores the
 * old image if it fails. It raises only errors from before the update; later ones are in the report.
 */
export async function performRoll(run: SwarmRun, before: Seen, sent: boolean): Promise<ServiceReport> {
  const { ports, note } = run;
  const began = ports.clock.monotonic();
  if (!sent) await sendImage(run, note.from, note.to);
  let lost = false;
  const end = await ending(run).catch((raised: unknown): End => {
    lost = isFault(raised);
    return { error: lost ? lostManager(run, raised) : reportedError(raised), outcome: 'failed' };
  });
  const total = ports.clock.monotonic() - began;
  const after = lost ? undefined : await look(run).catch(() => undefined);
  return { ...(await describe(run, before, after, end.outcome)), ...end, timings: { total } };
}

// The update is with Swarm, so nothing is as it was before, whatever became of the manager.
function lostManager({ service: { name }, note }: SwarmRun, raised: unknown): ReportedError {
  return {
    code: 'attention',
    message: `Swarm has the update of ${name} to ${shown(note.to)}, and the manager no longer answers: ${messageOf(raised)}`,
    hint: `Swarm goes on by itself; swapctl recover ${name} through another manager finishes or undoes the roll`,
  };
}

interface End {
  readonly outcome: Outcome;
  readonly error?: ReportedError;
}

async function ending(run: SwarmRun): Promise<End> {
  const end = await watchUpdate(run);
  if (end.kind === 'failed') return undo(run, end);
  await remember(run, 'history', async () => {
    await addHistory(run.ports, run.service, entryOf(run), startedEntry(run));
    await dropFailure(run.ports, run.service, digestOf(run.note.to));
    if (run.note.event === 'rolled-back') await rejectLeft(run);
  });
  return { outcome: run.note.event };
}

async function undo(run: SwarmRun, failed: Failed): Promise<End> {
  const { ports, service, note } = run;
  await remember(run, 'failure', () => rememberFailure(run, failed));
  const error = errorOf(run, failed);
  if (note.from === note.to) {
    const hint = 'it had the same image before, so there is nothing to go back to';
    return { outcome: 'failed', error: { ...error, code: 'attention', hint } };
  }
  const who = failed.by === 'swarm' ? 'Swarm puts' : 'swapctl puts';
  const text = `${service.name}: ${failed.reason}; ${who} ${shown(note.from)} back`;
  ports.report({ kind: 'note', text });
  try {
    // A login that failed on nodes must not stay in the service: the next task on another node would fail.
    const login = failed.evidence?.pull ? 'former' : 'own';
    if (failed.by === 'swapctl') await sendImage(run, note.to, note.from, login);
    await watchBack(run);
    return {
      outcome: 'failed',
      error: { ...error, message: `${error.message}; all tasks run ${shown(note.from)} again` },
    };
  } catch (raised) {
    const { code, message, hint } = reportedError(raised);
    const both = { ...error, message: `${error.message}; then ${message}`, ...(hint ? { hint } : {}) };
    return { outcome: 'failed', error: { ...both, code: code === 'busy' ? code : 'attention' } };
  }
}

function errorOf(run: SwarmRun, failed: Failed): ReportedError {
  const { name } = run.service;
  const { evidence } = failed;
  return {
    code: codeOf(failed),
    message: whatFailed(name, failed),
    hint: evidence?.pull
      ? `the log of the Docker daemon on that node has the answer of the registry: check the login here, and the node's way to it`
      : `docker service ps --no-trunc ${name} shows all tasks; swapctl history ${name} keeps the reason`,
    ...(evidence && evidence.log.length > 0 ? { log: evidence.log } : {}),
  };
}

function whatFailed(name: string, { code, by, evidence, reason }: Failed): string {
  if (code === 'interrupted') return `the roll of ${name} was interrupted`;
  if (code === 'stuck') return `the update of ${name} stood still: ${reason}`;
  if (evidence) return `the new tasks of ${name} failed: ${evidence.task}: ${evidence.reason}`;
  if (by === 'swarm') return `Swarm or another client of it put the old image of ${name} back: ${reason}`;
  return `the update of ${name} failed: ${reason}`;
}

// Only a failure that the image alone can have caused counts against it; a node that can't pull, or a missing place, does not.
function codeOf({ code, evidence }: Failed): ErrorCode {
  if (code !== 'failed') return code;
  return evidence?.image ? 'not-healthy' : evidence ? 'cannot-start' : 'unproven';
}

async function rememberFailure(run: SwarmRun, failed: Failed): Promise<void> {
  if (failed.code === 'interrupted' || (failed.by === 'swarm' && !failed.evidence)) return;
  const { ports, service, note } = run;
  const { evidence } = failed;
  await addFailure(ports, service, {
    image: imageParts(note.to).follows,
    digest: digestOf(note.to),
    at: new Date(ports.clock.now()).toISOString(),
    roll: note.roll,
    note: {
      code: codeOf(failed),
      reason: evidence ? `${evidence.task}: ${evidence.reason}` : failed.reason,
      health: evidence?.health.slice(-1) ?? [],
      log: (evidence?.log ?? []).map((line) => line.slice(0, LONGEST_LINE)),
    },
  });
}

// The image that a user rolled back from must not come again unattended.
async function rejectLeft({ ports, service, note }: SwarmRun): Promise<void> {
  const { follows, digest } = imageParts(note.from);
  if (digest === undefined || note.from === note.to) return;
  const at = new Date(ports.clock.now()).toISOString();
  const left = { code: 'known-bad', reason: 'it was rolled back', health: [], log: [] } as const;
  await addFailure(ports, service, { image: follows, digest, at, roll: `${note.roll}-left`, note: left });
}

// A config object is limited to 1000 kB, and each of them is on every manager.
const LONGEST_LINE = 1000;

// A failure to write a record does not change the running tasks.
async function remember({ ports, service }: SwarmRun, what: string, write: () => Promise<void>): Promise<void> {
  await write().catch((raised: unknown) => {
    ports.report({
      kind: 'note',
      text: `${service.name}: its ${what} could not be written down: ${messageOf(raised)}`,
    });
  });
}

function shown(image: string): string {
  const { follows, digest } = imageParts(image);
  return digest === undefined ? follows : `${follows} (${shortDigest(digest)})`;
}

function digestOf(image: string): string {
  return imageParts(image).digest ?? image;
}

function entryOf({ ports, note }: SwarmRun): HistoryEntry {
  const { follows, digest } = imageParts(note.to);
  const at = new Date(ports.clock.now()).toISOString();
  return { at, follows, id: digestOf(note.to), digest, event: note.event, roll: note.roll };
}

function startedEntry({ heldLock, note }: SwarmRun): HistoryEntry {
  const { follows, digest } = imageParts(note.from);
  return {
    at: new Date(heldLock.lock.config.createdAt).toISOString(),
    follows,
    id: digestOf(note.from),
    digest,
    event: 'started',
  };
}

async function describe(
  run: SwarmRun,
  before: Seen,
  after: Seen | undefined,
  outcome: Outcome,
): Promise<Omit<ServiceReport, 'timings' | 'outcome' | 'error'>> {
  const { note, service } = run;
  const nodes = await nodeNames(run.ports).catch(() => new Map<string, string>());
  const running = (after?.tasks ?? []).filter((task) => isServing(task)).sort((a, b) => a.slot - b.slot);
  const aim = aimOf(run);
  const replicas = running.map((task) => ({
    slot: taskName(service.name, task, nodes),
    outcome: task.image === aim.to ? outcome : ('failed' as const),
    timings: { total: Math.max(0, task.at - aim.since) },
  }));
  return {
    service: service.name,
    strategy: before.service.updateConfig.order,
    from: sideOf(before, note.from),
    to: sideOf(after, note.to),
    ...(replicas.length > 1 && outcome !== 'failed' ? { replicas } : {}),
  };
}

/** In the form of a report's container id. */
export function shortId(task: Pick<SwarmTask, 'id'> | undefined): string {
  return task?.id.slice(0, 12) ?? '';
}

function sideOf(seen: Seen | undefined, image: string): Side {
  const { follows, digest = '' } = imageParts(image);
  const task = seen?.tasks.find((one) => one.image === image);
  return { container: shortId(task), image: follows, digest };
}

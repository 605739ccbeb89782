import { isRejection } from '../../core/health/blame.ts';
import type { HealthConfig } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { Policy } from '../../core/settings/policy.ts';
import { howSwarm, notesOn, whyNot } from '../../core/swarm/capability.ts';
import type { SwarmFailure } from '../../core/swarm/memory.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import { isServing, progressOf } from '../../core/swarm/verdict.ts';
import type { RollTarget } from '../../core/update/roll-target.ts';
import type { Ports } from '../../ports/ports.ts';
import { traced } from '../report/trace.ts';
import { settingsOf } from '../select/settings.ts';
import { checkOf, imageParts, pinnedImage, type ServiceImage, wantedImage } from './image.ts';
import { takeLock } from './lock.ts';
import { memoryFor } from './memory.ts';
import { ownService, whyOwn } from './own.ts';
import { performRoll, shortId } from './perform.ts';
import { recoverSwarmService } from './recover.ts';

/** The options of a roll. */
export interface SwarmRollOptions {
  readonly target: RollTarget<ServiceImage>;
  readonly force: boolean;
  readonly overrides: Readonly<Record<string, string>>;
  readonly roll?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly signal: AbortSignal;
}

/** Rolls a service: first finishes or undoes an interrupted roll of it. Raises the errors that keep it from beginning. */
export function rollSwarmService(ports: Ports, name: string, options: SwarmRollOptions): Promise<ServiceReport> {
  return traced(ports, name, options.traceparent, async (own) => {
    ports.config();
    await recoverSwarmService(own, await serviceNamed(own, name), options.signal);
    return rollNow(own, await serviceNamed(own, name), options);
  });
}

export async function serviceNamed({ swarm }: Pick<Ports, 'swarm'>, name: string): Promise<SwarmService> {
  return (await swarm.service(name)) ?? fail('not-found', `${name} is gone`);
}

async function rollNow(ports: Ports, service: SwarmService, options: SwarmRollOptions): Promise<ServiceReport> {
  const policy = settingsOf(ports, service.name, service.labels, options.overrides);
  const back = options.target.kind === 'local';
  const why = whyNot(service, policy, options.force || back);
  if (why) return fail(why.code, why.message, { hint: why.hint });
  if ((await ownService(ports)) === service.id) {
    const { message, hint } = whyOwn(service);
    return fail('refused', message, { hint });
  }
  const wanted = await wantedImage(ports, service, policy, options);
  const to = pinnedImage(wanted);
  if (to === service.image && !options.force) return unchangedReport(ports, service);
  const { failures } = await memoryFor(ports, service.id);
  if (!options.force && !back) refuseRejected(service, wanted.digest, failures);
  const check = await checkOf(ports, service, to);
  const nodes = await ports.swarm.nodes();
  ports.report({ kind: 'slot', slot: service.name, strategy: service.updateConfig.order, because: howSwarm(service) });
  for (const text of notesOn(service, policy, nodes, check === 'unknown' ? undefined : check !== 'none'))
    ports.report({ kind: 'debug', text: `${service.name}: ${text}` });
  if (options.signal.aborted) return fail('interrupted', 'interrupted; nothing was changed');
  return rollLocked(ports, service, policy, to, options, typeof check === 'string' ? noCheck(check) : check);
}

// Without a check a task counts as soon as it runs.
function noCheck(check: 'none' | 'unknown'): HealthConfig | undefined {
  return check === 'none' ? { Interval: 1, Timeout: 1, Retries: 1 } : undefined;
}

async function rollLocked(
  ports: Ports,
  service: SwarmService,
  policy: Policy,
  to: string,
  options: SwarmRollOptions,
  check: HealthConfig | undefined,
): Promise<ServiceReport> {
  const event = options.target.kind === 'local' ? 'rolled-back' : 'rolled';
  const roll = options.roll ?? ports.host.randomId();
  const note = { service: service.name, roll, holder: ports.host.holder, from: service.image, to, event } as const;
  const heldLock = await takeLock(ports, service, note);
  try {
    const tasks = await ports.swarm.tasks(service.id);
    return await performRoll(
      { ports, service, note, policy, check, heldLock, signal: options.signal },
      { service, tasks },
      false,
    );
  } finally {
    await heldLock.release();
  }
}

// The spec alone does not show the health of the tasks.
async function unchangedReport({ swarm }: Ports, service: SwarmService): Promise<ServiceReport> {
  const { name, image, updateConfig } = service;
  const tasks = await swarm.tasks(service.id);
  const { follows, digest = '' } = imageParts(image);
  const from = { container: shortId(tasks.find(isServing)), image: follows, digest };
  const { done, of } = progressOf({ service, tasks }, image, 0);
  const notes = done < of ? { notes: [`only ${done} of ${of} tasks run: docker service ps --no-trunc ${name}`] } : {};
  return { service: name, outcome: 'unchanged', strategy: updateConfig.order, from, timings: { total: 0 }, ...notes };
}

/** Raises `known-bad` for an image that failed here before and was to blame. */
export function refuseRejected(
  { name }: Pick<SwarmService, 'name'>,
  digest: string | undefined,
  failures: readonly SwarmFailure[],
): void {
  const failure = failures.find((one) => one.digest === digest && isRejection(one.note));
  if (!failure) return;
  fail('known-bad', `this image failed in ${name} at ${failure.at}: ${failure.note.reason}`, {
    hint: `push a better one, roll with --force, or forget it: docker config rm ${failure.config.name}`,
    log: failure.note.log,
  });
}

import { type FailureCode, otherCause } from '../../core/health/blame.ts';
import type { Container } from '../../core/model/container.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import type { PinnedImage } from '../../core/model/image.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { decodeState } from '../../core/service/labels.ts';
import { helperRole } from '../../core/service/ownership.ts';
import type { Service } from '../../core/service/service.ts';
import {
  endsWithRun,
  failed,
  type HelperEnd,
  helperArgs,
  helperCommand,
  judgeHelper,
  judgeRefusedHelper,
} from '../../core/update/helper.ts';
import type { Ports } from '../../ports/ports.ts';
import type { HeldLock } from '../lock/held-lock.ts';
import type { PreparedSlot } from '../rollout/prepared-slot.ts';
import { type RollOptions, slotRun } from '../rollout/roll-slot.ts';
import type { SlotRun } from '../rollout/slot-run.ts';
import { createHelper } from '../rollout/steps/create.ts';
import { rememberFailure } from '../rollout/steps/remember.ts';
import { removeOwn } from '../rollout/steps/remove.ts';
import { listed } from '../select/own.ts';

const LOOK_EVERY_MS = 500;
const LINES = 20;

/** True: this process runs in one of the containers of a service. */
export function runsIn({ host }: Ports, { slots }: Service): boolean {
  return slots.some(({ members }) => members.some(({ id }) => id === host.containerId));
}

/** True: the container of this process exists for this one run; the next run has another container anyway. */
export async function isOneShot({ engine, host }: Ports): Promise<boolean> {
  const own = host.containerId === undefined ? undefined : await engine.container(host.containerId);
  return own !== undefined && endsWithRun(own.config, host.call);
}

/**
 * Rolls the service in which this process itself runs. No process can replace its own container, so a helper does: a container of
 * the new image that is otherwise like this one. That also proves the image. This process ends when the helper stops its
 * container; if that does not happen, it goes on and removes the helper.
 */
export async function rollByHelper(
  ports: Ports,
  service: Service,
  slots: readonly PreparedSlot[],
  image: PinnedImage,
  options: RollOptions,
): Promise<ServiceReport> {
  const slot =
    slots.find(({ container }) => container.id === ports.host.containerId) ??
    fail('busy', `another process is changing ${service.key}`, { hint: 'the next check sees the change' });
  const roll = options.roll ?? ports.host.randomId();
  const run = await slotRun(
    { ports, service: service.key, image, roll, tagBefore: undefined, heldLock: NO_LOCK, options },
    slot,
  );
  const helper = await startedHelper(run, slot, slots.length > 1 ? service.key : slot.slotName, options);
  if ('failed' in helper) return helper.failed;
  const ended = await untilEnded(ports, helper.id, options.signal);
  if (!ended) {
    const hint = `docker logs ${run.names.helper} shows the progress, swapctl history the result`;
    return failed(service.key, { code: 'busy', message: `${run.names.helper} replaces this container`, hint });
  }
  const { report, note } = judgeHelper(service.key, run.names.helper, ended);
  if (note) await remember(run, slot, helper.id, note, report);
  await ports.engine.remove(helper.id, { discard: true });
  return report;
}

// The helper takes the lock itself.
const NO_LOCK: HeldLock = { lost: new AbortController().signal, confirm: async () => {}, release: async () => {} };

async function startedHelper(
  run: SlotRun,
  slot: PreparedSlot,
  selector: string,
  options: RollOptions,
): Promise<{ id: string } | { failed: ServiceReport }> {
  const { engine, host, report } = run.ports;
  const { config } = slot.container;
  await clearHelper(run.ports, run.names.helper);
  const command = helperCommand(config, host.call, helperArgs(host.call, selector, run.desired.image, options));
  const id = await createHelper(run, slot.container, { name: run.names.helper, command });
  report({ kind: 'note', text: `${slot.slotName}: swapctl itself runs in it, so ${run.names.helper} rolls it` });
  try {
    await engine.start(id);
    return { id };
  } catch (error) {
    const { report: ended, note } = judgeRefusedHelper(run.service, error, await causeOfRefusal(run.ports, id, error));
    if (note) await remember(run, slot, id, note, ended);
    await engine.remove(id, { discard: true });
    return { failed: ended };
  }
}

async function causeOfRefusal({ engine }: Ports, helper: string, error: unknown): Promise<string | undefined> {
  const container = await engine.container(helper).catch(() => undefined);
  return container && otherCause({ ...ALONE, container, by: 'start', words: [messageOf(error)] });
}

const ALONE = { beside: true, redirected: 0, wasHealthy: false } as const;

async function remember(
  run: SlotRun,
  slot: PreparedSlot,
  helper: string,
  code: FailureCode,
  { error }: ServiceReport,
): Promise<void> {
  const reason = error?.message ?? 'it did not take over';
  const container = await run.ports.engine.container(helper);
  if (container) await rememberFailure(run, container, slot.container, { roll: run.desired.roll, code, reason });
}

/** Undefined: the signal came first. A helper that is gone was removed by another process. */
async function untilEnded({ engine, clock }: Ports, id: string, signal: AbortSignal): Promise<HelperEnd | undefined> {
  for (;;) {
    const helper = await engine.container(id);
    if (!helper) return { exitCode: 0, lines: [] };
    if (helper.status === 'exited' || helper.status === 'dead') return endOf(helper, await engine.logs(id, LINES));
    if (signal.aborted) return undefined;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

function endOf(container: Container, lines: readonly string[]): HelperEnd {
  const cause = otherCause({ ...ALONE, container, by: 'exit', words: lines });
  return { exitCode: container.exitCode, lines, cause };
}

/** Removes the helper that created this container, once it has ended. */
export async function clearOwnHelper(ports: Ports): Promise<void> {
  const { engine, host, report } = ports;
  if (host.containerId === undefined) return;
  const all = await listed(engine);
  const own = all.find(({ id }) => id === host.containerId)?.name;
  const helper = all.find(
    (one) => helperRole(one) === 'helper' && own !== undefined && decodeState(one.labels)?.slot === own,
  );
  if (helper && (await clearHelper(ports, helper.id)))
    report({ kind: 'note', text: `${helper.name} has done its work, and was taken away` });
}

/** Removes a helper that has ended, or never began; resolves with true if it did. */
export async function clearHelper(ports: Ports, name: string): Promise<boolean> {
  const { engine } = ports;
  const helper = await engine.container(name);
  if (!helper || !['exited', 'created', 'dead'].includes(helper.status)) return false;
  await removeOwn(ports, helper.id, 'helper');
  return true;
}

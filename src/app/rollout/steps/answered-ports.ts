import { answeredOf, describeLost, lostOf, publishedTcp } from '../../../core/health/answered-ports.ts';
import type { Container, ContainerSummary } from '../../../core/model/container.ts';
import { EngineError } from '../../../core/model/engine-error.ts';
import type { HistoryEntry, StateLabels } from '../../../core/service/labels.ts';
import type { Policy } from '../../../core/settings/policy.ts';
import type { Ports } from '../../../ports/ports.ts';
import { noteOnce } from '../../traffic/without-rules.ts';
import { recall, type SlotRun } from '../slot-run.ts';

/** Published ports on which a container answers before its roll; `unknown`: why that is unknown. */
export interface AnsweredPorts {
  readonly ports: readonly number[];
  readonly unknown?: string;
}

const NONE: AnsweredPorts = { ports: [] };

/** Finds the published ports on which a container answers; its successor has to answer on them, too. */
export async function answeredPorts(
  { traffic }: Pick<Ports, 'traffic'>,
  container: Container,
  { lostPorts }: Policy,
  all: readonly ContainerSummary[],
): Promise<AnsweredPorts> {
  const published = publishedTcp(container);
  if (lostPorts === 'off' || published.length === 0 || container.status !== 'running') return NONE;
  const { id, name } = container;
  const guest = all.find(({ networkOf }) => networkOf === id || networkOf === name);
  if (guest) return { ports: [], unknown: `${guest.name}, which lives in its network, may be who listens on them` };
  const listeners = await traffic.listening(container);
  if (!listeners) return { ports: [], unknown: "the listening sockets of containers can't be read from here" };
  return { ports: answeredOf(published, listeners) };
}

/** The same for an interrupted roll: the incumbent still shows it, if it runs. */
export async function answeredInHalf(
  { ports, policy }: Pick<SlotRun, 'ports' | 'policy'>,
  incumbent: ContainerSummary | undefined,
  candidate: StateLabels | undefined,
  all: readonly ContainerSummary[],
): Promise<SlotRun['answered']> {
  const container = incumbent && candidate && (await ports.engine.container(incumbent.id));
  if (!container || container.imageId === candidate?.image) return { ports: [], required: false };
  const answered = await answeredPorts(ports, container, policy, all);
  return { ports: answered.ports, required: isRequired(policy, candidate?.history[0]?.event) };
}

/** True: the candidate has to listen on the incumbent's ports; a user who asks for an older image accepts its ports. */
export function isRequired({ lostPorts }: Policy, event: HistoryEntry['event'] | undefined): boolean {
  return lostPorts === 'fail' && event !== 'rolled-back';
}

/** The note of a plan if the ports of candidate and incumbent can't be compared. */
export function uncomparedNote({ unknown }: AnsweredPorts): string | undefined {
  return unknown && `swapctl does not check that the new container listens on the published ports: ${unknown}`;
}

/** Checks repeatedly that a candidate listens on the ports of the incumbent, until it does. */
export async function lookAtPorts(run: SlotRun, container: Container): Promise<void> {
  const { ports, required } = run.answered;
  if (!required || ports.length === 0) return;
  if (container.imageId !== run.desired.image.id || container.status !== 'running') return;
  const known = recall(run, container);
  if (known.lostPorts?.length === 0) return;
  const listeners = await run.ports.traffic.listening(container);
  if (!listeners) return;
  const { id, startedAt } = container;
  run.memory.health.set(id, { ...recall(run, container), startedAt, lostPorts: lostOf(ports, container, listeners) });
}

/** Reports the published ports on which nothing answers any more, if that does not fail the roll. */
export async function noteLostPorts(run: SlotRun): Promise<void> {
  const { ports, required } = run.answered;
  if (required || ports.length === 0) return;
  const container = await run.ports.engine.container(run.names.slotName).catch(unknown);
  if (container?.imageId !== run.desired.image.id) return;
  const listeners = await run.ports.traffic.listening(container).catch(unknown);
  const lost = lostOf(ports, container, listeners ?? []);
  if (listeners && lost.length > 0) noteOnce(run, describeLost(lost, 'the new one'));
}

// The roll is done, even if its ports can't be checked now.
function unknown(raised: unknown): undefined {
  if (!(raised instanceof EngineError)) throw raised;
}

import { isConflict } from '../../core/model/engine-error.ts';
import type { HistoryEntry } from '../../core/service/labels.ts';
import {
  failureConfig,
  historyConfig,
  memoryOf,
  ROLE_LABEL,
  type SwarmFailure,
  type SwarmMemory,
} from '../../core/swarm/memory.ts';
import type { SwarmService } from '../../core/swarm/model.ts';
import type { Ports } from '../../ports/ports.ts';

type Place = Pick<Ports, 'swarm'>;
type Subject = Pick<SwarmService, 'id' | 'name' | 'labels'>;

/** The records of a service (its id). */
export async function memoryFor({ swarm }: Place, service: string): Promise<SwarmMemory> {
  return memoryOf(service, await swarm.configs(ROLE_LABEL));
}

/** Adds an entry to the history; `before`: its first entry if there is no history yet. Ignores a repeated entry of a roll. */
export async function addHistory(
  ports: Place,
  service: Subject,
  entry: HistoryEntry,
  before: HistoryEntry,
): Promise<void> {
  const { history } = await memoryFor(ports, service.id);
  const entries = history?.entries.length ? history.entries : [before];
  if (entries.some(({ roll }) => roll !== undefined && roll === entry.roll)) return;
  const config = historyConfig(service, [entry, ...entries]);
  if (history) await ports.swarm.labelConfig(history.config, config.labels);
  else await ports.swarm.createConfig(config);
}

const MOST_FAILURES = 10;

/** Records a failed image. The data of a config object can't change, so an older record of the image is replaced. */
export async function addFailure(
  ports: Place,
  service: Subject,
  failure: Pick<SwarmFailure, 'image' | 'digest' | 'at' | 'roll' | 'note'>,
): Promise<void> {
  const { failures } = await memoryFor(ports, service.id);
  const known = failures.find(({ digest }) => digest === failure.digest);
  if (known?.roll === failure.roll) return;
  const tries = known?.note.code === failure.note.code ? (known.note.tries ?? 1) + 1 : 1;
  const others = failures.filter((one) => one !== known).sort((a, b) => (a.at < b.at ? 1 : -1));
  for (const { config } of [...(known ? [known] : []), ...others.slice(MOST_FAILURES - 1)])
    await ports.swarm.removeConfig(config.id);
  const config = failureConfig(service, { ...failure, note: { ...failure.note, tries } });
  await ports.swarm.createConfig(config).catch((error: unknown) => {
    if (!isConflict(error)) throw error;
  });
}

/** Forgets the failures of an image that runs now. */
export async function dropFailure(ports: Place, service: Pick<SwarmService, 'id'>, digest: string): Promise<void> {
  const { failures } = await memoryFor(ports, service.id);
  for (const one of failures) if (one.digest === digest) await ports.swarm.removeConfig(one.config.id);
}

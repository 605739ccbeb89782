import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { fail } from '../../core/model/error.ts';
import { NO_LABELS } from '../../core/model/own-labels.ts';
import { whyAttached } from '../../core/service/attached.ts';
import { whyRoute } from '../../core/service/engine-route.ts';
import { sentence, type Why, whyManaged } from '../../core/service/managed.ts';
import { type Service, whyOwned } from '../../core/service/service.ts';
import { settingsFor } from '../../core/settings/config.ts';
import { isEnabledItself } from '../../core/settings/read.ts';
import type { Checked } from '../../core/update/newer.ts';
import type { Ports } from '../../ports/ports.ts';

type Asked = Pick<Ports, 'engine' | 'config'>;
type Listed = Pick<ContainerSummary, 'id' | 'labels'>;

/** The result of a check for a service of another program. No registry is asked: only the owner may know its login. */
export function ownedLine(service: Service): Checked | undefined {
  const owned = whyOwned(service);
  if (!owned) return undefined;
  const { member, why } = owned;
  const from = { image: member.image, digest: member.imageId };
  return { service: service.key, outcome: 'skipped', from, because: sentence(why) };
}

/** The same result, but skipped if a docker run waits for the container. It needs an inspect, so it comes last. */
export async function unlessAwaited(ports: Asked, member: Listed, checked: Checked): Promise<Checked> {
  const why = checked.outcome === 'available' ? await whyAwaited(ports, checked.service, member) : undefined;
  return why ? { ...checked, outcome: 'skipped', because: sentence(why) } : checked;
}

/** Why a container is rolled only if the user names this service: a docker run in the foreground waits for it. */
async function whyAwaited(ports: Asked, service: string, member: Listed): Promise<Why | undefined> {
  const container = await ports.engine.container(member.id);
  return container && ((await whyOnRoute(ports, container)) ?? whyUnmeant(ports, service, member, container));
}

async function whyOnRoute({ engine }: Asked, container: Container): Promise<Why | undefined> {
  return whyRoute(container, (await engine.facts()).route);
}

/** The same for an inspected container. */
export function whyUnmeant(
  { config }: Pick<Asked, 'config'>,
  service: string,
  { labels }: Pick<Listed, 'labels'>,
  container: Container,
): Why | undefined {
  return isEnabledItself(labels, settingsFor(config(), service)) ? undefined : whyAttached(container, labels);
}

/** A slot to roll, with the names of the containers that its roll re-creates. */
interface Rolled {
  readonly slotName: string;
  readonly container: Container;
  readonly dependents: readonly string[];
}

/**
 * Raises `refused` if a docker run waits for a slot's container, or if the roll would re-create a container that must not be
 * rolled. `force` overrides a docker run, but never another program's ownership.
 */
export async function refuseOwned(
  ports: Asked,
  service: string,
  slots: readonly Rolled[],
  all: readonly ContainerSummary[],
  force: boolean,
): Promise<void> {
  for (const { slotName, container, dependents } of slots) {
    const labels = all.find(({ id }) => id === container.id)?.labels ?? NO_LABELS;
    const unmeant = force ? undefined : whyUnmeant(ports, service, { labels }, container);
    const why = (await whyOnRoute(ports, container)) ?? unmeant;
    if (why) fail('refused', why.message, { hint: why.hint });
    for (const dependent of all.filter(({ name }) => dependents.includes(name)))
      await refuseDependent(ports, slotName, dependent, force);
  }
}

async function refuseDependent(
  ports: Asked,
  slotName: string,
  dependent: ContainerSummary,
  force: boolean,
): Promise<void> {
  const { name } = dependent;
  const managed = whyManaged(dependent);
  const awaited = managed || force ? undefined : await whyAwaited(ports, name, dependent);
  const why = managed ?? awaited;
  if (!why) return;
  const end = `end ${name} where it was started, then roll ${slotName}`;
  const hint = awaited ? `${end}; with --force the roll ends it` : end;
  fail('refused', `a roll of ${slotName} re-creates ${name}, which lives in its namespaces, but ${why.message}`, {
    hint,
  });
}

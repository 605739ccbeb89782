import type { Container, ContainerSummary } from '../../core/model/container.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { COMPOSE_ONEOFF, COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import { NO_LABELS } from '../../core/model/own-labels.ts';
import { canonical, type ImageRef, isImageId, readReference } from '../../core/model/reference.ts';
import type { Outcome, ServiceReport } from '../../core/report/report.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import { helperRole } from '../../core/service/ownership.ts';
import { shellOperands } from '../../core/text/encode/shell.ts';
import type { Ports } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';

/**
 * A tag concerns all containers that were created from it. If a roll moves it, `docker compose up -d` re-creates those of other services,
 * too: with a newer image after a roll, with an older one after a rollback.
 */

/**
 * Adds to the report of a roll the compose containers that do not run the present image of their tag. `later`: services that the same
 * command rolls after this one.
 */
export async function withSameTag(
  ports: Ports,
  report: ServiceReport,
  reference: string,
  later: readonly string[] = [],
): Promise<ServiceReport> {
  try {
    const image = (await ports.engine.image(reference))?.id;
    if (image === undefined) return report;
    const all = await listed(ports.engine);
    const behind = (await createdFrom(ports, reference, without(later, all))).filter(
      ({ imageId }) => imageId !== image,
    );
    const sameTag = behind.map(({ id, name, status }) => {
      const key = composeKey(all.find((one) => one.id === id)?.labels ?? NO_LABELS);
      const advice = status === 'running' ? adviceFor(report, key) : '';
      return `${name} ${describe(reference, 'the image that the tag means now')}${advice}`;
    });
    return sameTag.length > 0 ? { ...report, sameTag } : report;
  } catch (raised) {
    // The roll is done, even if this is unknown.
    if (raised instanceof EngineError) return report;
    throw raised;
  }
}

function describe(reference: string, image: string): string {
  return `was created from ${reference}: docker compose up -d would re-create it with ${image}`;
}

// After a failure it is the service's own container, and its error advises.
function adviceFor({ outcome }: ServiceReport, key: string | undefined): string {
  const command = ADVISED[outcome];
  return command && key ? `; swapctl ${command} ${shellOperands([key])} does the same for it` : '';
}

const ADVISED: Readonly<Partial<Record<Outcome, string>>> = { rolled: 'roll', 'rolled-back': 'rollback' };

/**
 * The effects of a roll of the service with these containers (ids) on other compose services of the same tag, for a plan. `alongside`:
 * services of the same command.
 */
export async function sameTagAhead(
  ports: Ports,
  reference: string,
  own: readonly string[],
  all: readonly ContainerSummary[],
  alongside: readonly string[] = [],
): Promise<string[]> {
  const others = (await createdFrom(ports, reference, without(alongside, all))).filter(({ id }) => !own.includes(id));
  return others.map(({ name }) => `${name} ${describe(reference, 'the image of this roll')}; roll it as well`);
}

function without(services: readonly string[], all: readonly ContainerSummary[]): readonly ContainerSummary[] {
  return all.filter(({ labels }) => !services.includes(composeKey(labels) ?? ''));
}

// The list shows an id in place of a reference that names another image by now.
async function createdFrom(
  { engine }: Ports,
  reference: string,
  all: readonly ContainerSummary[],
): Promise<Container[]> {
  const wanted = readReference(reference);
  if (!wanted) return [];
  const possible = all.filter(
    (one) =>
      one.labels[COMPOSE_SERVICE] !== undefined &&
      // Compose never re-creates a job (docker compose run).
      one.labels[COMPOSE_ONEOFF] !== 'True' &&
      helperRole(one) === undefined &&
      (isImageId(one.image) || names(one.image, wanted)),
  );
  const containers = await Promise.all(possible.map(({ id }) => engine.container(id)));
  return containers.filter((one) => one !== undefined).filter((one) => names(one.config.Image ?? '', wanted));
}

// An id, or a text that only this engine takes for a reference, names nothing.
function names(text: string, wanted: ImageRef): boolean {
  const ref = readReference(text);
  return ref !== undefined && canonical(ref) === canonical(wanted);
}

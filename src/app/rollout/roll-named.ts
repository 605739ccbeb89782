import type { ContainerSummary } from '../../core/model/container.ts';
import { COMPOSE_PROJECT } from '../../core/model/label-keys.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import type { Service } from '../../core/service/service.ts';
import { givenReference } from '../../core/update/roll-target.ts';
import { type TagMates, tagMates } from '../../core/update/tag-mates.ts';
import type { Ports } from '../../ports/ports.ts';
import { reported } from '../report/reported.ts';
import { trackedReferenceOf } from '../select/tracked-reference.ts';
import { runsIn } from '../update/self-update.ts';
import { backWith, refusesTag, takenBack } from '../update/tag-group.ts';
import { takeBack } from '../update/take-back.ts';
import { recoverThenRoll } from './attempt.ts';
import type { RollOptions } from './roll-slot.ts';

/** Finds a service among all containers, by its key. */
type Find = (all: readonly ContainerSummary[], key: string) => Service;

/**
 * Rolls services one after the other. Those of one tag are a group: after a failure its later ones are not rolled, and its
 * earlier ones go back.
 */
export async function rollNamed(
  ports: Ports,
  services: readonly Service[],
  find: Find,
  options: RollOptions,
): Promise<ServiceReport[]> {
  const mates = await matesOf(ports, services, givenReference(options.target)?.text);
  const reports: ServiceReport[] = [];
  for (const [at, { key }] of services.entries()) {
    const failed = reports.find(({ service, error }) => mates.get(key)?.includes(service) && refusesTag(error));
    if (failed) {
      reports.push(notRolled(key, failed.service));
      continue;
    }
    const alongside = services.slice(at + 1).map((later) => later.key);
    const own = { ...options, alongside, ...(at > 0 ? { roll: undefined } : {}) };
    const report = await reported(key, () => recoverThenRoll(ports, (all) => find(all, key), own));
    reports.push(report);
    if (refusesTag(report.error)) await takeMatesBack(ports, services, reports, mates.get(key) ?? [], options);
  }
  return reports;
}

// With one name there is no group, and nothing to ask for.
async function matesOf(ports: Ports, services: readonly Service[], image: string | undefined): Promise<TagMates> {
  if (services.length < 2) return new Map();
  const tagged = services.map(async (service) => {
    const { key, slots } = service;
    const [member] = slots.flatMap(({ slotName, members }) => members.find(({ name }) => name === slotName) ?? members);
    const isComposed = member && composeKey(member.labels) === key && !runsIn(ports, service);
    const project = isComposed ? member.labels[COMPOSE_PROJECT] : undefined;
    return {
      key,
      project,
      reference: project && (image ?? (await trackedReferenceOf(ports, member as ContainerSummary, undefined))?.text),
    };
  });
  return tagMates(await Promise.all(tagged));
}

// The last of the reports is that of the failure.
async function takeMatesBack(
  ports: Ports,
  services: readonly Service[],
  reports: ServiceReport[],
  mates: readonly string[],
  { overrides }: RollOptions,
): Promise<void> {
  const failed = reports.at(-1)?.service ?? '';
  for (const [at, service] of [...services.slice(0, reports.length).entries()].toReversed()) {
    const { key, slots } = service;
    const image = slots.flatMap(({ members }) => members)[0]?.imageId;
    if (!mates.includes(key) || reports[at]?.outcome !== 'rolled' || image === undefined) continue;
    ports.report({ kind: 'note', text: `${key}: ${backWith(failed)}` });
    const report = await reported(key, () => takeBack(ports, service, image, { overrides, alongside: mates }));
    reports[at] = takenBack(report, failed);
  }
}

function notRolled(service: string, mate: string): ServiceReport {
  const message = `${service} was not rolled, since ${mate}, which has the same tag, failed`;
  const hint = `if ${service} is to have the new image without ${mate}, roll it alone: swapctl roll ${service}`;
  return {
    service,
    outcome: 'failed',
    timings: { total: 0 },
    error: { code: 'refused', message, hint, state: 'untouched' },
  };
}

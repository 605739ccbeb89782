import { usualState } from '../../core/model/error.ts';
import { COMPOSE_PROJECT } from '../../core/model/label-keys.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import type { Checked } from '../../core/update/newer.ts';
import { type TagMates, tagMates } from '../../core/update/tag-mates.ts';
import type { ServiceUpdate } from '../../core/update/update.ts';
import type { Look, Named } from '../target/target.ts';

/** The services of one tag among those that were checked. */
export function matesAmong<S extends Named>(
  { labelsOf }: Pick<Look<S>, 'labelsOf'>,
  services: readonly S[],
  checks: readonly Checked[],
): TagMates {
  const byKey = new Map(services.map((service) => [service.key, labelsOf(service)]));
  return tagMates(
    checks.map(({ service: key, to }) => {
      const labels = byKey.get(key);
      const project = labels && composeKey(labels) === key ? labels[COMPOSE_PROJECT] : undefined;
      return { key, project, reference: to?.reference, digest: to?.digest };
    }),
  );
}

/** The line of a service of which another one of the same tag does not take that image; undefined: there is none. */
export function heldByMate(checked: Checked, mates: TagMates, checks: readonly Checked[]): ServiceUpdate | undefined {
  const others = mates.get(checked.service) ?? [];
  const mate = checks.find(({ service, held }) => held !== undefined && others.includes(service));
  if (!mate || !checked.to) return undefined;
  const { service, from, to } = checked;
  const because = `held back with ${mate.service}, which has the same tag: ${mate.because}`;
  return { service, outcome: 'held', from, to, because };
}

/** True if an error means that a service stays with the old image, so that the others of its tag must not keep the new one. */
export function refusesTag(error: ReportedError | undefined): boolean {
  return error !== undefined && error.code !== 'interrupted' && usualState(error.code) === 'old-serves';
}

/** The note on a service that went back with another one of its tag. */
export function backWith(mate: string): string {
  return `it went back to the old image, since ${mate}, which has the same tag, failed`;
}

/** The report of a service that went back, or failed to. Of several replicas the first has the note. */
export function takenBack(report: ServiceReport, mate: string): ServiceReport {
  const note = report.error
    ? `it should go back to the old image, since ${mate}, which has the same tag, failed`
    : backWith(mate);
  const noted = <T extends Pick<ServiceReport, 'notes'>>(one: T): T => ({
    ...one,
    notes: [note, ...(one.notes ?? [])],
  });
  const [first, ...others] = report.replicas ?? [];
  return { ...noted(report), ...(first && { replicas: [noted(first), ...others] }) };
}

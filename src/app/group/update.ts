import type { GroupAnswer, GroupReport } from '../../core/group/report.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { askedTarget } from '../../core/update/roll-target.ts';
import { rolledLine, type ServiceUpdate, type UpdateReport } from '../../core/update/update.ts';
import type { UpdateRequest } from '../app.ts';
import { askAll, type Hosts } from './hosts.ts';
import { rollGroup } from './roll.ts';
import type { GroupWorld } from './world.ts';

/**
 * Updates a group: every host decides which services are due, and a service is rolled on all hosts once it is due on one of them and no
 * other host objects. The services follow each other in the order of the first host that has them.
 */
export async function updateGroup(
  world: GroupWorld,
  hosts: Hosts,
  selectors: readonly string[],
  request: UpdateRequest,
): Promise<GroupAnswer<UpdateReport>> {
  if (!request.dryRun) await askAll(world, hosts, (app) => app.recoverOptedIn(selectors, request));
  const decided = await askAll(world, hosts, (app) => app.update(selectors, { ...request, dryRun: true }));
  const lines = decided.hosts.flatMap(({ host, report }) => (report?.services ?? []).map((line) => ({ host, line })));
  const due = [...new Set(lines.flatMap(({ line }) => (line.due ? [line.service] : [])))];
  const results = new Map<string, GroupReport | string>();
  for (const service of due) {
    const against = lines.find(({ line }) => line.service === service && !line.due && speaksAgainst(line));
    if (against) results.set(service, `${against.line.outcome} on ${against.host}: ${against.line.because}`);
    else if (!request.dryRun && !request.signal.aborted)
      results.set(
        service,
        await rollDue(
          world,
          hosts,
          service,
          lines.flatMap(({ line }) => dueOf(line, service)),
          request,
        ),
      );
  }
  const ended = decided.hosts.map((answer) => ({
    ...answer,
    ...(answer.report && { report: withResults(answer.host, answer.report, results) }),
  }));
  return { group: decided.group, hosts: ended };
}

function speaksAgainst({ outcome }: ServiceUpdate): boolean {
  return outcome === 'held' || outcome === 'waiting' || outcome === 'failed' || outcome === 'unknown';
}

type Due = NonNullable<ServiceUpdate['to']>;

function dueOf(line: ServiceUpdate, service: string): Due[] {
  return line.due && line.service === service && line.to ? [line.to] : [];
}

function rollDue(
  world: GroupWorld,
  hosts: Hosts,
  service: string,
  [to]: readonly Due[],
  { overrides = {}, signal }: UpdateRequest,
): Promise<GroupReport> {
  const target = to && askedTarget({ image: to.reference, digest: to.digest });
  const call = { group: world.group.name, service, command: 'roll' } as const;
  return rollGroup(world, hosts, { call, request: { target, overrides, signal } });
}

function withResults(
  host: string,
  report: UpdateReport,
  results: ReadonlyMap<string, GroupReport | string>,
): UpdateReport {
  return { ...report, services: report.services.map((line) => withResult(host, line, results.get(line.service))) };
}

function withResult(host: string, line: ServiceUpdate, result: GroupReport | string | undefined): ServiceUpdate {
  if (result === undefined || !line.due) return line;
  const { due: _, ...rest } = line;
  if (typeof result === 'string') return { ...rest, outcome: 'held', because: result };
  const own = result.hosts.find((one) => one.host === host);
  if (own?.report && own.report.outcome !== 'failed' && own.error === undefined && !own.back)
    return rolledLine({ ...checkedOf(rest), outcome: 'available' }, own.report);
  const error = own?.error ?? result.error;
  const because = error?.message ?? 'its turn never came';
  const left = own?.outcome === 'untouched' ? ('available' as const) : ('failed' as const);
  return {
    ...rest,
    outcome: left,
    because,
    ...(own?.report ? { report: reportOf(own) } : {}),
    ...(error ? { error } : {}),
  };
}

function reportOf({ report, back }: GroupReport['hosts'][number]): ServiceReport {
  return (back ?? report) as ServiceReport;
}

function checkedOf({ service, from, to, because }: ServiceUpdate) {
  return { service, from: from ?? { image: '', digest: '' }, ...(to ? { to } : {}), because };
}

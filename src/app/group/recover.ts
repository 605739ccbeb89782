import type { InterruptedGroup } from '../../core/group/held-roll.ts';
import type { GroupAnswer, GroupReport, HostAnswer } from '../../core/group/report.ts';
import { readReference } from '../../core/model/reference.ts';
import type { RecoveredItem } from '../../core/report/status.ts';
import { runHostHooks } from './hooks.ts';
import { askAll, type Hosts } from './hosts.ts';
import { rollGroup } from './roll.ts';
import type { GroupWorld } from './world.ts';

/**
 * Recovers every host, then continues a roll that died between two hosts: if one host already runs the new image, the others follow, in
 * the order of the group. Nothing follows if the image is rejected by then, or if no host was rolled.
 */
export async function recoverGroup(
  world: GroupWorld,
  hosts: Hosts,
  selectors: readonly string[],
  signal: AbortSignal,
): Promise<GroupAnswer<RecoveredItem[]>> {
  const notes = await askAll(world, hosts, (app) => app.held.interrupted());
  const answer = await askAll(world, hosts, (app) => app.recover(selectors, signal));
  const keys = await Promise.all(selectors.map((name) => keyOf(hosts, name)));
  const concerned = distinct(notes.hosts).filter(({ service }) => keys.length === 0 || keys.includes(service));
  let hostsNow = answer.hosts;
  for (const note of concerned) {
    if (signal.aborted || hosts.away.length > 0) break;
    const report = await carryOn(world, { hosts, notes: notes.hosts }, note, signal);
    if (report) hostsNow = withItems(hostsNow, note, report);
    await rejoin(world, notes.hosts, note, report);
  }
  return { group: answer.group, hosts: hostsNow };
}

function distinct(answers: readonly HostAnswer<InterruptedGroup[]>[]): InterruptedGroup[] {
  const notes = answers.flatMap(({ report = [] }) => report);
  return notes.filter(
    (note, at) => notes.findIndex(({ service, digest }) => service === note.service && digest === note.digest) === at,
  );
}

async function keyOf({ open }: Hosts, selector: string): Promise<string> {
  for (const { app } of open) {
    const key = await app.find(selector).catch(() => undefined);
    if (key !== undefined) return key;
  }
  return selector;
}

// The labels of one engine must not move another host: a host follows only by the lock on its own engine.
async function carryOn(
  world: GroupWorld,
  { hosts, notes }: { readonly hosts: Hosts; readonly notes: readonly HostAnswer<InterruptedGroup[]>[] },
  { service, reference, digest }: InterruptedGroup,
  signal: AbortSignal,
): Promise<GroupReport | undefined> {
  const target = { kind: 'digest', reference: readReference(reference), digest } as const;
  const request = { target, overrides: {}, signal };
  const plans = await askAll(world, hosts, async (app) => (await app.plan([service], request))[0]);
  const verdicts = plans.hosts.flatMap(({ report }) => report?.slots.map(({ verdict }) => verdict) ?? []);
  const isSplit = verdicts.includes('unchanged') && verdicts.some((verdict) => verdict !== 'unchanged');
  if (!isSplit) return undefined;
  const text = `${service}: an earlier roll of the group ended between its hosts; the other hosts follow`;
  world.report({ kind: 'note', text });
  const noted = notes.flatMap(({ host, report: own = [] }) =>
    own.some((note) => note.service === service && note.digest === digest) ? [host] : [],
  );
  const open = hosts.open.filter(({ host }) => noted.includes(host));
  return rollGroup(world, { open, away: [] }, { call: { group: world.group.name, service, command: 'roll' }, request });
}

// The process may have died after it removed a host from its load balancer.
async function rejoin(
  world: GroupWorld,
  notes: readonly HostAnswer<InterruptedGroup[]>[],
  { service, reference, digest }: InterruptedGroup,
  report: GroupReport | undefined,
): Promise<void> {
  for (const { host, report: own = [] } of notes) {
    const hooked = report?.hosts.find((one) => one.host === host)?.hooks?.some(({ when }) => when === 'after');
    if (hooked || !own.some((note) => note.service === service)) continue;
    const { failed } = await runHostHooks(world, 'after', { host, service, image: reference, digest });
    if (failed) world.report({ kind: 'note', text: `${host}: the hook "${failed.hook}" failed: ${failed.error}` });
  }
}

function withItems(
  answers: readonly HostAnswer<RecoveredItem[]>[],
  { service, digest }: InterruptedGroup,
  { hosts }: GroupReport,
): HostAnswer<RecoveredItem[]>[] {
  return answers.map((answer) => {
    const own = hosts.find(({ host }) => host === answer.host);
    if (!answer.report || !own || own.outcome === 'unchanged') return answer;
    const item: RecoveredItem = {
      service,
      slot: '-',
      found: `an interrupted roll of the group to ${digest.slice(0, 'sha256:'.length + 12)}`,
      outcome: own.error || own.outcome === 'untouched' ? 'failed' : 'finished',
      ...(own.error ? { error: own.error } : {}),
    };
    return { ...answer, report: [...answer.report, item] };
  });
}

import { type HostPlan, whyNotTogether } from '../../core/group/agreed.ts';
import { heldTogether } from '../../core/group/held.ts';
import type { GroupAnswer, GroupReport, HostAnswer } from '../../core/group/report.ts';
import type { Finding, RecoveredItem, ReplicaStatus, ServiceHistory, ServicePlan } from '../../core/report/status.ts';
import type { Delivery, Run } from '../../core/report/summary.ts';
import type { Checked } from '../../core/update/newer.ts';
import type { UpdateReport } from '../../core/update/update.ts';
import type { NotifyRequest, RollRequest, UpdateRequest, WatchedApp } from '../app.ts';
import { plansOf } from './agree.ts';
import { askAll, Connections } from './hosts.ts';
import { recoverGroup } from './recover.ts';
import { rollGroup } from './roll.ts';
import { updateGroup } from './update.ts';
import { watchedGroup } from './watched.ts';
import type { GroupWorld } from './world.ts';

/** The use cases on several hosts. Changes raise `engine-unreachable` before the first host is touched. */
export interface GroupApp {
  /** Rolls services one after the other, each on all hosts; an error is in the report of the service. */
  roll(selectors: readonly string[], request: RollRequest): Promise<GroupReport[]>;
  rollback(selector: string, request: RollRequest): Promise<GroupReport>;
  plan(selectors: readonly string[], request: RollRequest): Promise<GroupAnswer<ServicePlan[]>>;
  status(selectors: readonly string[]): Promise<GroupAnswer<ReplicaStatus[]>>;
  check(selectors: readonly string[], signal: AbortSignal): Promise<GroupAnswer<Checked[]>>;
  update(selectors: readonly string[], request: UpdateRequest): Promise<GroupAnswer<UpdateReport>>;
  history(selector: string): Promise<GroupAnswer<ServiceHistory>>;
  recover(selectors: readonly string[], signal: AbortSignal): Promise<GroupAnswer<RecoveredItem[]>>;
  doctor(): Promise<GroupAnswer<Finding[]>>;
  /** Sends the notifications configured in swapctl.yml. */
  notify(run: Run, request: NotifyRequest): Promise<Delivery[]>;
  /** The group as a daemon watches it. */
  readonly watched: WatchedApp;
  close(): void;
}

/** The use cases on the hosts of a group, which are connected once they are needed. */
export function createGroup(world: GroupWorld): GroupApp {
  const connections = new Connections(world);
  const { name } = world.group;
  return {
    roll: async (selectors, request) => {
      const hosts = await connections.forChange();
      const reports: GroupReport[] = [];
      for (const [at, service] of selectors.entries()) {
        const own = at === 0 ? request : { ...request, roll: undefined };
        reports.push(await rollGroup(world, hosts, { call: { group: name, service, command: 'roll' }, request: own }));
      }
      return reports;
    },
    rollback: async (service, request) =>
      rollGroup(world, await connections.forChange(), {
        call: { group: name, service, command: 'rollback' },
        request,
      }),
    plan: async (selectors, request) => plan(world, connections, selectors, request),
    status: async (selectors) => askAll(world, await connections.all(), (app) => app.status(selectors)),
    check: async (selectors, signal) => {
      const answer = await askAll(world, await connections.all(), (app) => app.check(selectors, signal));
      return { ...answer, hosts: heldTogether(answer.hosts) };
    },
    update: async (selectors, request) => updateGroup(world, await connections.forChange(), selectors, request),
    history: async (selector) => askAll(world, await connections.all(), (app) => app.history(selector)),
    recover: async (selectors, signal) => recoverGroup(world, await connections.all(), selectors, signal),
    doctor: async () => askAll(world, await connections.all(), (app) => app.doctor()),
    notify: async (run, request) => (await connections.all()).open[0]?.app.notify(run, request) ?? [],
    watched: watchedGroup(world, connections),
    close: () => connections.close(),
  };
}

// The plan of each host for a group roll, for the image that the first host resolves.
async function plan(
  world: GroupWorld,
  connections: Connections,
  selectors: readonly string[],
  request: RollRequest,
): Promise<GroupAnswer<ServicePlan[]>> {
  const hosts = await connections.forChange();
  const plans = await Promise.all(selectors.map((selector) => plansOf(hosts.open, selector, request)));
  const answer = await askAll(world, hosts, async (_, host) =>
    plans.flatMap((all) => all.flatMap((one) => (one.host === host ? [one.plan] : []))),
  );
  return { ...answer, hosts: answer.hosts.map((one) => withDisagreement(one, plans)) };
}

// The refusal of one host is in its plan; only here is it known that hosts do not fit together.
function withDisagreement(
  answer: HostAnswer<ServicePlan[]>,
  plans: readonly (readonly HostPlan[])[],
): HostAnswer<ServicePlan[]> {
  const refusals = plans.flatMap((all) => whyNotTogether(all) ?? []).filter(({ host }) => host === answer.host);
  const inPlan = answer.report?.some(({ slots }) => slots.some(({ error }) => error));
  const [first] = refusals;
  if (!first || inPlan) return answer;
  const { host: _, ...error } = first;
  return { ...answer, error };
}

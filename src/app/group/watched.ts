import { mergedLines } from '../../core/group/merged.ts';
import { fail, SwapError } from '../../core/model/error.ts';
import type { ScheduledCheck } from '../../core/update/update.ts';
import type { App, WatchedApp } from '../app.ts';
import { askAll, type Connections, type Hosts } from './hosts.ts';
import { updateGroup } from './update.ts';
import type { GroupWorld } from './world.ts';

/**
 * A group for a daemon: one line per service for all hosts. A service is checked on the schedule of the first host that has it. Events of
 * the engines are not watched.
 */
export function watchedGroup(world: GroupWorld, connections: Connections): WatchedApp {
  const ready = (): Promise<Hosts> => connections.again();
  const first = async (): Promise<App> => (await ready()).open[0]?.app ?? fail('usage', 'the group has no hosts');
  return {
    scheduledChecks: async (selectors, request) => {
      const { hosts } = await askAll(world, await ready(), (app) => app.scheduledChecks(selectors, request));
      return onePerService(hosts.flatMap(({ report, error }) => report ?? raised(error)));
    },
    update: async (selectors, request) => {
      const { hosts } = await updateGroup(world, await ready(), selectors, request);
      const checked = hosts.find(({ report }) => report)?.report?.checked;
      if (checked === undefined) return raised(hosts.find(({ error }) => error)?.error);
      return { checked, services: mergedLines(hosts) };
    },
    recoverOptedIn: async (selectors, request) => {
      const { hosts } = await askAll(world, await ready(), (app) => app.recoverOptedIn(selectors, request));
      return mergedLines(hosts.map(({ host, report = [] }) => ({ host, report: { checked: '', services: report } })));
    },
    nextCheck: async (...asked) => (await first()).nextCheck(...asked),
    reload: async () => (await first()).reload(),
    notify: async (run, request) => (await first()).notify(run, request),
    arrived: async () => ({ services: new Set<string>(), later: [] }),
    events: (_, signal) => silence(world, signal),
  };
}

function onePerService(all: readonly ScheduledCheck[]): ScheduledCheck[] {
  const services = [...new Set(all.map(({ service }) => service))];
  return services.flatMap((service) => {
    const own = all.filter((one) => one.service === service);
    return own.find(({ line }) => line === undefined) ?? own[0] ?? [];
  });
}

type Raised = { readonly code: SwapError['code']; readonly message: string; readonly hint?: string };

function raised(error: Raised | undefined): never {
  const { code = 'unexpected', message = 'no host answered', hint } = error ?? {};
  throw new SwapError(code, message, hint === undefined ? {} : { hint });
}

const LONG_MS = 60_000;

// biome-ignore lint/correctness/useYield: it only ends
async function* silence({ clock }: GroupWorld, signal: AbortSignal): AsyncGenerator<never> {
  while (!signal.aborted) await clock.sleep(LONG_MS, signal);
}

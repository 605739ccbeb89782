import type { App, HintRequest } from '../../../app/app.ts';
import type { GatherWorld } from './gather.ts';

/** The means to turn pushes into checks. */
export interface HintWorld {
  /** The services that are watched, as they were named; none: all that are opted in. */
  readonly selectors: readonly string[];
  readonly request: Omit<HintRequest, 'pushes'>;
  /** Lets the work use the engine. Raises `engine-unreachable`. */
  readonly use: <T>(work: (app: Pick<App, 'hinted'>) => Promise<T>) => Promise<T>;
  /**
   * Asks the registry what is newer for these services, by key, and rolls what may be rolled now: with the windows, ages and
   * rejected images of a scheduled check.
   */
  readonly update: (services: ReadonlySet<string>) => Promise<unknown>;
}

/** Checks the services that gathered pushes concern, and no others. */
export function checkHinted({ selectors, request, use, update }: HintWorld): GatherWorld['check'] {
  return async (pushes) => {
    const hinted = await use((app) => app.hinted(selectors, { ...request, pushes }));
    const services = new Set(hinted.flatMap(({ service, checked }) => (checked ? [service] : [])));
    if (services.size > 0) await update(services);
  };
}

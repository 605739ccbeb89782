import { AsyncLocalStorage } from 'node:async_hooks';

const CURRENT = new AsyncLocalStorage<string>();

/** Runs the work of a job, so that everything in it finds its id. */
export function withinJob<T>(id: string, work: () => Promise<T>): Promise<T> {
  return CURRENT.run(id, work);
}

/** The id of the job that the caller works for; undefined outside of jobs. */
export function currentJob(): string | undefined {
  return CURRENT.getStore();
}

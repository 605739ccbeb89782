import type { Progress } from '../../core/report/progress.ts';
import type { App } from '../app.ts';
import type { EarlierJob } from './earlier.ts';
import type { Job } from './job.ts';

/** The environment of a book of jobs. */
export interface BookWorld {
  /** Lets the work use the engine. Raises `engine-unreachable`. */
  readonly use: <T>(work: (app: App) => Promise<T>) => Promise<T>;
  readonly now: () => number;
  readonly newId: () => string;
  /** True for the services whose interrupted rolls this process finishes or undoes; without it, all services. */
  readonly resumes?: ((service: string) => boolean) | undefined;
  /** Finds a job that an earlier process has written down; it never rejects. */
  readonly earlier?: ((id: string) => Promise<EarlierJob | undefined>) | undefined;
  /** Called for each interrupted roll that this process finishes or undoes. */
  readonly onResume?: ((job: Job) => void) | undefined;
  /** Runs the work of a job: for what belongs to a job, and cannot know it otherwise. */
  readonly within?: (<T>(job: string, work: () => Promise<T>) => Promise<T>) | undefined;
  /** Gets the progress of all jobs: for a log. */
  readonly report?: ((progress: Progress) => void) | undefined;
}

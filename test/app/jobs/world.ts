// Services on an engine in memory, and the job books of processes that roll them.
import { JobBook } from '../../../src/app/jobs/book.ts';
import type { Job } from '../../../src/app/jobs/job.ts';
import { type App as Program, SOUND } from '../../memory/apps.ts';
import { virtualClock } from '../../memory/clock.ts';
import { create } from '../../memory/containers.ts';
import { build, newRemote } from '../../memory/images.ts';
import { newRules } from '../../memory/kernel.ts';
import { start } from '../../memory/lifecycle.ts';
import { BEGIN, newMachine } from '../../memory/machine.ts';
import { openProcess, type Place, type Process, type ProcessOptions } from '../../memory/process.ts';

export interface JobWorld extends Place {
  /** Builds a newer image under the tag that all services track. */
  newer(program?: Program): string;
  open(options?: ProcessOptions): Server;
}

export interface Server {
  readonly process: Process;
  readonly book: JobBook;
  /** The notifications of the book's listeners: state and kind of step. */
  readonly told: string[];
}

const LABELS = { 'swapctl.settle': '100ms', 'swapctl.drain.timeout': '100ms', 'swapctl.enable': 'true' };

/** An engine in memory with these services, which run the first image of `app:live`. */
export async function jobWorld(names: readonly string[]): Promise<JobWorld> {
  const clock = virtualClock(BEGIN);
  const machine = newMachine(clock);
  const place: Place = {
    machine,
    remote: newRemote(),
    rules: newRules(true),
    living: new Set(),
    yaml: undefined,
    count: 0,
  };
  build(machine, 'app:live', { app: SOUND });
  for (const name of names) {
    const config = { Image: 'app:live', Labels: labelsOf(name) };
    start(machine, create(machine, { name: name.replace('/', '-'), config, host: {}, networks: {} }));
  }
  await clock.run(clock.sleep(1000));
  return {
    ...place,
    newer: (program = SOUND) => build(machine, 'app:live', { app: program }),
    open: (options) => serverOf(place, options),
  };
}

function labelsOf(name: string): Record<string, string> {
  const [project, service] = name.split('/');
  if (service === undefined) return LABELS;
  const composed = { project: project ?? '', service, 'container-number': '1', oneoff: 'False' };
  const pairs = Object.entries(composed).map(([key, value]) => [`com.docker.compose.${key}`, value]);
  return { ...LABELS, ...Object.fromEntries(pairs) };
}

function serverOf(place: Place, options?: ProcessOptions): Server {
  const process = openProcess(place, options);
  const { clock } = place.machine;
  const told: string[] = [];
  const use: ConstructorParameters<typeof JobBook>[0]['use'] = (work) => work(process.app);
  const book = new JobBook({ use, now: clock.now, newId: process.ports.host.randomId });
  book.subscribe((job, step) => told.push(step ? `${job.id} ${step.kind}` : `${job.id} ${job.state}`));
  return { process, book, told };
}

/** Lets time pass until a job is done. */
export async function ended({ machine }: JobWorld, book: JobBook, id: string): Promise<Job> {
  await machine.clock.run(book.settled(id, new AbortController().signal), true);
  return (await book.find(id)) ?? Promise.reject(new Error(`no job ${id}`));
}

// What `swapctl watch` costs while nothing is to be done: 50 services that follow 50 tags of a real registry, checked at
// their schedule; memory and processor time of the process, sampled from outside.
import { setTimeout as sleep } from 'node:timers/promises';
import { startSwapctl } from '../test/lab/cli.ts';
import { endOf } from '../test/lab/engine.ts';
import { type Registry, startRegistry } from '../test/lab/registry.ts';
import type { World } from '../test/lab/world.ts';
import { cpuMs, memoryMb } from './process.ts';
import { median, printTable } from './table.ts';

const SERVICES = 50;
const SAMPLE_MS = 10_000;
// Code is loaded and compiled, and the heap finds its size: what is used by then is not growth.
const WARM_UP_SHARE = 0.2;

interface Sample {
  readonly atMs: number;
  readonly resident: number;
  readonly own: number;
  readonly cpuMs: number;
}

interface Watched {
  readonly samples: readonly Sample[];
  readonly questions: number;
}

export async function watchAtRest(world: World, { minutes, every }: { minutes: number; every: string }): Promise<void> {
  const registry = await startRegistry({ address: world.hostAddress });
  world.after(() => registry.stop());
  const names = await startServices(world, registry, every);
  print(await watched(world, registry, names, minutes), minutes, every);
}

// One image under as many tags: that is as many questions, and no more to push.
async function startServices(world: World, registry: Registry, every: string): Promise<string[]> {
  const { docker } = world;
  const image = await world.image('rest:1', { from: 'base' });
  world.after(() => removeTags(world, `${registry.host}/team/rest`));
  const names: string[] = [];
  for (let at = 0; at < SERVICES; at++) {
    const { reference } = await registry.push(docker, image, `team/rest:service-${at}`);
    await endOf(await docker.pull(reference, {}));
    const labels = { 'swapctl.enable': 'true', 'swapctl.schedule': `every ${every}` };
    await world.container(`s${at}`, { image: reference, labels });
    names.push(world.name(`s${at}`));
  }
  return names;
}

async function removeTags({ docker, prefix }: World, repository: string): Promise<void> {
  for (const { Id, Names } of await docker.listContainers({ all: true }))
    if (Names[0]?.startsWith(`/${prefix}`)) await docker.getContainer(Id).remove({ force: true });
  const images = await docker.listImages({ filters: JSON.stringify({ reference: [repository] }) });
  for (const tag of images.flatMap(({ RepoTags }) => RepoTags ?? [])) await docker.getImage(tag).remove();
}

async function watched(world: World, registry: Registry, names: string[], minutes: number): Promise<Watched> {
  const before = registry.log().length;
  const { pid, result, kill } = startSwapctl(['watch', ...names], {
    env: world.env,
    onStdout: (text) => process.stderr.write(text),
  });
  world.after(async () => void kill('SIGKILL'));
  const samples: Sample[] = [];
  const began = performance.now();
  while (performance.now() - began < minutes * 60_000) {
    const due = began + (samples.length + 1) * SAMPLE_MS - performance.now();
    const ended = await Promise.race([sleep(due), result]);
    if (ended) throw new Error(`the watch ended with ${ended.code}: ${ended.stderr}`);
    samples.push({ atMs: performance.now() - began, ...memoryMb(pid), cpuMs: cpuMs(pid) });
  }
  kill('SIGTERM');
  const { code, stderr } = await result;
  if (code !== 0) throw new Error(`the watch ended with ${code}: ${stderr}`);
  return { samples, questions: registry.log().length - before };
}

function print({ samples, questions }: Watched, minutes: number, every: string): void {
  const line = (what: string, key: 'resident' | 'own'): string[] => {
    const all = samples.map((sample) => sample[key]);
    const figures = [all[0], median(all), all.at(-1), Math.max(...all)].map((mb = Number.NaN) => `${mb.toFixed(1)} MB`);
    return [what, ...figures, `${(slope(samples, key) * 3_600_000).toFixed(2)} MB/h`];
  };
  printTable(
    ['memory', 'after 10 s', 'median', 'at the end', 'most', 'growth'],
    [line('resident', 'resident'), line('of it its own', 'own')],
  );
  const last = samples.at(-1);
  console.log(`
${SERVICES} services, each checked every ${every} for ${minutes} minutes: ${questions} questions to the registry. Growth is the slope of a line through all
samples (one each 10 s) after the first fifth of the time. Processor time: ${((last?.cpuMs ?? 0) / 1000).toFixed(1)} s in all, and from minute to
minute afterwards ${(slope(samples, 'cpuMs') * 3600).toFixed(1)} s an hour (${(slope(samples, 'cpuMs') * 100).toFixed(2)} % of a core).`);
}

/** Of the line that fits best (least squares), by the millisecond. */
function slope(samples: readonly Sample[], key: 'resident' | 'own' | 'cpuMs'): number {
  const later = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const mean = (of: (sample: Sample) => number): number => later.reduce((sum, one) => sum + of(one), 0) / later.length;
  const [middle, level] = [mean(({ atMs }) => atMs), mean((sample) => sample[key])];
  const [rise, run] = [
    mean((sample) => (sample.atMs - middle) * (sample[key] - level)),
    mean((sample) => (sample.atMs - middle) ** 2),
  ];
  return rise / run;
}

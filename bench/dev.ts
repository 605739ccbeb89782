// From the save of a file to the first answer by the new code: swapctl dev, docker compose watch, and the floor, which is the
// build, a container, and its first answer. Each has a copy of the same context; two are under 100 requests/s all the time.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLAIN_BUILD } from '../src/core/build/build.ts';
import { openApp } from '../test/engine/compose-app.ts';
import { program, type Source, source } from '../test/engine/dev/dev-world.ts';
import { fixedPort } from '../test/engine/traffic/handover-world.ts';
import { startSwapctl } from '../test/lab/cli.ts';
import { composeBinary, composeLabels, composeProject } from '../test/lab/compose.ts';
import { type Load, startLoad } from '../test/lab/load.ts';
import { eventually } from '../test/lab/waiting.ts';
import type { World } from '../test/lab/world.ts';
import { median, printTable, seconds } from './table.ts';
import { untilVersion } from './version.ts';

const COMPOSE = '2.40';

interface Connections {
  readonly name: string;
  /** Saves the code of a version; resolves once that answers. */
  edit(version: string): Promise<void>;
  readonly load: Load | undefined;
}

export async function devTime(world: World, rounds: number): Promise<void> {
  const ways = [await theFloor(world), await theDev(world), await theWatch(world)];
  const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    console.error(`==> edit ${round} of ${rounds}`);
    for (const { name, edit } of ways) {
      const began = performance.now();
      await edit(`${round}-${began}`);
      times.get(name)?.push(performance.now() - began);
      // The end of a roll, and of the drain of the old container: whoever edits by hand is slower.
      await sleep(4000);
    }
  }
  const rows = await Promise.all(ways.map(({ name, load }) => row(name, times.get(name) ?? [], load)));
  printTable(['way', 'median', 'worst', 'requests', 'failed'], rows);
  console.log(
    `\nfrom the save to the first answer by the new code, ${rounds} edits; the app has no HEALTHCHECK of its own but 1 s`,
  );
}

async function row(name: string, times: readonly number[], load: Load | undefined): Promise<string[]> {
  const told = await load?.stop();
  for (const [error, count] of countsOf(told?.failures ?? [])) console.error(`    ${name}: ${count} x ${error}`);
  return [
    name,
    seconds(median(times)),
    seconds(Math.max(...times)),
    `${told?.requests ?? ''}`,
    `${told?.failed ?? ''}`,
  ];
}

function countsOf(failures: readonly { readonly error: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { error } of failures) counts.set(error, (counts.get(error) ?? 0) + 1);
  return counts;
}

/** What no tool can avoid, by the builder that swapctl uses. */
async function theFloor(world: World): Promise<Connections> {
  const { folder, put } = await source(world, world);
  const { ports, close } = await openApp(world);
  world.after(async () => close());
  const edit = async (version: string): Promise<void> => {
    put({ 'main.mjs': program(version) });
    const { id } = await ports.builder.build(
      { ...PLAIN_BUILD, context: folder },
      () => {},
      new AbortController().signal,
    );
    const port = await fixedPort();
    const fresh = await world.container('floor', { image: id, ports: [{ host: port }] });
    await untilVersion(urlAt(world, port), version);
    await fresh.remove({ force: true });
  };
  return { name: 'floor: build, create, start, ready', edit, load: undefined };
}

async function theDev(world: World): Promise<Connections> {
  const context = await source(world, world);
  const port = await fixedPort();
  const image = await world.image('dev:live', { env: { DRAIN: 1 } });
  await world.container('dev', { image, ports: [{ host: port }] });
  const args = ['dev', world.name('dev'), '--build', context.folder, '--quiet'];
  const running = startSwapctl(args, { env: world.env, netns: world.netns });
  world.after(async () => {
    running.kill('SIGKILL');
    await running.result;
  });
  return underLoad('swapctl dev', world, context, port);
}

async function theWatch(world: World): Promise<Connections> {
  const context = await source(world, world);
  const port = await fixedPort();
  const labels = composeLabels(world);
  const yaml = `
services:
  web:
    build: { context: ${context.folder}, labels: ${labels} }
    image: ${world.name('watch')}:live
    labels: ${labels}
    ports: ['${port}:8080']
    develop: { watch: [{ action: rebuild, path: ${context.folder} }] }
`;
  const project = composeProject(world, yaml, { version: COMPOSE });
  await project.run('up', '--detach', '--build');
  const args = ['--project-name', project.name, '--file', project.file, 'watch', '--no-up'];
  const watch = spawn(composeBinary(COMPOSE), args, { env: world.env });
  const ended = new Promise((resolve) => watch.once('close', resolve));
  world.after(async () => {
    watch.kill('SIGKILL');
    await ended;
  });
  let said = '';
  for (const stream of [watch.stdout, watch.stderr]) stream.on('data', (text) => (said += text));
  await eventually('compose watches', async () => /watch enabled|watching/i.test(said));
  return underLoad(`docker compose watch ${COMPOSE}`, world, context, port);
}

async function underLoad(name: string, world: World, { put }: Source, port: number): Promise<Connections> {
  const url = urlAt(world, port);
  await untilVersion(url, '1');
  const load = startLoad({ url, keepAlive: 'mixed', timeoutMs: 5000, connectTimeoutMs: 1000 });
  world.after(async () => void (await load.stop()));
  const edit = async (version: string): Promise<void> => {
    put({ 'main.mjs': program(version) });
    await untilVersion(url, version);
  };
  return { name, edit, load };
}

function urlAt({ address }: World, port: number): string {
  return `http://${address}:${port}/`;
}

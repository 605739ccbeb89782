// Records a real `swapctl roll` of a published service for the picture in the README. Writes docs/roll.svg.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { SWAPCTL } from '../test/lab/cli.ts';
import { endOf } from '../test/lab/engine.ts';
import { freePort } from '../test/lab/port.ts';
import { startRegistry } from '../test/lab/registry.ts';
import { type Scope, testWorld, untilHealthy, type World } from '../test/lab/world.ts';
import { type Piece, svgOf } from './picture/svg.ts';

const COLUMNS = 96;
const TARGET = new URL('../docs/roll.svg', import.meta.url);
// Makes swapctl take its pipes for a terminal of that width, so that it draws as for a person.
const AS_TERMINAL = `data:text/javascript,${encodeURIComponent(
  `for (const one of [process.stdout, process.stderr]) Object.assign(one, { isTTY: true, columns: ${COLUMNS} })`,
)}`;

const cleanUps: (() => Promise<void>)[] = [];
const scope: Scope = { after: (cleanUp) => void cleanUps.push(cleanUp) };

try {
  const world = testWorld(scope);
  const name = await serviceWithUpdate(world);
  const { status, pieces } = await recorded(['roll', name], world.env);
  if (status !== 0)
    throw new Error(`the roll ended with status ${status}:\n${pieces.map(({ text }) => text).join('')}`);
  writeFileSync(TARGET, svgOf(`swapctl roll ${name}`, pieces, COLUMNS));
  console.log(`written: docs/roll.svg, of ${pieces.length} pieces in ${pieces.at(-1)?.at} ms`);
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

/** Starts a container that publishes a port and follows a tag, then pushes a second version of that tag. */
async function serviceWithUpdate(world: World): Promise<string> {
  const registry = await startRegistry();
  scope.after(() => registry.stop());
  const reference = `${registry.host}/shop:stable`;
  await publish(world, registry, 1);
  await endOf(await world.docker.pull(reference));
  const container = await world.container('shop', {
    image: reference,
    network: await world.network('net'),
    ports: [{ host: await freePort() }],
    env: { DRAIN: 1 },
  });
  await untilHealthy(container);
  const name = 'shop';
  await container.rename({ name });
  await publish(world, registry, 2);
  return name;
}

async function publish(
  world: World,
  registry: Awaited<ReturnType<typeof startRegistry>>,
  version: number,
): Promise<void> {
  const health = { intervalMs: 1000, retries: 3 };
  const image = await world.image(`shop:${version}`, { env: { READY_AFTER_MS: 1500 }, health });
  await registry.push(world.docker, image, 'shop:stable');
  await world.docker.getImage(image).remove();
}

function recorded(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ status: number; pieces: Piece[] }> {
  const began = performance.now();
  const options = { env: { ...env, CI: '', NODE_OPTIONS: `--import=${AS_TERMINAL}` }, stdio: 'pipe' } as const;
  const child = spawn(process.execPath, [SWAPCTL, ...args], options);
  const pieces: Piece[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => pieces.push({ at: Math.round(performance.now() - began), text }));
  child.stdin.end();
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (status) => resolve({ status: status ?? -1, pieces }));
  });
}

// The main job, live: a service under load is rolled to an image pulled from a local registry, then a broken one is
// refused. Ends with the number of requests and of failed ones; exit status 1 if any failed.
import { spawn } from 'node:child_process';
import type Docker from 'dockerode';
import { SWAPCTL } from '../test/lab/cli.ts';
import type { LoadReport } from '../test/lab/load.ts';
import { type LoadInside, startLoadInside } from '../test/lab/load-inside.ts';
import { type Registry, startRegistry } from '../test/lab/registry.ts';
import { type Scope, testWorld, untilHealthy, type World } from '../test/lab/world.ts';

const RATE = 200;

interface Stage {
  readonly world: World;
  readonly registry: Registry;
  readonly web: string;
  readonly reference: string;
}

const cleanUps: (() => Promise<void>)[] = [];
const scope: Scope = { after: (cleanUp) => void cleanUps.push(cleanUp) };
let interrupted = false;
process.on('SIGINT', () => {
  interrupted = true;
});

try {
  process.exitCode = await play();
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

async function play(): Promise<number> {
  const stage = await setStage();
  const load = await startLoadInside(stage.world, {
    network: stage.world.name('net'),
    url: 'http://shop:8080/',
    ratePerSecond: RATE,
    timeoutMs: 5000,
    connectTimeoutMs: 1000,
  });
  say(
    `${RATE} requests a second to http://shop:8080/, GET, by a client that retries nothing but the next address of the name`,
  );
  const rolled = await act(stage, 'version 2 is pushed, and rolled', 2, {});
  const refused = await act(stage, 'version 3 is broken: it never becomes healthy', 3, { NEVER_HEALTHY: 1 });
  await swapctl(stage, ['history', stage.web]);
  return finish(load, rolled === 0 && refused === 1);
}

// On SIGTERM the shop serves connections that are kept open for 4 s more, as an app that loses nothing has to.
async function setStage(): Promise<Stage> {
  const world = testWorld(scope);
  const registry = await startRegistry();
  scope.after(() => registry.stop());
  say(`a registry on ${registry.host}; version 1 of the shop is pushed to it, pulled from it, and started`);
  const reference = `${registry.host}/shop:stable`;
  await publish(world, registry, 1, {});
  await pull(world.docker, reference);
  const network = await world.network('net');
  const web = await world.container('shop', {
    image: reference,
    network,
    aliases: ['shop'],
    env: { DRAIN: 1 },
  });
  await untilHealthy(web);
  return { world, registry, web: world.name('shop'), reference };
}

async function act(
  stage: Stage,
  title: string,
  version: number,
  env: Record<string, string | number>,
): Promise<number> {
  if (interrupted) return 130;
  say(title);
  await publish(stage.world, stage.registry, version, { READY_AFTER_MS: 2000, ...env });
  await swapctl(stage, ['plan', stage.web]);
  const status = await swapctl(stage, ['roll', stage.web]);
  await swapctl(stage, ['status', stage.web]);
  return status;
}

async function publish(
  world: World,
  registry: Registry,
  version: number,
  env: Record<string, string | number>,
): Promise<void> {
  const image = await world.image(`shop:${version}`, {
    env,
    health: { intervalMs: version === 2 ? 30_000 : 1000, retries: 3 },
  });
  await registry.push(world.docker, image, 'shop:stable');
  await world.docker.getImage(image).remove();
}

async function pull(docker: Docker, reference: string): Promise<void> {
  const stream = await docker.pull(reference);
  await new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject).resume());
}

// In the foreground, as a person would see it.
function swapctl(stage: Stage, args: string[]): Promise<number> {
  console.log(`\n$ swapctl ${args.join(' ')}`);
  const child = spawn(process.execPath, [SWAPCTL, ...args], {
    env: stage.world.env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code ?? 130)));
}

async function finish(load: LoadInside, went: boolean): Promise<number> {
  const report: LoadReport = await load.stop();
  const versions = Object.entries(report.byVersion).map(([version, answers]) => `version ${version}: ${answers}`);
  console.log(
    `\n${report.requests} requests, ${report.failed} failed; longest gap between two good answers ${report.longestGapMs} ms (${versions.join(', ')})`,
  );
  for (const failure of report.failures.slice(0, 5)) console.log(`  failed at ${failure.atMs} ms: ${failure.error}`);
  if (interrupted) console.log('interrupted: what was still to be shown was left out');
  else if (!went) console.log('the rolls did not end as they should have: see above');
  return report.failed === 0 && went && !interrupted ? 0 : 1;
}

function say(text: string): void {
  console.log(`\n==> ${text}`);
}

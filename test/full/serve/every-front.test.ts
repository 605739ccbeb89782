// One table: use cases × fronts on one real engine, with a real registry. Equal requests have equal outcomes, reports and exit
// statuses, whichever front takes them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { exitStatus, isErrorCode } from '../../../src/core/model/error.ts';
import { socketFolder, startServe } from '../../engine/serve/serve-process.ts';
import { point, QUICK_APP, trusting } from '../../engine/update/registry-lab.ts';
import { type Json, timeless } from '../../fronts/server/documents.ts';
import { endOf } from '../../lab/engine.ts';
import type { AppImageOptions } from '../../lab/images.ts';
import { type Registry, startRegistry } from '../../lab/registry.ts';
import { stepRunner } from '../../lab/runner.ts';
import { testWorld, untilHealthy, type World } from '../../lab/world.ts';
import { type Front, frontsOn, HOOK, type Told, type UseCase } from './every-front.ts';

const NAMES = ['cli', 'cli-through-server', 'action', 'http', 'grpc', 'hook'];
const BROKEN = { from: 'base' as const, cmd: ['sh', '-c', 'exit 3'] } satisfies AppImageOptions;
// A date that no test sees: only the hook makes the server check.
const LABELS = { 'swapctl.settle': '300ms', 'swapctl.drain.timeout': '1s', 'swapctl.schedule': '0 0 29 2 *' };

interface Lab {
  readonly world: World;
  readonly registry: Registry;
  /** Pushes an image as what all services track. */
  push(image: string): Promise<void>;
}

async function lab(t: test.TestContext): Promise<Lab> {
  const world = testWorld(t);
  const registry = await startRegistry({ address: world.hostAddress });
  world.after(() => registry.stop());
  const push = async (image: string): Promise<void> => {
    for (const name of NAMES) {
      const repository = `team/${world.name(name)}`;
      // The tracked tag moves in the registry only: on the engine that would be a local image event, which starts a roll.
      const { digest } = await registry.push(world.docker, image, `${repository}:next`);
      await point(registry, 'live', digest, repository);
    }
  };
  return { world, registry, push };
}

const repositoryOf = ({ world, registry }: Lab, name: string): string => `${registry.host}/team/${world.name(name)}`;

async function start(own: Lab, name: string): Promise<void> {
  const image = `${repositoryOf(own, name)}:live`;
  await endOf(await own.world.docker.pull(image));
  await untilHealthy(await own.world.container(name, { image, labels: { ...LABELS, 'swapctl.enable': 'true' } }));
}

/** The configuration that the server and the command line share. */
async function configured({ world, registry }: Lab): Promise<void> {
  const trusted = await trusting(world, registry);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-config-'));
  world.after(async () => rmSync(folder, { recursive: true }));
  const hook = { kind: 'docker-hub', 'url-secret': HOOK.secret, registry: registry.host };
  const file = path.join(folder, 'swapctl.yml');
  const rest = JSON.stringify({ [HOOK.name]: hook });
  writeFileSync(file, `${trusted}max-rolls-at-once: ${NAMES.length}\nhooks: ${rest}\n`, { mode: 0o600 });
  world.env.SWAPCTL_CONFIG = file;
}

interface Row {
  readonly name: string;
  readonly use: UseCase;
  /** Pushed before, as what all services track. */
  readonly push?: string;
  readonly exit: number;
  /** The outcome for a front that may only give hints, if that is another one. */
  readonly declined?: string;
  readonly expect: (document: Json) => void;
}

const outcome =
  (wanted: string, code?: string) =>
  (document: Json): void => {
    assert.deepEqual([document.outcome, document.error?.code], [wanted, code]);
  };

const rowsOf = (v2: string, broken: string): readonly Row[] => [
  { name: 'status', use: 'status', exit: 0, expect: ([one]) => assert.equal(one.phase, 'serving') },
  { name: 'check', use: 'check', push: v2, exit: 10, expect: ([one]) => assert.equal(one.outcome, 'available') },
  { name: 'plan', use: 'plan', exit: 0, expect: ([one]) => assert.equal(one.slots[0].strategy, 'start-first') },
  { name: 'roll', use: 'roll', exit: 0, expect: outcome('rolled') },
  { name: 'roll to a bad image', use: 'roll', push: broken, exit: 1, expect: outcome('failed', 'not-healthy') },
  { name: 'roll to a rejected image', use: 'roll', exit: 1, declined: 'held', expect: outcome('failed', 'known-bad') },
  { name: 'rollback', use: 'rollback', exit: 0, expect: outcome('rolled-back') },
  { name: 'status after all', use: 'status', exit: 0, expect: ([one]) => assert.equal(one.failedImages, 2) },
];

test('each use case has the same outcome, report and exit status by each front', async (t) => {
  const own = await lab(t);
  const { world } = own;
  const images = { v1: { ...QUICK_APP }, v2: { ...QUICK_APP }, bad: BROKEN };
  for (const [tag, options] of Object.entries(images)) await world.image(`app:${tag}`, options);
  const [v1, v2, bad] = ['v1', 'v2', 'bad'].map((tag) => world.name(`app:${tag}`)) as [string, string, string];
  await own.push(v1);
  await Promise.all(NAMES.map((name) => start(own, name)));
  await configured(own);
  const serve = await startServe(world, socketFolder(world), [world.name('hook')]);
  const fronts = frontsOn({ world, env: world.env, serve, runner: stepRunner(world) });
  assert.deepEqual(Object.keys(fronts), NAMES);
  for (const row of rowsOf(v2, bad)) {
    if (row.push) await own.push(row.push);
    await sameByAll(t, own, fronts, row);
  }
  serve.kill('SIGTERM');
  const { stderr } = await serve.end;
  const audited =
    /"who":"hook pushed","by":"hook","from":"unix","what":"roll","service":"[^"]*","job":"[^"]*","outcome":"rolled"/;
  assert.match(stderr, audited);
});

async function sameByAll(t: test.TestContext, own: Lab, fronts: Readonly<Record<string, Front>>, row: Row) {
  const having = Object.entries(fronts).filter(([, front]) => front[row.use]);
  const told = await Promise.all(
    having.map(async ([name, front]) => [name, await front[row.use]?.(own.world.name(name))] as const),
  );
  const cells = told.map(([name, answer]) => [name, cellOf(own, name, answer ?? assert.fail(name))] as const);
  const [first] = cells;
  for (const [name, { document, exit, declined }] of cells) {
    assert.equal(declined, name === 'hook' ? row.declined : undefined, `${row.name} by ${name}`);
    if (declined !== undefined) continue;
    row.expect(document);
    if (exit !== undefined) assert.equal(exit, row.exit, `${row.name} by ${name}: ${JSON.stringify(document)}`);
    assert.deepEqual(document, first?.[1].document, `${row.name} by ${name} and by ${first?.[0]}`);
  }
  t.diagnostic(`${row.name}: ${cells.map(([name, { exit }]) => `${name} ${exit ?? '-'}`).join(', ')}`);
}

// Containers have ids of their own, and a step is needless where a container was healthy before it.
const OWN = ['id', 'container', 'log', 'steps'];

/** The document of a front without the name of its service, and the ids and times of its rolls. */
function cellOf(own: Lab, name: string, { document, exit, declined }: Told): Told {
  const nameless = JSON.stringify(timeless(document, OWN))
    .replaceAll(own.world.name(name), 'NAME')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
    .replace(/\b[0-9a-f]{12}\b/g, 'ID');
  const code = document.error?.code ?? '';
  return { document: JSON.parse(nameless), declined, exit: exit ?? (isErrorCode(code) ? exitStatus(code) : undefined) };
}

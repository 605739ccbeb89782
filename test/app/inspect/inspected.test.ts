// Looks at the same engine share inspects, as long as the list says nothing new about a container.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp } from '../../../src/app/app.ts';
import { inspector } from '../../../src/app/inspect/inspected.ts';
import type { Container, ContainerSummary } from '../../../src/core/model/container.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { stageOf } from '../../matrix/stage.ts';

const idOf = (at: number): string => at.toString(16).padStart(4, '0').padEnd(64, '0');
const UP = 'Up 5 minutes (healthy)';
const STARTED = -300_000;

function line(id: string, statusText: string | undefined = UP): ContainerSummary {
  return { id, name: `c${id}`, status: 'running', statusText, imageId: 'i' } as unknown as ContainerSummary;
}

/** An engine that counts what it is asked. */
function engineOf() {
  const asked: string[] = [];
  const engine = {
    container: async (id: string) => {
      asked.push(id);
      return { id, imageId: 'i', startedAt: STARTED } as Container;
    },
    image: async (id: string) => {
      asked.push(id);
      return undefined;
    },
  };
  const look = async (all: readonly ContainerSummary[], now: number): Promise<string[]> => {
    asked.length = 0;
    await Promise.all(all.map(inspector(engine, all, now)));
    return [...asked];
  };
  return { engine, look };
}

test('a container is inspected once while its line stays the same, and its image once for all', async () => {
  const { look } = engineOf();
  const all = [line(idOf(0)), line(idOf(1))];
  assert.deepEqual((await look(all, 0)).sort(), [idOf(0), idOf(1), 'i'].sort());
  assert.deepEqual(await look(all, 10_000), []);
});

for (const [what, changed] of Object.entries({
  'its health': { statusText: 'Up 5 minutes (unhealthy)' },
  'a restart': { statusText: 'Up 1 second (healthy)' },
  'its name': { name: 'other' },
  'its networks': { networks: ['more'] },
  'its state': { status: 'exited' as const },
}))
  test(`${what} in the list makes it inspect that container again, and no other`, async () => {
    const { look } = engineOf();
    const all = [line(idOf(0)), line(idOf(1))];
    await look(all, 0);
    assert.deepEqual(await look([line(idOf(0)), { ...line(idOf(1)), ...changed }], 1), [idOf(1), 'i']);
  });

test('a young container is not inspected each second because its age grows, but it is after a restart', async () => {
  const { look } = engineOf();
  const at = (seconds: number, now = STARTED + seconds * 1000) => look([line(idOf(9), `Up ${seconds} seconds`)], now);
  assert.equal((await at(2)).length, 2);
  for (const seconds of [3, 5, 9]) assert.deepEqual(await at(seconds), []);
  assert.deepEqual(await at(2, STARTED + 12_000), [idOf(9), 'i']);
  assert.deepEqual(await look([line(idOf(9), 'Up Less than a second')], STARTED + 16_000), [idOf(9), 'i']);
});

test('each is inspected again within 40 s, and not all at the same time', async () => {
  const { look } = engineOf();
  const all = Array.from({ length: 64 }, (_, at) => line(idOf(at * 1024 + 512)));
  await look(all, 0);
  const perLook: number[] = [];
  for (let now = 1000; now <= 40_000; now += 1000)
    perLook.push((await look(all, now)).filter((id) => id !== 'i').length);
  assert.equal(
    perLook.reduce((sum, count) => sum + count, 0),
    64,
  );
  assert.ok(Math.max(...perLook) <= 6, perLook.join(' '));
});

test('without the words of the engine, as of Podman, each look inspects', async () => {
  const { look } = engineOf();
  const all = [{ ...line(idOf(0)), statusText: undefined }];
  await look(all, 0);
  assert.deepEqual(await look(all, 1), [idOf(0), 'i']);
});

test('a status out of kept inspects is that of the engine', async () => {
  const stage = await stageOf(SETUPS['start-first']);
  const { ports } = stage.open();
  const list = ports.engine.list;
  let inspects = 0;
  const engine = {
    ...ports.engine,
    list: async () => (await list()).map((one) => ({ ...one, statusText: one.status })),
    container: (id: string) => {
      inspects += 1;
      return ports.engine.container(id);
    },
  };
  const app = createApp({ ...ports, engine });
  const status = () => stage.machine.clock.run(app.status([]), true);
  const first = await status();
  const before = inspects;
  const ageless = (lines: Awaited<ReturnType<typeof status>>) => lines.map(({ ageMs: _, ...one }) => one);
  assert.deepEqual(ageless(await status()), ageless(first));
  assert.equal(inspects, before);
});

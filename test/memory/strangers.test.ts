// No use case changes containers, images and volumes of others, whatever their labels say.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type App, createApp } from '../../src/app/app.ts';
import { askedTarget } from '../../src/core/update/roll-target.ts';
import { watch } from '../../src/daemons/watch/watch.ts';
import { anyWorld, belongings, mustHaveSome, type Place, placeOf } from './strangers.ts';

const WORLDS = process.env.SWAPCTL_TEST_LONG === '1' ? 20_000 : 150;
const HOUR_MS = 3_600_000;

type Act = (place: Place, app: App, signal: AbortSignal) => Promise<unknown>;

/** The changing use cases, as users call them. */
const ACTS: Readonly<Record<string, Act>> = {
  roll: ({ key }, app, signal) => app.roll([key], { pull: 'never', signal, target: askedTarget({ image: 'app:2' }) }),
  update: ({ build }, app, signal) => {
    build('app:1');
    return app.update([], { signal, all: true, here: true, dryRun: false });
  },
  recover: (_, app, signal) => app.recover([], signal),
  rollback: ({ key, copied }, app, signal) => app.rollback(key, { pull: 'never', signal, withVolumes: copied }),
  watch: watched,
  dev: developed,
};

test('no use case changes what strangers have', { timeout: 600_000 }, async (t) => {
  const tried = new Map(Object.keys(ACTS).map((name) => [name, { worlds: 0, rolled: 0 }]));
  const acts = fc.shuffledSubarray(Object.keys(ACTS), { minLength: 2, maxLength: 4 });
  let worlds = 0;
  await fc.assert(
    fc.asyncProperty(anyWorld, acts, async (setting, names) => {
      worlds++;
      const rolled = await changesNothing(await placeOf(setting), names);
      for (const name of names) count(tried.get(name) ?? assert.fail(name), rolled.has(name));
    }),
    { numRuns: WORLDS, endOnFailure: true, includeErrorInReport: true },
  );
  const lines = [...tried].map(([name, { worlds, rolled }]) => `${name} in ${worlds} (it replaced web in ${rolled})`);
  t.diagnostic(`${worlds} worlds: ${lines.join(', ')}`);
  for (const name of ['roll', 'update', 'rollback', 'watch', 'dev'])
    assert.ok((tried.get(name)?.rolled ?? 0) > 0, name);
});

function count(of: { worlds: number; rolled: number }, rolled: boolean): void {
  of.worlds++;
  if (rolled) of.rolled++;
}

/** Raises if an act changes an object that is not web's; resolves with the acts that replaced web. */
async function changesNothing(place: Place, names: readonly string[]): Promise<ReadonlySet<string>> {
  const { machine, clock, ports } = place;
  const before = belongings(machine);
  mustHaveSome(before);
  const app = createApp(ports);
  const { signal } = new AbortController();
  const rolled = new Set<string>();
  for (const name of names) {
    const served = machine.names.get('web')?.id;
    const done = ACTS[name]?.(place, app, signal) ?? assert.fail(name);
    // Archives and schedules are read by modules that take real time.
    await clock.run(
      done.catch((raised) => raised),
      true,
    );
    assert.deepEqual(belongings(machine), before, name);
    if (machine.names.get('web')?.id !== served) rolled.add(name);
  }
  return rolled;
}

// Two scheduled rounds, and in between a local image under the name that web tracks.
async function watched({ clock, build }: Place, app: App): Promise<void> {
  const end = new AbortController();
  const cancel = [
    clock.alarm(clock.now() + 0.3 * HOUR_MS, () => void build('app:1')),
    clock.alarm(clock.now() + 0.6 * HOUR_MS, () => end.abort()),
  ];
  try {
    await watch({
      open: async () => ({ app, close: () => {} }),
      clock,
      dice: () => 0.5,
      log: { write: () => {} },
      signal: end.signal,
      onAsked: () => {},
      tidy: () => {},
      selectors: [],
      request: { all: true },
    });
  } finally {
    for (const one of cancel) one();
  }
}

// The actions of dev as files change: it retains the image, rolls to a build, copies files, runs, signals, restarts, and rolls back.
async function developed({ key, build }: Place, app: App, signal: AbortSignal): Promise<void> {
  const { dev } = app;
  const roll = { overrides: {}, signal };
  const spec = { context: '/src', args: {}, labels: {} } as never;
  const [found] = await dev.developed([key], { folder: '/src', rules: [], build: spec });
  const before = found?.image ?? assert.fail('it has no image');
  const steps: (() => Promise<unknown>)[] = [
    () => dev.keep(key, before),
    () => dev.replace(key, build('app:dev'), roll),
    () => dev.sync(key, [{ path: '/src/a', target: '/app/a', removed: false }]),
    () => dev.sync(key, [{ path: '/src/a', target: '/app/a', removed: true }]),
    () => dev.exec(key, { command: ['true'] }, signal),
    () => dev.signal(key, 'SIGHUP'),
    () => dev.restart(key, ['/app'], roll),
    () => dev.replace(key, before, { ...roll, back: true }),
    () => dev.keep(key, undefined),
  ];
  for (const step of steps) await step().catch((raised) => raised);
}

// The contract of the Engine port on the engine in memory; test/engine/contract/contract.test.ts has it on a real one.
import test, { type TestContext } from 'node:test';
import { type App, SOUND } from '../memory/apps.ts';
import { virtualClock } from '../memory/clock.ts';
import { memoryEngine } from '../memory/engine.ts';
import { build, newRemote, push } from '../memory/images.ts';
import { pause, unpause } from '../memory/lifecycle.ts';
import { addNetwork, BEGIN, mustBox, newMachine } from '../memory/machine.ts';
import { engineContract, NOT_MODELLED, type Program, type Stage } from './engine.ts';
import { passing, until } from './passing.ts';

const APPS: Record<Program, App> = {
  runs: { ...SOUND, readyMs: 0, prints: ['up'] },
  deaf: { ...SOUND, readyMs: 0, stopMs: Infinity, prints: ['up'] },
  reloads: { ...SOUND, readyMs: 0, reloadCode: 3, prints: ['up'] },
  ends: { ...SOUND, readyMs: 0, ends: { afterMs: 50, code: 3 }, prints: ['one', 'two', 'three'] },
  missing: { ...SOUND, missing: true },
};

async function open(t: TestContext): Promise<Stage> {
  const clock = virtualClock(BEGIN);
  const machine = newMachine(clock);
  const remote = newRemote();
  const engine = memoryEngine(machine, remote);
  passing(t, clock);
  const every = { Interval: 200e6, Retries: 2 };
  const checks = { well: { Test: ['CMD', 'true'], ...every }, sick: { Test: ['CMD', 'false'], ...every } };
  return {
    engine,
    name: (suffix) => `web-${suffix}`,
    image: async (suffixAndTag, program, { labels = {}, env = {}, volumes = [], health } = {}) => {
      const reference = `web-${suffixAndTag}`;
      if (await engine.image(reference)) return reference;
      build(machine, reference, {
        app: APPS[program],
        config: {
          Labels: labels,
          Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
          Volumes: Object.fromEntries(volumes.map((target) => [target, {}])),
          ...(health && { Healthcheck: checks[health] }),
        },
      });
      return reference;
    },
    network: async (suffix) => addNetwork(machine, `web-${suffix}`).name,
    pause: async (id) => pause(machine, mustBox(machine, id)),
    unpause: async (id) => unpause(machine, mustBox(machine, id)),
    until: (what, ask) => until(clock, what, ask),
    now: () => clock.now(),
    pushed: async (suffix) => {
      const reference = `registry.test/web-${suffix}:1`;
      return { reference, digest: push(machine, remote, reference, {}) };
    },
  };
}

engineContract('in memory', open);

test('what the engine in memory does not model is written down', (t) => {
  for (const line of NOT_MODELLED) t.diagnostic(`not modelled: ${line}`);
});

// A canary without a proxy, rolled by the shipped use cases on an engine in memory: the kernel shares the connections.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { describeStep } from '../../../src/core/rollout/step.ts';
import {
  assertAnswered,
  assertAnsweredAtEach,
  assertSafe,
  assertSound,
  assertTrue,
  storyOf,
} from '../../matrix/checks.ts';
import { SETUPS, type Setup } from '../../matrix/setups.ts';
import { command, PORT, recovered, type Stage, stageOf } from '../../matrix/stage.ts';
import { type Connection, connect, type Entrance } from '../../memory/clients.ts';
import { end } from '../../memory/lifecycle.ts';
import type { Process } from '../../memory/process.ts';

const SAFE = { memories: false };
const START_FIRST = SETUPS['start-first, canary'];
const HANDOVER = SETUPS['handover, canary'];
const MANY = 100;
/** In the middle of the two seconds for which the set-ups have the candidate watched. */
const MEANWHILE_MS = 1000;

const BY_NAME: Entrance = { kind: 'name', network: 'net', name: 'app' };
const BY_PORT: Entrance = { kind: 'port', hostPort: PORT };

async function rolled(stage: Stage, process: Process, signal?: AbortSignal): Promise<ServiceReport> {
  const report = await command(stage, process, signal);
  if (report === 'died') return assert.fail('it died');
  assertTrue(stage, report);
  return report;
}

/** Acts in the middle of the canary. */
function meanwhile(stage: Stage, process: Process, act: () => void): void {
  process.before('engine.start', 1, () => {
    stage.machine.clock.alarm(stage.machine.clock.now() + MEANWHILE_MS, act);
  });
}

/** How many of many new connections go to each container, by its name. */
function tally({ machine, place }: Stage, way: Entrance): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let made = 0; made < MANY; made++) {
    const one = connect(machine, place.rules, way) ?? assert.fail(`${JSON.stringify(way)} is refused`);
    counts[one.server.name] = (counts[one.server.name] ?? 0) + 1;
    one.close();
  }
  return counts;
}

function addressOf({ machine }: Stage, name: string): Entrance {
  return { kind: 'address', address: machine.names.get(name)?.networks.net?.IPAddress ?? assert.fail(`no ${name}`) };
}

function linesOf({ progress }: Process): string[] {
  return progress.flatMap((one) => (one.kind === 'step' ? [describeStep(one.step)] : []));
}

suite('a canary by the kernel', () => {
  for (const [strategy, setup, young, ways] of [
    ['start-first', START_FIRST, 'web.swapctl-next', [BY_NAME]],
    ['handover', HANDOVER, 'web.swapctl-stand-in', [BY_NAME, BY_PORT]],
  ] as const)
    test(`gives the new container its share by each way in, watches it, and then gives it all (${strategy})`, async () => {
      const stage = await stageOf(setup);
      const process = stage.open();
      const seen: Record<string, number>[] = [];
      meanwhile(stage, process, () => {
        for (const way of [...ways, addressOf(stage, 'web'), addressOf(stage, young)]) seen.push(tally(stage, way));
      });
      assert.equal((await rolled(stage, process)).outcome, 'rolled', storyOf(process));
      assert.equal(seen.length, ways.length + 2);
      for (const counts of seen) assert.deepEqual(counts, { [young]: 10, web: 90 });
      const lines = linesOf(process);
      const at = lines.indexOf(`give ${young} 10% of the new connections`);
      assert.equal(lines[at + 1], `watch ${young} with 10% of the new connections for 2.0 s`);
      assert.equal(lines[at + 2], `allow clients to reach ${young}`);
      assert.ok(
        lines.slice(at + 2).includes(`watch ${young.replace('.swapctl-next', '')} for the settle time`),
        `${lines}`,
      );
      assertAnswered(stage, undefined);
      assertAnsweredAtEach(stage);
      assertSafe(stage, SAFE);
    });

  for (const [strategy, setup, young] of [
    ['start-first', START_FIRST, 'web.swapctl-next'],
    ['handover', HANDOVER, 'web.swapctl-stand-in'],
  ] as const) {
    test(`that turns unhealthy goes back, and is rejected (${strategy})`, async () => {
      const stage = await stageOf(setup);
      const process = stage.open();
      meanwhile(stage, process, () => {
        const box = stage.machine.names.get(young) ?? assert.fail('there is none');
        box.sickSince = stage.machine.clock.now();
        stage.machine.version++;
      });
      const report = await rolled(stage, process);
      assert.equal(report.error?.code, 'not-healthy', storyOf(process));
      assertSafe(stage, { memories: true, meddled: true });
    });

    test(`that ends goes back (${strategy})`, async () => {
      const stage = await stageOf(setup);
      const process = stage.open();
      const { clock } = stage.machine;
      let later: Record<string, number> | undefined;
      meanwhile(stage, process, () => {
        const address = addressOf(stage, young);
        tally(stage, address);
        end(stage.machine, stage.machine.names.get(young) ?? assert.fail(), 3);
        clock.alarm(clock.now() + MEANWHILE_MS, () => {
          later = tally(stage, address);
        });
      });
      const report = await rolled(stage, process);
      assert.equal(report.error?.code, 'not-healthy', storyOf(process));
      assert.deepEqual(later, { web: MANY }, 'clients that keep its address are answered');
      assertSafe(stage, { memories: true, meddled: true });
    });

    test(`is taken back if a user interrupts it, and what it serves ends first (${strategy})`, async () => {
      const stage = await stageOf(setup);
      const process = stage.open();
      const abort = new AbortController();
      const busy: Connection[] = [];
      let endedAt = 0;
      meanwhile(stage, process, () => {
        const { machine, place } = stage;
        const made = Array.from({ length: MANY }, () => connect(machine, place.rules, addressOf(stage, 'web')));
        busy.push(...made.flatMap((one) => (one?.server.name === young ? [one] : [])));
        for (const one of busy) one.ask();
        machine.clock.alarm(machine.clock.now() + 200, () => {
          assert.ok(
            busy.every((one) => one.isOpen()),
            'requests under way are cut',
          );
          for (const one of busy) one.close();
          endedAt = machine.clock.now();
        });
        abort.abort();
      });
      const report = await rolled(stage, process, abort.signal);
      assert.equal(report.error?.code, 'interrupted', storyOf(process));
      assert.equal(busy.length, 10);
      assert.ok(endedAt > 0);
      assert.ok(linesOf(process).includes(`give ${young} none of the new connections`), storyOf(process));
      assertAnswered(stage, report);
      assertAnsweredAtEach(stage);
      assertSafe(stage, SAFE);
    });
  }

  test('that was killed is undone by a recovery', async () => {
    const stage = await stageOf(START_FIRST);
    const process = stage.open();
    meanwhile(stage, process, () => process.kill());
    assert.equal(await command(stage, process), 'died');
    const items = await recovered(stage, stage.open());
    assert.deepEqual(
      items.map(({ outcome, slot }) => `${slot} ${outcome}`),
      ['web undone'],
    );
    await stage.machine.clock.run(stage.machine.clock.sleep(60_000));
    assert.equal(assertSafe(stage, SAFE), stage.from);
  });

  test('is done without by a rollback', async () => {
    const stage = await stageOf({ ...START_FIRST, command: 'rollback', keep: 1 });
    const process = stage.open();
    assert.equal((await rolled(stage, process)).outcome, 'rolled-back', storyOf(process));
    assert.ok(!linesOf(process).some((line) => line.includes('10%')), storyOf(process));
  });

  test('holds for as long as it is asked to, although each rule ends soon after the death of swapctl', async () => {
    const stage = await stageOf(HANDOVER);
    relabel(stage, '10% for 5m');
    const process = stage.open();
    let counts: Record<string, number> | undefined;
    process.before('engine.start', 1, () => {
      stage.machine.clock.alarm(stage.machine.clock.now() + 290_000, () => {
        counts = tally(stage, BY_PORT);
      });
    });
    const report = await rolled(stage, process);
    assertSound(report);
    assert.deepEqual(counts, { 'web.swapctl-stand-in': 10, web: 90 });
  });

  const REFUSED: readonly [string, Setup, RegExp][] = [
    ['with stop-first', { ...START_FIRST, strategy: 'stop-first', volume: true }, /can't run side by side/],
    ['without the kernel layer', { ...START_FIRST, kernel: false }, /no proxy is told.*CAP_NET_ADMIN is missing/],
  ];
  for (const [name, setup, words] of REFUSED)
    test(`${name} is refused before anything is touched`, async () => {
      const stage = await stageOf(setup);
      const process = stage.open();
      const report = await rolled(stage, process);
      assert.equal(report.error?.code, 'refused');
      assert.match(report.error?.message ?? '', words);
      assert.deepEqual(
        process.calls.filter(({ what, changes }) => changes && what.startsWith('engine.')),
        [],
      );
    });
});

function relabel({ machine }: Stage, canary: string): void {
  const box = machine.names.get('web') ?? assert.fail('there is no web');
  box.config.Labels = { ...box.config.Labels, 'swapctl.canary': canary };
  box.shown = undefined;
  machine.version++;
}

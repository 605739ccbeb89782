// Hooks of rolls on an engine in memory: their time, their targets, and the result of a roll if one fails.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ServiceReport } from '../../../../src/core/report/report.ts';
import type { Config } from '../../../../src/core/settings/config.ts';
import { NO_CONFIG } from '../../../../src/core/settings/config.ts';
import { SETUPS, type Setup } from '../../../matrix/setups.ts';
import { type Stage, stageOf } from '../../../matrix/stage.ts';
import { connect } from '../../../memory/clients.ts';
import { create } from '../../../memory/containers.ts';
import { build } from '../../../memory/images.ts';
import { start } from '../../../memory/lifecycle.ts';
import { type Box, mustBox } from '../../../memory/machine.ts';

const NETWORK = 'net';
// Hooks of the setup would come before those of the file.
const PLAIN: Setup = { ...SETUPS['start-first'], hooked: false };
const HANDOVER: Setup = { ...SETUPS.handover, hooked: false };
const RELOAD = 'signal HUP nginx';

interface Scene {
  readonly setup?: Setup;
  /** Labels of web, of nginx, and of nginx's image. */
  readonly labels?: Record<string, string>;
  readonly nginx?: Record<string, string>;
  readonly image?: Record<string, string>;
  /** The settings of web in swapctl.yml. */
  readonly file?: Record<string, string>;
  /** Called while the hook runs. */
  readonly during?: (stage: Stage) => void;
}

interface Rolled {
  readonly stage: Stage;
  readonly report: ServiceReport;
  /** The containers of the service at each signal to nginx: names and states. */
  readonly signals: string[][];
  readonly steps: string[];
  /** True: a client by name and one with the first address were answered all the time. */
  readonly answered: boolean;
}

async function rolled({
  setup = PLAIN,
  labels = {},
  nginx = {},
  image = {},
  file = {},
  during,
}: Scene): Promise<Rolled> {
  const stage = await stageOf(setup);
  const { machine, service } = stage;
  const web = mustBox(machine, 'web');
  web.config.Labels = { ...web.config.Labels, ...labels };
  build(machine, 'nginx:1', { config: { Labels: image } });
  const config = { Image: 'nginx:1', Labels: nginx };
  const proxy = create(machine, { name: 'nginx', config, host: { NetworkMode: NETWORK }, networks: { [NETWORK]: {} } });
  start(machine, proxy);
  const process = stage.open({ config: configOf(file) });
  const signals: string[][] = [];
  const watching = watchClient(stage, web.networks[NETWORK]?.IPAddress ?? '');
  process.before('engine.kill', 1, () => {
    signals.push([...machine.boxes.values()].filter(isOfWeb).map(({ name, status }) => `${name} ${status}`));
    watching.reloaded();
    during?.(stage);
  });
  const overrides = { settle: '500ms', 'drain.timeout': '500ms' };
  const request = { pull: 'never' as const, signal: new AbortController().signal, overrides };
  const [report] = await machine.clock.run(process.app.roll([service], request));
  const steps = process.progress.flatMap((one) => (one.kind === 'step' ? [one.step.kind] : []));
  return { stage, report: report ?? assert.fail('no report'), signals, steps, answered: watching.end() };
}

function isOfWeb({ name, status }: Box): boolean {
  return /^web/.test(name) && status !== 'created';
}

function configOf(settings: Record<string, string>): Config {
  const entry = Object.entries(settings).map(([key, value]) => [key, { value, where: 'swapctl.yml:1' }] as const);
  return { ...NO_CONFIG, services: { web: Object.fromEntries(entry) } };
}

// The client with the address resolves the name again once nginx gets its signal.
function watchClient({ machine, place }: Stage, address: string): { reloaded(): void; end(): boolean } {
  let [answered, over, reloaded] = [true, false, false];
  void (async () => {
    while (!over) {
      const way = { kind: 'name', network: NETWORK, name: 'app' } as const;
      const made = connect(machine, place.rules, way);
      const kept = reloaded ? undefined : connect(machine, place.rules, { kind: 'address', address });
      answered &&= made !== undefined && (reloaded || kept !== undefined);
      for (const one of [made, kept]) one?.close();
      await machine.clock.sleep(50);
    }
  })();
  return {
    reloaded: () => {
      reloaded = true;
    },
    end: () => {
      over = true;
      return answered;
    },
  };
}

const FILE = { file: { 'on-switch': RELOAD } };

suite('a hook', () => {
  test('runs once the old container is down, and while its address is still redirected', async () => {
    const { report, signals, answered } = await rolled(FILE);
    assert.deepEqual(
      [report.outcome, report.hooks, report.attention],
      ['rolled', [{ hook: 'signal SIGHUP nginx' }], undefined],
    );
    assert.deepEqual(signals, [['web.swapctl-old exited', 'web running']]);
    assert.ok(answered);
  });

  for (const [name, setup] of [
    ['stop-first', SETUPS['stop-first']],
    ['handover', HANDOVER],
  ] as const)
    test(`runs after a ${name} as well`, async () => {
      const { report, signals } = await rolled({ ...FILE, setup });
      assert.deepEqual([report.outcome, report.hooks?.length], ['rolled', 1]);
      assert.deepEqual(signals, [['web.swapctl-old exited', 'web running']]);
    });

  test('stands in the plan', async () => {
    const stage = await stageOf(PLAIN);
    const { app } = stage.open({ config: configOf({ 'on-switch': `${RELOAD}; call https://u:p@a.test/x?k=1` }) });
    const signal = new AbortController().signal;
    const [plan] = await stage.machine.clock.run(app.plan([stage.service], { pull: 'never', signal }));
    const steps = plan?.slots[0]?.steps ?? [];
    const at = steps.indexOf('run the hooks of web: signal SIGHUP nginx; call https://a.test/x?…');
    assert.deepEqual(steps.slice(at - 1, at + 3), [
      'stop web.swapctl-old',
      'run the hooks of web: signal SIGHUP nginx; call https://a.test/x?…',
      'let the successor answer at the address of web.swapctl-old for a moment',
      'remove web.swapctl-old',
    ]);
  });

  test('does not keep an address redirected that the engine gives to another container', async () => {
    const { report } = await rolled({
      file: { 'on-switch': `${RELOAD}; exec nginx true` },
      during: ({ machine }) => {
        const host = { NetworkMode: NETWORK };
        start(
          machine,
          create(machine, { name: 'stranger', config: { Image: 'nginx:1' }, host, networks: { [NETWORK]: {} } }),
        );
      },
    });
    assert.deepEqual([report.outcome, report.staleClients], ['rolled', undefined]);
  });
});

suite('a hook that fails', () => {
  const FAILS = `${RELOAD}; call http://down.test/x`;

  test('is in the report of a roll that is done, and keeps none of the others from running', async () => {
    const { report, signals } = await rolled({ file: { 'on-switch': `signal HUP gone; ${FAILS}` } });
    assert.equal(report.outcome, 'rolled');
    assert.deepEqual(report.hooks, [
      { hook: 'signal SIGHUP gone', error: 'there is no container gone' },
      { hook: 'signal SIGHUP nginx' },
      { hook: 'call http://down.test/x', error: 'down.test: connect ECONNREFUSED' },
    ]);
    assert.equal(signals.length, 1);
    assert.deepEqual(
      report.attention?.map(({ code, message }) => [code, message]),
      [
        ['attention', 'the hook "signal SIGHUP gone" failed: there is no container gone'],
        ['attention', 'the hook "call http://down.test/x" failed: down.test: connect ECONNREFUSED'],
      ],
    );
  });

  test('takes the roll back where that is wanted, and nobody misses an answer', async () => {
    const { stage, report, answered, steps } = await rolled({
      file: { 'on-switch': FAILS, 'on-switch.failure': 'undo' },
    });
    assert.deepEqual([report.outcome, report.error?.code], ['failed', 'step-failed']);
    assert.match(report.error?.message ?? '', /^web: the hook "call http:\/\/down\.test\/x" failed: /);
    assert.equal(mustBox(stage.machine, 'web').image.id, stage.from);
    assert.deepEqual(
      [...stage.machine.names.keys()].filter((name) => /swapctl-(old|next)/.test(name)),
      [],
    );
    assert.ok(answered, steps.join(' '));
    assert.ok(steps.lastIndexOf('drain') > steps.indexOf('run-hooks'), 'the new container is drained');
  });

  test('takes no roll back which that would leave without an answer', async () => {
    const file = { 'on-switch': FAILS, 'on-switch.failure': 'undo' };
    const { stage, report } = await rolled({ setup: SETUPS['stop-first'], file });
    assert.deepEqual([report.outcome, report.attention?.length], ['rolled', 1]);
    assert.equal(mustBox(stage.machine, 'web').image.id, stage.to);
  });
});

suite('a hook in a label', () => {
  const LABEL = { 'swapctl.on-switch': RELOAD };
  const REFUSED =
    'nginx does not let the labels of web reach it; set swapctl.hooks.from=web on it, or the hook in swapctl.yml';

  const reached = async (scene: Scene): Promise<unknown[]> => {
    const { report, signals } = await rolled(scene);
    return [report.outcome, signals.length, report.hooks?.[0]?.error];
  };

  test('reaches no container that does not say so', async () => {
    assert.deepEqual(await reached({ labels: LABEL }), ['rolled', 0, REFUSED]);
    const other = { 'swapctl.hooks.from': 'web2,shop/web' };
    assert.deepEqual(await reached({ labels: LABEL, nginx: other }), ['rolled', 0, REFUSED]);
  });

  test('reaches one whose own label says so, and not its image', async () => {
    const lets = { 'swapctl.hooks.from': 'web' };
    assert.deepEqual(await reached({ labels: LABEL, nginx: lets }), ['rolled', 1, undefined]);
    assert.deepEqual(await reached({ labels: LABEL, image: lets }), ['rolled', 0, REFUSED]);
  });

  test('runs no command where it may not reach', async () => {
    const { report } = await rolled({ labels: { 'swapctl.on-switch': 'exec nginx true' } });
    assert.equal(report.hooks?.[0]?.error, REFUSED);
  });

  test('is none if the image brings it', async () => {
    const stage = await stageOf(PLAIN);
    const { machine } = stage;
    for (const image of machine.images.values()) image.config.Labels = { ...image.config.Labels, ...LABEL };
    const web = mustBox(machine, 'web');
    web.config.Labels = { ...web.config.Labels, ...LABEL };
    const request = { pull: 'never' as const, signal: new AbortController().signal };
    const [report] = await machine.clock.run(stage.open().app.roll([stage.service], request));
    assert.deepEqual([report?.outcome, report?.hooks], ['rolled', undefined]);
  });
});

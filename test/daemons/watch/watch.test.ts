import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import { isOpen, parseWindows } from '../../../src/core/update/window.ts';
import { digest, type MadeUp, madeUp, NEW, OLD, START } from '../../app/made-up.ts';
import { AWAY, type Happening, simulate, type Watching } from './simulated.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ON = { 'swapctl.enable': 'true' };
const AWAY_REGISTRY = new SwapError('registry-unreachable', 'nobody listens there', { hint: 'wait' });

/** A world without faults and newer images. */
function quiet(services: Record<string, Record<string, string>>) {
  const made = madeUp();
  made.tags.set('app:1', OLD);
  for (const [name, labels] of Object.entries(services)) made.add(name, { ...ON, ...labels });
  return made;
}

suite('24 hours of a watch', () => {
  test('check by the schedule, with jitter, and share the questions', async () => {
    const made = quiet({ a: {}, b: {}, c: { 'swapctl.schedule': '0 * * * *' } });
    const { checks, rolls, log, reasons } = await simulate(made, { hours: 24 });
    assert.deepEqual(new Set(reasons), new Set(['schedule']));
    const hourly = checks.filter((at) => at % HOUR === 0);
    assert.ok(hourly.length >= 23 && hourly.length <= 25, `${hourly.length} at full hours`);
    const others = checks.filter((at) => at % HOUR !== 0);
    assert.ok(others.length >= 84 && others.length <= 97, `${others.length} by the interval`);
    const gaps = others.slice(1).map((at, n) => at - (others[n] ?? 0));
    assert.ok(Math.min(...gaps) >= 15 * MINUTE && Math.max(...gaps) <= 34 * MINUTE);
    assert.deepEqual(rolls, []);
    assert.deepEqual(
      log.map(({ text }) => text),
      ['watching 3 services', 'ended'],
    );
  });

  test('roll in the window, when the image is old enough, and ever later after failures', async () => {
    const made = quiet({
      night: { 'swapctl.window': '02:00-04:00 UTC' },
      old: { 'swapctl.min-age': '6h' },
      bad: { 'swapctl.backoff': '1h-8h' },
    });
    let pushes = 0;
    const push = (): void => {
      pushes += 1;
      const image = digest('bcdef'.charAt(pushes % 5) + pushes.toString(16));
      made.tags.set('bad:1', image);
    };
    made.containers = made.containers.map((one) => (one.name === 'bad' ? { ...one, image: 'bad:1' } : one));
    made.tags.set('bad:1', OLD);
    const happenings = [
      { at: START + HOUR, what: () => void made.tags.set('app:1', NEW) },
      ...Array.from({ length: 22 }, (_, hour) => ({ at: START + (hour + 1) * HOUR, what: push })),
    ];
    const { rolls, log } = await simulate(made, {
      hours: 24,
      happenings,
      roll: async (name, found) => {
        if (name !== 'bad') return undefined;
        made.fail('bad', found.digest);
        return { outcome: 'failed', error: { code: 'not-healthy', message: 'it was not healthy' } };
      },
    });
    const of = (name: string): number[] => rolls.filter(({ service }) => service === name).map(({ at }) => at);
    assert.equal(of('night').length, 1);
    assert.ok(isOpen(parseWindows('02:00-04:00 UTC', 'window'), of('night')[0] ?? 0));
    const [old = 0, ...more] = of('old');
    assert.deepEqual(more, []);
    // Its build time is unknown: it counts from its first sight, at the first check after the push.
    const late = old - (START + HOUR);
    assert.ok(late >= 6 * HOUR && late <= 6 * HOUR + 35 * MINUTE, `${late / MINUTE} min after the push`);
    // A bad push every hour: tried after pauses of 1, 2, 4, 8, 8 hours.
    const rests = of('bad')
      .slice(1)
      .map((at, n) => (at - (of('bad')[n] ?? 0)) / HOUR);
    assert.deepEqual(rests.map(Math.floor), [1, 2, 4, 8].slice(0, rests.length));
    assert.ok(rests.length >= 3);
    const told = log.filter(({ text }) => text.startsWith('night: ')).map(({ text }) => text.split(' ')[1]);
    assert.deepEqual(told, ['waiting', 'updated'], 'each thing once');
  });

  test('outlive whatever a round raises, and go on with the others', async () => {
    const made = quiet({ web: { 'swapctl.schedule': 'every 1m' } });
    const boom = (what: 'registryAway' | 'engineAway', error: unknown) => () =>
      void Object.assign(made, { [what]: error });
    const { rolls, log } = await simulate(made, {
      hours: 6,
      happenings: [
        { at: START + HOUR, what: boom('registryAway', new RangeError('Maximum call stack size exceeded')) },
        { at: START + 2 * HOUR, what: boom('registryAway', undefined) },
        { at: START + 3 * HOUR, what: boom('engineAway', new TypeError('x is not a function')) },
        { at: START + 4 * HOUR, what: boom('engineAway', undefined) },
        { at: START + 5 * HOUR, what: () => void made.tags.set('app:1', NEW) },
      ],
    });
    assert.deepEqual(
      rolls.map(({ service }) => service),
      ['web'],
    );
    const texts = log.map(({ text }) => text);
    assert.ok(
      texts.some((text) => /^web: unknown.*unexpected: Maximum call stack/.test(text)),
      texts.join('\n'),
    );
    assert.ok(
      texts.some((text) => /unexpected: x is not a function/.test(text)),
      texts.join('\n'),
    );
    assert.equal(texts.at(-1), 'ended');
  });

  test('outlive a registry and an engine that are away for hours, and say so once', async () => {
    const made = quiet({ web: { 'swapctl.schedule': 'every 10s' } });
    const { rolls, log, checks, opened } = await simulate(made, {
      hours: 15,
      happenings: [
        { at: START + HOUR, what: () => Object.assign(made, { registryAway: AWAY_REGISTRY }) },
        { at: START + 5 * HOUR, what: () => Object.assign(made, { registryAway: undefined }) },
        { at: START + 8 * HOUR, what: () => Object.assign(made, { engineAway: AWAY }) },
        { at: START + 14 * HOUR, what: () => void made.tags.set('app:1', NEW) },
        { at: START + 14 * HOUR, what: () => Object.assign(made, { engineAway: undefined }) },
      ],
      refuse: () => made.engineAway && new SwapError('engine-unreachable', 'no engine answers'),
    });
    assert.deepEqual(
      log.map(({ level, text }) => `${level} ${text.split(/ app:1|, |\. /)[0]}`),
      [
        'info watching 1 service',
        'warn web: unknown: nobody listens there (wait)',
        'info web: current: it runs what the registry has',
        'error connect ENOENT /var/run/docker.sock; it is tried again until that is over',
        'info the engine answers again',
        'info web: updated',
        'info ended',
      ],
    );
    const during = checks.filter((at) => at > START + HOUR && at <= START + 5 * HOUR);
    assert.ok(
      during.length > 16 && during.length < 30,
      `${during.length} checks of a registry that was away for 4 hours`,
    );
    assert.ok(opened > 60 && opened < 100, `${opened} connections in 6 hours without an engine`);
    assert.equal(rolls.length, 1);
    assert.ok((rolls[0]?.at ?? 0) <= START + 14 * HOUR + 6 * MINUTE);
  });
});

suite('a watch', () => {
  test('takes in what appears, lets go of what is gone, and follows a schedule that changes', async () => {
    const made = quiet({ web: { 'swapctl.schedule': '0 0 * * *' } });
    const { checks, log } = await simulate(made, {
      hours: 3,
      happenings: [
        {
          at: START + HOUR,
          what: (watching) => {
            made.add('new', { ...ON, 'swapctl.schedule': 'every 10m' });
            watching.tells({ timeNano: 5, action: 'start' });
          },
        },
        {
          at: START + 2 * HOUR,
          what: (watching) => {
            made.containers = made.containers.filter(({ name }) => name !== 'new');
            watching.tells({ timeNano: 6, action: 'destroy' });
          },
        },
      ],
    });
    assert.deepEqual(
      log.map(({ at, text }) => `${Math.floor(at)} ${text}`),
      ['0 watching 1 service', '60 watching 2 services', '120 watching 1 service', '180 ended'],
    );
    const minutes = checks.map((at) => Math.floor((at - START) / MINUTE));
    assert.deepEqual(minutes, [60, 70, 80, 90, 100, 110]);
  });

  test('listens on from the last event after the stream was cut, and looks again', async () => {
    const made = quiet({ web: {} });
    const at = (START + HOUR) * 1e6;
    const { streams, log } = await simulate(made, {
      hours: 2,
      happenings: [
        { at: START + HOUR, what: (watching) => watching.tells({ timeNano: at }) },
        {
          at: START + HOUR + 10_000,
          what: (watching) => {
            // No event reports it.
            made.add('missed', ON);
            watching.cuts();
          },
        },
      ],
    });
    assert.deepEqual(streams, [(START - MINUTE) * 1e6, at]);
    const told = log.find(({ text }) => text === 'watching 2 services');
    assert.equal(Math.floor(told?.at ?? 0), 60);
  });

  test('checks at once when it is asked to, and reads swapctl.yml again', async () => {
    const made = quiet({ web: { 'swapctl.schedule': '0 0 * * *' } });
    made.add('filed');
    let file: 'wrong' | 'right' = 'wrong';
    const { log, checks } = await simulate(made, {
      hours: 1,
      reload: async () => {
        if (file === 'wrong') throw new SwapError('config', 'swapctl.yml:3:1: nonsense');
        made.config = { ...NO_CONFIG, services: { filed: { enable: { value: 'true', where: 'swapctl.yml:3' } } } };
      },
      happenings: [
        { at: START + 10 * MINUTE, what: (watching) => watching.asks('check') },
        { at: START + 20 * MINUTE, what: (watching) => watching.asks('reload') },
        {
          at: START + 30 * MINUTE,
          what: (watching) => {
            file = 'right';
            watching.asks('reload');
          },
        },
      ],
    });
    assert.deepEqual(
      log.map(({ at, text }) => `${Math.floor(at)} ${text}`),
      [
        '0 watching 1 service',
        '20 swapctl.yml:3:1: nonsense; what was read before stays',
        '30 swapctl.yml was read again',
        '30 watching 2 services',
        '60 ended',
      ],
    );
    // The service that the file opted in has the usual interval.
    assert.deepEqual(checks.map((one) => Math.floor((one - START) / MINUTE)).slice(0, 1), [10]);
    assert.ok(checks.length >= 2);
  });

  test('checks what a service depends on before it, whatever its own schedule is', async () => {
    const made = quiet({ web: { 'swapctl.depends-on': 'db', 'swapctl.schedule': 'every 10m' } });
    made.add('db', { ...ON, 'swapctl.schedule': '0 0 * * *' });
    made.tags.set('app:1', NEW);
    const { rolls } = await simulate(made, { hours: 1 });
    assert.deepEqual(
      rolls.map(({ service }) => service),
      ['db', 'web'],
    );
  });

  test('watches what is named once it is there', async () => {
    const made = quiet({ other: {} });
    const { log } = await simulate(made, {
      hours: 1,
      selectors: ['web'],
      happenings: [
        {
          at: START + 10 * MINUTE,
          what: (watching) => {
            made.add('web');
            watching.tells({});
          },
        },
      ],
    });
    assert.deepEqual(log.map(({ facts }) => facts.services).filter(Boolean), [[], ['web']]);
  });

  test('waits for an engine that starts later, and ends with what is wrong in swapctl.yml', async () => {
    const made = quiet({ web: {} });
    const { log } = await simulate(made, {
      hours: 1,
      refuse: () => (made.now < START + 10 * MINUTE ? new SwapError('engine-unreachable', 'no engine') : undefined),
    });
    assert.deepEqual(
      log.map(({ text }) => text),
      ['no engine; it is tried again until that is over', 'watching 1 service', 'the engine answers again', 'ended'],
    );
    const refuse = () => new SwapError('config', 'swapctl.yml:3:1: nonsense');
    await assert.rejects(simulate(quiet({}), { hours: 1, refuse }), /nonsense/);
  });

  test('ends in the middle of rolls when it is told to', async () => {
    const made = quiet({ a: {}, b: {} });
    made.tags.set('app:1', NEW);
    let end = (): void => {};
    const { rolls, log } = await simulate(made, {
      hours: 1,
      happenings: [
        {
          at: START,
          what: (watching) => {
            end = watching.ends;
          },
        },
      ],
      roll: async () => {
        end();
        return undefined;
      },
    });
    assert.equal(rolls.length, 1);
    assert.match(log.at(-2)?.text ?? '', /interrupted/);
    assert.equal(log.at(-1)?.text, 'ended');
  });
});

suite('an image that another program puts under a tracked tag', () => {
  const RARELY = { 'swapctl.schedule': '0 0 29 2 *' };
  const built = digest('7');

  /** A user builds it, at an instant. */
  function build(made: MadeUp, at: number, id = built, reference = 'app:1'): Happening {
    const tag = (watching: Watching): void => {
      made.here.set(reference, id);
      watching.tells({ kind: 'image', action: 'tag', id, reference, timeNano: at * 1e6 });
    };
    return { at, what: tag };
  }

  test('is rolled at once, whatever the schedule says, and nobody is asked', async () => {
    const made = quiet({ web: RARELY });
    made.add('other', { ...ON, ...RARELY }, { image: 'other:1' });
    const at = START + 10 * MINUTE;
    const { rolls, reasons } = await simulate(made, {
      hours: 1,
      happenings: [build(made, at, built, 'docker.io/library/app:1')],
    });
    assert.deepEqual(rolls, [{ at: at + 50, service: 'web' }]);
    assert.deepEqual(reasons, ['local image']);
    assert.deepEqual(made.asked, []);
  });

  test('is known by its id after docker load, and one that runs already is no news', async () => {
    const made = quiet({ web: RARELY });
    const at = START + 10 * MINUTE;
    const load = (id: string, minute: number): Happening => ({
      at: at + minute * MINUTE,
      what: (watching) => {
        made.here.set('app:1', id);
        watching.tells({ kind: 'image', action: 'load', id, timeNano: (at + minute * MINUTE) * 1e6 });
      },
    });
    const { rolls, log } = await simulate(made, {
      hours: 1,
      happenings: [load(OLD, 0), load(built, 1), load(built, 2)],
    });
    assert.deepEqual(rolls, [{ at: at + MINUTE + 50, service: 'web' }]);
    assert.equal(log.filter(({ text }) => text.startsWith('web')).length, 1);
  });

  test('waits for the window, is only told with monitor-only, and is left alone after failures', async () => {
    const made = quiet({
      night: { ...RARELY, 'swapctl.window': '14:00-16:00 UTC' },
      told: { ...RARELY, 'swapctl.monitor-only': 'true' },
    });
    made.add('bad', { ...ON, ...RARELY, 'swapctl.backoff': '1h-8h' }, { image: 'bad:1' });
    const good = digest('8');
    const { rolls, log } = await simulate(made, {
      hours: 4,
      happenings: [
        build(made, START + 10 * MINUTE),
        build(made, START + 10 * MINUTE, digest('9'), 'bad:1'),
        build(made, START + 20 * MINUTE, digest('9'), 'bad:1'),
        build(made, START + 30 * MINUTE, good, 'bad:1'),
      ],
      roll: async (name, found) => {
        if (found.digest !== digest('9')) return undefined;
        made.fail(name, found.digest);
        return { outcome: 'failed', error: { code: 'not-healthy', message: 'it was not healthy' } };
      },
    });
    const minutes = rolls.map(({ at, service }) => `${Math.floor((at - START) / MINUTE)} ${service}`);
    assert.deepEqual(minutes, ['10 bad', '70 bad', '120 night']);
    const said = log.map(({ text }) => text.split(' ').slice(0, 2).join(' '));
    assert.deepEqual(said.slice(1, -1).sort(), [
      'bad: failed',
      'bad: held',
      'bad: updated',
      'bad: waiting',
      'night: updated',
      'night: waiting',
      'told: available',
    ]);
  });

  test('is none where swapctl itself moved the tag, and waits until a roll of somebody else is over', async () => {
    const made = quiet({ web: RARELY, worker: RARELY });
    const at = START + 10 * MINUTE;
    const lock = encodeState({ role: 'lock', service: 'web', slot: 'web', holder: 'other', roll: 'one' });
    const roll = build(made, at);
    const { rolls } = await simulate(made, {
      hours: 1,
      happenings: [
        {
          at,
          what: (watching) => {
            made.add('web.swapctl-lock', lock, { status: 'created' });
            roll.what(watching);
          },
        },
        {
          at: at + MINUTE,
          what: () => {
            made.containers = made.containers.filter(({ name }) => name !== 'web.swapctl-lock');
            const state = { role: 'replica', service: 'web', slot: 'web', follows: 'app:1', image: built } as const;
            const labels = encodeState({ ...state, at: new Date(at + 1000).toISOString() });
            made.containers = made.containers.map((one) =>
              one.name === 'web' ? { ...one, imageId: built, labels: { ...one.labels, ...labels } } : one,
            );
          },
        },
        // The next build is for both.
        build(made, at + 5 * MINUTE, digest('8')),
      ],
    });
    assert.deepEqual(
      rolls.map((one) => `${Math.floor((one.at - at) / MINUTE)} ${one.service}`),
      ['5 web', '5 worker'],
    );
  });

  test('does not count where it came before the watch began', async () => {
    const made = quiet({ web: RARELY });
    const before = build(made, START - MINUTE);
    const { rolls } = await simulate(made, { hours: 1, happenings: [{ at: START, what: before.what }] });
    assert.deepEqual(rolls, []);
  });
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { NO_CONFIG } from '../../../src/core/config.ts';
import { SwapError } from '../../../src/core/error.ts';
import { isOpen, parseWindows } from '../../../src/core/window.ts';
import { digest, madeUp, NEW, OLD, START } from '../../roll/made-up.ts';
import { AWAY, simulate } from './simulated.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ON = { 'swapctl.enable': 'true' };
const AWAY_REGISTRY = new SwapError('registry-unreachable', 'nobody listens there', { hint: 'wait' });

/** A world in which everything is as it should be, and nothing newer. */
function quiet(services: Record<string, Record<string, string>>) {
  const made = madeUp();
  made.tags.set('app:1', OLD);
  for (const [name, labels] of Object.entries(services)) made.add(name, { ...ON, ...labels });
  return made;
}

suite('24 hours of a watch', () => {
  test('check by the schedule, with jitter, and share the questions', async () => {
    const made = quiet({ a: {}, b: {}, c: { 'swapctl.schedule': '0 * * * *' } });
    const { checks, rolls, log } = await simulate(made, { hours: 24 });
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
    // Nobody tells when it was built: it counts from when it was seen first, at the first check after the push.
    const late = old - (START + HOUR);
    assert.ok(late >= 6 * HOUR && late <= 6 * HOUR + 35 * MINUTE, `${late / MINUTE} min after the push`);
    // A push every hour, each of them bad: tried after 1, 2, 4, 8, 8 hours of rest.
    const rests = of('bad')
      .slice(1)
      .map((at, n) => (at - (of('bad')[n] ?? 0)) / HOUR);
    assert.deepEqual(rests.map(Math.floor), [1, 2, 4, 8].slice(0, rests.length));
    assert.ok(rests.length >= 3);
    const told = log.filter(({ text }) => text.startsWith('night: ')).map(({ text }) => text.split(' ')[1]);
    assert.deepEqual(told, ['waiting', 'updated'], 'each thing once');
  });

  test('outlive a registry and an engine that are away for hours, and say so once', async () => {
    const made = quiet({ web: { 'swapctl.schedule': 'every 10s' } });
    const { rolls, log, checks, opened } = await simulate(made, {
      hours: 24,
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
            // Nobody is told of it.
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
    // The one that the file opted in has the usual interval.
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

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import { digest, type MadeUp, madeUp, NEW, OLD, START, update } from '../made-up.ts';

const ON = { 'swapctl.enable': 'true' };
const HOUR = 3_600_000;

const compose = (service: string, dependsOn = ''): Record<string, string> => ({
  ...ON,
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': service,
  'com.docker.compose.container-number': '1',
  ...(dependsOn ? { 'com.docker.compose.depends_on': `${dependsOn}:service_started:false` } : {}),
});

const FAILED = { outcome: 'failed', error: { code: 'not-healthy', message: 'it was not healthy' } } as const;
const BUSY = { outcome: 'failed', error: { code: 'busy', message: 'another roll is under way' } } as const;

suite('which services are updated', () => {
  const world = (): MadeUp => {
    const made = madeUp();
    made.add('on', ON);
    made.add('off', { 'swapctl.enable': 'false' });
    made.add('silent');
    made.add('filed');
    made.add('stopped', ON, { status: 'exited' });
    made.add('task', { ...ON, 'com.docker.swarm.task.id': 'x' });
    const enable = { value: 'true', where: 'swapctl.yml:3' };
    made.config = { ...NO_CONFIG, services: { filed: { enable } } };
    return made;
  };
  for (const [what, options, rolled, skipped] of [
    ['by label or file', {}, ['filed', 'on'], ['stopped', 'task']],
    ['all but what is opted out', { all: true }, ['filed', 'on', 'silent'], ['stopped', 'task']],
    ['what is named, whatever its label says', { selectors: ['off', 'silent'] }, ['off', 'silent'], []],
    ['of these, some', { only: new Set(['on', 'stopped']) }, ['on'], ['stopped']],
    ['what is named and there', { selectors: ['on', 'gone'], absent: true }, ['on'], []],
  ] as const)
    test(what, async () => {
      const { report, rolls } = await update(world(), options);
      assert.deepEqual(rolls.sort(), rolled);
      const others = report.services.filter(({ outcome }) => outcome === 'skipped').map(({ service }) => service);
      assert.deepEqual(others, skipped);
    });

  test('what is named and not there is an error', async () => {
    await assert.rejects(update(world(), { selectors: ['gone'] }), /no service or container "gone"/);
  });

  const inOwn = (args: string[]) => {
    const made = madeUp();
    for (const name of ['a', 'own', 'web']) made.add(name, ON);
    const call = { program: [], args, options: [] };
    const { container } = made.ports.engine;
    const engine: typeof made.ports.engine = {
      ...made.ports.engine,
      container: async (id) => {
        const found = await container(id);
        return found && { ...found, config: { ...found.config, Cmd: args } };
      },
    };
    made.ports = { ...made.ports, engine, host: { ...made.ports.host, containerId: 'id-own', call } };
    return update(made);
  };

  test('what swapctl itself runs in is, after all others', async () => {
    assert.deepEqual((await inOwn(['watch'])).rolls, ['a', 'web', 'own']);
  });

  test('what swapctl itself runs in is not, where it ends with the run', async () => {
    const { lines, rolls } = await inOwn(['update', '--all']);
    assert.deepEqual(rolls, ['a', 'web']);
    assert.match(lines.own ?? '', /^skipped: swapctl itself runs in it, and it ends with this run/);
  });

  test('wrong settings are told of those that are meant, and the others go on', async () => {
    const made = madeUp();
    made.add('web', ON);
    made.add('odd', { ...ON, 'swapctl.window': 'whenever' });
    made.add('stranger', { 'swapctl.window': 'whenever' });
    const { report, rolls } = await update(made);
    assert.deepEqual(rolls, ['web']);
    assert.deepEqual(
      report.services.map(({ service, outcome, error }) => [service, outcome, error?.code]),
      [
        ['odd', 'unknown', 'config'],
        ['web', 'updated', undefined],
      ],
    );
  });

  test('an image can not opt its containers in', async () => {
    const made = madeUp();
    made.add('web', ON);
    const images = async () => [{ id: OLD, tags: [], digests: [], labels: ON, createdAt: undefined }];
    made.ports = { ...made.ports, engine: { ...made.ports.engine, images } };
    assert.deepEqual((await update(made)).report.services, []);
  });
});

suite('what is rolled', () => {
  test('exactly what the check found, over what it saw; a second run does nothing', async () => {
    const made = madeUp();
    made.add('web', ON);
    let rolledTo: unknown;
    const { report } = await update(made, {}, async (_, found) => {
      rolledTo = found;
      made.becomes('web', found.digest);
      return {};
    });
    assert.deepEqual(rolledTo, { kind: 'checked', reference: 'app:1', digest: NEW, over: [OLD] });
    assert.equal(report.checked, '2026-03-02T12:00:00.000Z');
    const [line] = report.services;
    assert.deepEqual(
      [line?.outcome, line?.from?.digest, line?.to?.digest, line?.because],
      ['updated', OLD, NEW, 'rolled start-first in 1.2 s'],
    );
    made.asked.length = 0;
    const again = await update(made);
    assert.deepEqual(again.lines, { web: 'current: it runs what the registry has' });
    assert.deepEqual([again.rolls, made.asked], [[], ['HEAD app:1']]);
  });

  test('each with the services that are rolled after it, so that no report warns of them', async () => {
    const made = madeUp();
    for (const name of ['web', 'worker', 'cron']) made.add(name, ON);
    const said: [string, readonly string[]][] = [];
    await update(made, {}, async (name, _, later) => {
      said.push([name, [...later].sort()]);
      return {};
    });
    const names = said.map(([name]) => name);
    assert.deepEqual(
      said,
      names.map((name, at) => [name, names.slice(at + 1).sort()]),
    );
    assert.equal(names.length, 3);
  });

  test('nothing in a dry run, nothing that is only watched, nothing that failed', async () => {
    const made = madeUp();
    made.add('web', ON);
    made.add('watched', { ...ON, 'swapctl.monitor-only': 'true' });
    made.add('bad', ON);
    made.fail('bad', NEW);
    const { rolls, lines } = await update(made, { dryRun: true });
    assert.deepEqual(rolls, []);
    assert.match(lines.web ?? '', /^available: app:1 is sha256:bbbbbbbbbbbb now; it would be rolled$/);
    assert.match(lines.watched ?? '', /^available: .*monitor-only/);
    assert.match(lines.bad ?? '', /^held: it was tried here/);
    assert.deepEqual((await update(made)).rolls, ['web']);
  });

  test('what could not be asked for is told, and the others go on', async () => {
    const made = madeUp();
    made.add('web', ON);
    made.add('lost', ON, { image: 'lost:1' });
    const { rolls, report } = await update(made);
    assert.deepEqual(rolls, ['web']);
    assert.equal(report.services.find(({ service }) => service === 'lost')?.error?.code, 'no-such-image');
  });
});

suite('when', () => {
  const waits: [what: string, labels: Record<string, string>, arrange: (made: MadeUp) => void, until: number][] = [
    ['its window', { 'swapctl.window': '14:00-15:00 UTC' }, () => {}, START + 2 * HOUR],
    ['min-age', { 'swapctl.min-age': '6h' }, (made) => made.created.set(NEW, START - HOUR), START + 5 * HOUR],
    ['min-age', { 'swapctl.min-age': '6h' }, () => {}, START + 6 * HOUR],
    ['min-age', { 'swapctl.min-age': '6h' }, (made) => made.created.set(NEW, 0), START + 6 * HOUR],
    ['min-interval', { 'swapctl.min-interval': '4h' }, (made) => made.becomes('web', OLD), START + 4 * HOUR],
    ['backoff', { 'swapctl.backoff': '1h-4h' }, (made) => made.fail('web', digest('c')), START + HOUR],
    ...(['unproven', 'cannot-start'] as const).flatMap((code): typeof waits => [
      ['backoff', { 'swapctl.backoff': '1h-4h' }, (made) => made.fail('web', NEW, { code }), START + HOUR],
      [
        'backoff',
        { 'swapctl.backoff': '1h-4h' },
        (made) => made.fail('web', NEW, { code, tries: 2 }),
        START + 2 * HOUR,
      ],
    ]),
  ];
  for (const [what, labels, arrange, until] of waits)
    test(`${what} is waited for until ${new Date(until).toISOString()}`, async () => {
      const made = madeUp();
      made.add('web', { ...ON, ...labels });
      arrange(made);
      const firstSeen = new Map<string, number>();
      const before = await update(made, { firstSeen });
      assert.deepEqual(before.rolls, []);
      const [line] = before.report.services;
      assert.deepEqual([line?.outcome, line?.until], ['waiting', new Date(until).toISOString()]);
      assert.match(line?.because ?? '', new RegExp(what));
      made.now = until;
      assert.deepEqual((await update(made, { firstSeen })).rolls, ['web']);
    });
});

test('without a memory, min-age is waited for as long as nobody tells how old an image is', async () => {
  const made = madeUp();
  made.add('web', { ...ON, 'swapctl.min-age': '6h' });
  const { report } = await update(made);
  const [line] = report.services;
  assert.deepEqual([line?.outcome, line?.until], ['waiting', undefined]);
  assert.match(line?.because ?? '', /its registry does not report its age/);
  made.created.set(NEW, START - 7 * HOUR);
  assert.deepEqual((await update(made)).rolls, ['web']);
});

suite('the order', () => {
  const shop = (): MadeUp => {
    const made = madeUp();
    made.add('shop-web-1', compose('web', 'api'));
    made.add('shop-api-1', compose('api', 'db'));
    made.add('shop-db-1', compose('db'), { image: 'db:1' });
    made.tags.set('db:1', NEW);
    made.add('other', ON);
    return made;
  };

  test('is that of dependencies, also through what is not rolled', async () => {
    const made = shop();
    assert.deepEqual((await update(made)).rolls, ['other', 'shop/db', 'shop/api', 'shop/web']);
    const skipping = shop();
    skipping.becomes('shop-api-1', NEW);
    skipping.config = { ...NO_CONFIG, maxRollsAtOnce: 9 };
    const began: string[] = [];
    await update(skipping, {}, async (key) => {
      if (key === 'shop/web') assert.ok(began.includes('shop/db done'));
      await new Promise(setImmediate);
      began.push(`${key} done`);
      return {};
    });
    assert.equal(began.at(-1), 'shop/web done');
  });

  for (const [what, answer, sentence, outcome] of [
    ['fails', FAILED, 'it depends on shop/db, whose roll failed', 'failed'],
    ['is busy', BUSY, 'it depends on shop/db, which another process is rolling', 'waiting'],
  ] as const)
    test(`what hangs on one that ${what} is held back, and the others go on`, async () => {
      const { rolls, lines } = await update(shop(), {}, async (key) => (key === 'shop/db' ? answer : undefined));
      assert.deepEqual(rolls, ['other', 'shop/db']);
      assert.match(lines['shop/db'] ?? '', new RegExp(`^${outcome}`));
      assert.equal(lines['shop/api'], `waiting: ${sentence}`);
      assert.match(lines['shop/web'] ?? '', /^waiting: it depends on shop\/(api|db), w/);
    });

  test('what hangs on one that failed in an earlier run is held back as well', async () => {
    const made = shop();
    made.fail('shop-db-1', NEW);
    const { rolls, lines } = await update(made);
    assert.deepEqual(rolls, ['other']);
    assert.equal(lines['shop/api'], 'waiting: it depends on shop/db, whose newest image failed here');
  });

  test('a circle and a name that is not there stop their own, and what hangs on them', async () => {
    const made = madeUp();
    made.add('a', { ...ON, 'swapctl.depends-on': 'b' });
    made.add('b', { ...ON, 'swapctl.depends-on': 'a' });
    made.add('c', { ...ON, 'swapctl.depends-on': 'nobody' });
    made.add('d', { ...ON, 'swapctl.depends-on': 'c' });
    made.add('e', ON);
    const { rolls, report, lines } = await update(made);
    assert.deepEqual(rolls, ['e']);
    assert.deepEqual(
      report.services.map(({ error }) => error?.code),
      ['config', 'config', 'config', undefined, undefined],
    );
    assert.match(lines.d ?? '', /^waiting: it depends on c/);
  });

  for (const atOnce of [1, 2, 3])
    test(`${atOnce} at once, and not more`, async () => {
      const made = madeUp();
      for (const name of ['a', 'b', 'c', 'd', 'e']) made.add(name, ON);
      made.config = { ...NO_CONFIG, maxRollsAtOnce: atOnce };
      let [running, most] = [0, 0];
      await update(made, {}, async () => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running -= 1;
        return undefined;
      });
      assert.equal(most, atOnce);
    });

  test('who lives in the namespaces of another, or is linked to it, comes after it', async () => {
    const made = madeUp();
    for (const name of ['mate', 'linked', 'owner']) made.add(name, ON);
    made.hosts.set('mate', { NetworkMode: 'container:id-owner' });
    made.hosts.set('linked', { Links: ['/owner:/linked/db'] });
    made.config = { ...NO_CONFIG, maxRollsAtOnce: 9 };
    const ends: string[] = [];
    await update(made, {}, async (name) => {
      if (name !== 'owner') assert.deepEqual(ends.slice(0, 1), ['owner']);
      await new Promise(setImmediate);
      ends.push(name);
      return {};
    });
    assert.equal(ends.length, 3);
  });

  test('what was not begun when the run was interrupted is said so', async () => {
    const interruption = new AbortController();
    const { rolls, report } = await update(shop(), { signal: interruption.signal }, async () => {
      interruption.abort();
      return undefined;
    });
    assert.deepEqual(rolls, ['other']);
    const left = report.services.filter(({ error }) => error?.code === 'interrupted');
    assert.deepEqual(
      left.map(({ outcome }) => outcome),
      ['available', 'available', 'available'],
    );
  });
});

test('a mistake in swapctl.yml ends the run before anything is asked', async () => {
  const made = madeUp();
  made.add('web', ON);
  const config = () => {
    throw new SwapError('config', 'swapctl.yml:3:1: nonsense');
  };
  made.ports = { ...made.ports, config };
  await assert.rejects(update(made), /nonsense/);
  assert.deepEqual(made.asked, []);
});

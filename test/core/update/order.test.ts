import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { type Dependent, dependenciesOf, heldBack, rollOrder, startable } from '../../../src/core/update/order.ts';
import { own, raised } from '../builders.ts';

function services(graph: Record<string, string[]>): Dependent[] {
  return Object.entries(graph).map(([key, dependsOn]) => ({ key, dependsOn }));
}

function failures(failed: Iterable<string>): Map<string, string> {
  return new Map([...failed].map((key) => [key, 'whose roll failed']));
}

function keys(ordered: readonly Dependent[]): string[] {
  return ordered.map(({ key }) => key);
}

// Edges lead only to smaller numbers, so there is no cycle; the given order is another one.
const graphs = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 12 })
  .map((rows) => rows.map((row, at) => ({ key: `s${at}`, dependsOn: at === 0 ? [] : row.map((n) => `s${n % at}`) })))
  .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

suite('the order of rolls', () => {
  const table: [string, Record<string, string[]>, string[]][] = [
    ['is the one given, where nothing depends on anything', { web: [], api: [], db: [] }, ['web', 'api', 'db']],
    ['puts dependencies first', { web: ['api'], api: ['db'], db: [] }, ['db', 'api', 'web']],
    ['meets a diamond once', { web: ['api', 'auth'], api: ['db'], auth: ['db'], db: [] }, ['db', 'api', 'auth', 'web']],
    ['takes what is not among them for done', { web: ['gone'], api: ['web'] }, ['web', 'api']],
  ];
  for (const [what, graph, expected] of table)
    test(what, () => assert.deepEqual(keys(rollOrder(services(graph))), expected));

  test('names the circle, and only the circle', () => {
    const error = raised(() => rollOrder(services({ web: ['api'], api: ['db'], db: ['cache'], cache: ['api'] })));
    assert.equal(error.code, 'config');
    assert.equal(error.message, 'services depend on each other in a circle: api → db → cache → api');
    assert.match(raised(() => rollOrder(services({ web: ['web'] }))).message, /web → web$/);
  });

  test('has everything once, and everything after what it depends on', () => {
    fc.assert(
      fc.property(graphs, (all) => {
        const order = keys(rollOrder(all));
        assert.deepEqual([...order].sort(), keys(all).sort());
        for (const { key, dependsOn } of all)
          for (const other of dependsOn) assert.ok(order.indexOf(other) < order.indexOf(key), `${other} before ${key}`);
      }),
    );
  });

  test('holds back whatever a failure reaches, and nothing else', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), (all, pick) => {
        const failed = failures(all.length > 0 ? [`s${pick % all.length}`] : []);
        const held = heldBack(all, failed);
        for (const { key, dependsOn } of all) {
          const reached = !failed.has(key) && dependsOn.some((other) => failed.has(other) || held.has(other));
          assert.equal(held.has(key), reached, key);
        }
      }),
    );
  });
});

suite('what may start now', () => {
  const none = { done: new Set<string>(), failed: new Set<string>(), running: new Set<string>() };
  const all = services({ web: ['api', 'gone'], api: ['db'], db: [], mail: [] });

  test('is what waits for nothing, as many as there is room for', () => {
    assert.deepEqual(keys(startable(all, none, 9)), ['db', 'mail']);
    assert.deepEqual(keys(startable(all, none, 1)), ['db']);
    assert.deepEqual(keys(startable(all, { ...none, running: new Set(['db']) }, 2)), ['mail']);
    assert.deepEqual(keys(startable(all, { ...none, running: new Set(['db', 'mail']) }, 2)), []);
    assert.deepEqual(keys(startable(all, { ...none, done: new Set(['db']) }, 2)), ['api', 'mail']);
    assert.deepEqual(keys(startable(all, { ...none, failed: new Set(['db']) }, 2)), ['mail']);
  });

  test('brings every run to its end: each service once, after what it depends on, or held back', () => {
    const runs = fc.record({
      all: graphs,
      atOnce: fc.integer({ min: 1, max: 4 }),
      bad: fc.nat(),
      picks: fc.infiniteStream(fc.nat()),
    });
    fc.assert(
      fc.property(runs, ({ all: wanted, atOnce, bad, picks }) => {
        const done = new Set<string>();
        const failed = new Set<string>();
        const running = new Set<string>();
        for (;;) {
          for (const { key, dependsOn } of startable(wanted, { done, failed, running }, atOnce)) {
            for (const other of dependsOn) assert.ok(done.has(other), `${other} before ${key}`);
            assert.ok(!running.has(key) && !done.has(key) && !failed.has(key), `${key} once`);
            running.add(key);
          }
          assert.ok(running.size <= atOnce);
          const [first] = [...running].slice(picks.next().value % Math.max(1, running.size));
          if (first === undefined) break;
          running.delete(first);
          (first === `s${bad % wanted.length}` ? failed : done).add(first);
        }
        const ended = [...done, ...failed, ...heldBack(wanted, failures(failed)).keys()];
        assert.deepEqual(ended.sort(), keys(wanted).sort());
      }),
    );
  });
});

test('what is held back says why', () => {
  const all = services({ web: ['api'], api: ['db'], db: [], mail: [] });
  assert.deepEqual(
    [...heldBack(all, failures(['db']))],
    [
      ['api', 'it depends on db, whose roll failed'],
      ['web', 'it depends on api, which is held back: it depends on db, whose roll failed'],
    ],
  );
  assert.deepEqual([...heldBack(all, failures(['api', 'db']))], [['web', 'it depends on api, whose roll failed']]);
});

suite('what a service depends on', () => {
  const all = ['shop/web', 'shop/db', 'shop/cache', 'blog/db', 'blog/web', 'proxy', 'mail/queue'];
  const project = { 'com.docker.compose.project': 'shop' };
  const composed = (text: string) => ({ ...project, 'com.docker.compose.depends_on': text });
  const table: [string, string[], Record<string, string>, string[]][] = [
    ['nothing', [], {}, []],
    ["compose's label", [], composed('db:service_healthy:true,cache:service_started:false'), ['shop/db', 'shop/cache']],
    ["an empty label of compose's", [], composed(''), []],
    ['what compose names and is not there', [], composed('db:service_started:false,seed:x:false'), ['shop/db']],
    ['a name of the same project first', ['db'], project, ['shop/db']],
    ['a full name', ['blog/db'], project, ['blog/db']],
    ['a container', ['proxy'], project, ['proxy']],
    ['a service of the only project that has it', ['queue'], project, ['mail/queue']],
    ['both at once, each once', ['db', 'proxy'], composed('db:service_healthy:true'), ['shop/db', 'proxy']],
  ];
  for (const [what, named, labels, expected] of table)
    test(what, () => assert.deepEqual(dependenciesOf('shop/web', named, own(labels), all), expected));

  test('is refused where it is not there, or not clear', () => {
    const refused = (name: string) => raised(() => dependenciesOf('proxy', [name], own({}), all));
    assert.equal(refused('cahce').message, 'depends-on of proxy: cahce is no service of this engine');
    assert.equal(refused('cahce').hint, 'did you mean cache?');
    assert.equal(refused('ldap').hint, 'start it, or take its name out');
    assert.equal(refused('xy').hint, 'start it, or take its name out', 'of two letters two are too much');
    assert.equal(refused('db').message, 'depends-on of proxy: db names 2 services');
    assert.equal(refused('db').hint, 'say which: shop/db, blog/db');
  });
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ContainerStatus } from '../../../src/core/model/container.ts';
import { encodeState } from '../../../src/core/service/labels.ts';
import { slotNameOf, slotNames } from '../../../src/core/service/names.ts';
import { helperRole } from '../../../src/core/service/ownership.ts';
import { findService, groupServices, whyNotRollable } from '../../../src/core/service/service.ts';
import { castRoles } from '../../../src/core/service/slot.ts';
import { composed, raised, summary } from '../builders.ts';

const WORLD = [
  composed('shop', 'web', 2, { id: 'aaaa2222' }),
  composed('shop', 'web', 1, { id: 'aaaa1111' }),
  composed('shop', 'db', 1, { id: 'bbbb1111' }),
  composed('blog', 'db', 1, { id: 'cccc1111' }),
  summary({ id: 'dddd1111', name: 'redis' }),
];

suite('services', () => {
  test('replicas of a compose service are one service, in the order of their numbers', () => {
    const services = groupServices(WORLD);
    assert.deepEqual(
      services.map((service) => service.key),
      ['blog/db', 'redis', 'shop/db', 'shop/web'],
    );
    assert.deepEqual(
      services.at(-1)?.slots.map((slot) => slot.slotName),
      ['shop-web-1', 'shop-web-2'],
    );
  });

  test('a container under a temporary name belongs to the slot that it is to take over', () => {
    const [service] = groupServices([
      composed('shop', 'web', 1),
      summary({
        id: 'n',
        name: 'shop-web-1.swapctl-next',
        labels: encodeState({ role: 'replica', service: 'shop/web', slot: 'shop-web-1' }),
      }),
    ]);
    assert.deepEqual([service?.key, service?.slots.length, service?.slots[0]?.members.length], ['shop/web', 1, 2]);
  });

  test('helpers of swapctl are no members, an image that brings their labels is', () => {
    const labels = encodeState({ role: 'lock', service: 'redis', slot: 'redis' });
    const all = [
      summary({ name: 'redis', labels }),
      summary({ id: 'l', name: 'redis.swapctl-lock', status: 'created', labels }),
    ];
    assert.deepEqual(
      groupServices(all).flatMap((service) => service.slots.flatMap((slot) => slot.members.map((one) => one.name))),
      ['redis'],
    );
    assert.deepEqual(all.map(helperRole), [undefined, 'lock']);
  });

  test('a one-off container of a compose service is a service of its own', () => {
    const once = composed('shop', 'web', 1, { name: 'shop-web-run-1' });
    const labels = { ...once.labels, 'com.docker.compose.oneoff': 'True' };
    assert.deepEqual(
      groupServices([summary({ ...once, labels })]).map((service) => service.key),
      ['shop-web-run-1'],
    );
  });

  test('a container of an image that compose built is not one of the service', () => {
    const labels = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'web' };
    assert.equal(groupServices([summary({ name: 'lonely', labels })])[0]?.key, 'lonely');
  });
});

suite('finding what a user named', () => {
  const services = groupServices(WORLD);
  const table: [string, string, string[]][] = [
    ['shop/web', 'shop/web', ['shop-web-1', 'shop-web-2']],
    ['web', 'shop/web', ['shop-web-1', 'shop-web-2']],
    ['redis', 'redis', ['redis']],
    ['shop-web-2', 'shop/web', ['shop-web-2']],
    ['shop/db', 'shop/db', ['shop-db-1']],
    ['cccc', 'blog/db', ['blog-db-1']],
    ['aaaa1111', 'shop/web', ['shop-web-1']],
  ];
  for (const [selector, key, slotsOf] of table) {
    test(`${selector} is ${slotsOf.join(' and ')}`, () => {
      const found = findService(services, selector);
      assert.deepEqual([found.key, found.slots.map((slot) => slot.slotName)], [key, slotsOf]);
    });
  }

  test('a short name that two projects have is ambiguous, and the choices are listed', () => {
    const error = raised(() => findService(services, 'db'));
    assert.deepEqual([error.code, error.hint], ['ambiguous', 'say which: blog/db, shop/db']);
  });

  test('an id that two containers begin with is ambiguous', () => {
    const error = raised(() => findService(services, 'aaaa'));
    assert.deepEqual([error.code, error.hint], ['ambiguous', 'say which: shop-web-1, shop-web-2']);
  });

  test('a container that is called like a service of another project is ambiguous', () => {
    const named = [composed('shop', 'web', 1), composed('blog', 'front', 1, { id: 'f', name: 'web' })];
    const error = raised(() => findService(groupServices(named), 'web'));
    assert.deepEqual([error.code, error.hint], ['ambiguous', 'say which: shop/web, web']);
  });

  test('a service whose container is called like it is not ambiguous', () => {
    const named = composed('shop', 'web', 1, { name: 'web' });
    assert.equal(findService(groupServices([named]), 'web').key, 'shop/web');
  });

  test('what there is not lists what there is', () => {
    const error = raised(() => findService(services, 'mail'));
    assert.deepEqual([error.code, error.hint], ['not-found', 'there are: blog/db, redis, shop/db, shop/web']);
    assert.match(raised(() => findService([], 'x')).hint ?? '', /doctor/);
  });

  test('a name as the engine writes it, and a whole project, get a hint', () => {
    assert.equal(raised(() => findService(services, '/redis')).hint, 'write it without the slash: redis');
    assert.equal(
      raised(() => findService(services, 'shop')).hint,
      '"shop" is a compose project; name its services: shop/db, shop/web',
    );
    assert.equal(raised(() => findService(services, '/nothing')).hint, 'there are: blog/db, redis, shop/db, shop/web');
  });

  test('a project with a slash, and a whole key with one before it, get the hint as well', () => {
    const project = '"shop" is a compose project; name its services: shop/db, shop/web';
    assert.equal(raised(() => findService(services, '/shop')).hint, project);
    assert.equal(raised(() => findService(services, 'shop/')).hint, project);
    assert.equal(raised(() => findService(services, '/shop/web')).hint, 'write it without the slash: shop/web');
    assert.equal(raised(() => findService(services, '/web')).hint, 'write it without the slash: web');
  });

  for (const [slip, near] of [
    ['weeb', 'web'],
    ['shop/webb', 'shop/web'],
    ['shop-web-3', 'shop-web-1'],
    ['rediss', 'redis'],
    ['/redsi', 'redis'],
  ] as const)
    test(`${slip} is probably ${near}`, () => {
      assert.equal(raised(() => findService(services, slip)).hint, `did you mean ${near}?`);
    });

  test('a long list of choices is cut', () => {
    const many = Array.from({ length: 30 }, (_, n) => summary({ id: `id${n}`, name: `one${n}` }));
    assert.match(raised(() => findService(groupServices(many), 'x')).hint ?? '', /, and 10 more$/);
  });

  test('three digits are too few for an id', () => {
    assert.equal(raised(() => findService(services, 'ccc')).code, 'not-found');
  });
});

test('who can be rolled is told by status', () => {
  const table: [ContainerStatus, RegExp | undefined][] = [
    ['running', undefined],
    ['restarting', undefined],
    ['paused', /unpause/],
    ['created', /start/],
    ['exited', /start/],
    ['removing', /gone/],
    ['dead', /gone/],
  ];
  for (const [status, hint] of table) {
    const why = whyNotRollable(summary({ status }));
    if (hint) assert.match(why?.hint ?? '', hint);
    else assert.equal(why, undefined);
  }
});

suite('the roles in a slot', () => {
  const { slotName, next, old } = slotNames('web');
  const member = (id: string, name: string, roll?: string, replaces?: string) => ({ id, name, roll, replaces });
  const table: [string, ReturnType<typeof member>[], string | undefined, string | undefined][] = [
    ['nothing', [], undefined, undefined],
    ['one with the slot name', [member('a', slotName)], 'a', undefined],
    ['one with the slot name that this roll made', [member('a', slotName, 'mine')], undefined, 'a'],
    ['one with the slot name that an earlier roll made', [member('a', slotName, 'earlier')], 'a', undefined],
    ['one under the old name', [member('a', old)], 'a', undefined],
    ['one under the next name', [member('a', next)], undefined, 'a'],
    ['before the switch', [member('a', slotName), member('b', next, 'mine', 'a')], 'a', 'b'],
    ['while the name changes hands', [member('a', old), member('b', next, 'mine', 'a')], 'a', 'b'],
    ['after the switch', [member('a', old), member('b', slotName, 'earlier', 'a')], 'a', 'b'],
    ['after the switch, the other way round', [member('b', slotName, 'earlier', 'a'), member('a', old)], 'a', 'b'],
    ['the old one was made again', [member('c', old, 'mine-restored'), member('b', slotName, 'mine', 'a')], 'c', 'b'],
    [
      'the old one was made again, and has its name',
      [member('c', slotName, 'mine-restored'), member('b', next, 'mine', 'a')],
      'c',
      'b',
    ],
    ['labels beat names', [member('b', old, 'mine', 'a'), member('a', slotName)], 'a', 'b'],
  ];
  for (const [name, members, incumbent, candidate] of table) {
    test(name, () => {
      const cast = castRoles(slotName, members, 'mine');
      assert.deepEqual([cast.incumbent?.id, cast.candidate?.id], [incumbent, candidate]);
    });
  }

  test('three are too many: a person has to look', () => {
    const error = raised(() =>
      castRoles(slotName, [member('a', slotName), member('b', next), member('c', old)], 'mine'),
    );
    assert.equal(error.code, 'attention');
    assert.match(error.message, /web, web\.swapctl-next, web\.swapctl-old/);
  });

  test('every temporary name belongs to its slot', () => {
    const { slotName: _, ...others } = slotNames('web');
    for (const name of Object.values(others)) assert.equal(slotNameOf(name), slotName);
    assert.equal(slotNameOf('web.swapctl-nextdoor'), 'web.swapctl-nextdoor');
  });
});

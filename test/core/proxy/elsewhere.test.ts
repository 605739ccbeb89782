import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { servesOthers } from '../../../src/core/proxy/elsewhere.ts';
import { composed, summary } from '../builders.ts';

const web = composed('shop', 'web', 1, { addresses: ['10.0.0.2'] });
const twin = composed('shop', 'web', 2, { addresses: ['10.0.0.3'] });
const db = composed('shop', 'db', 1, { addresses: ['10.0.0.4'] });
const other = summary({ id: 'other', name: 'other', addresses: ['10.0.0.5', 'fd00::5'] });
const OWN = new Set([web.id, twin.id]);
const container = { name: web.name, networks: { net: { Aliases: ['app'] } } };

const elsewhere = (...addresses: string[]) =>
  servesOthers(
    addresses.map((address) => ({ address })),
    container,
    OWN,
    [web, twin, db, other],
  );

suite('a route', () => {
  for (const address of [
    '10.0.0.2:80',
    '10.0.0.3:80',
    'web:80',
    'app:80',
    'shop-web-2:80',
    'http://web:80/',
    'web',
    'web.example.org:80',
    '127.0.0.1:8080',
  ])
    test(`may lead to ${address}`, () => assert.equal(elsewhere(address), undefined));

  for (const [address, name] of [
    ['10.0.0.4:80', 'shop-db-1'],
    ['[fd00::5]:80', 'other'],
    ['db:5432', 'shop-db-1'],
    ['https://other:80', 'other'],
  ] as const)
    test(`leads elsewhere to ${address}`, () => assert.deepEqual(elsewhere(address), [name]));

  test('leads to the service if one of its servers is of it, or nothing is known of them', () => {
    assert.equal(elsewhere('db:80', 'web:80'), undefined);
    assert.equal(elsewhere(), undefined);
  });
});

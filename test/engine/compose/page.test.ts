// docs/reference/compose.md names every service key of compose, and every field that the engine shows.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { rowsOf } from '../../docs/compose-page.ts';
import { composeBinary } from '../../lab/compose.ts';
import { isPodman } from '../../lab/engine.ts';
import { testWorld } from '../../lab/world.ts';

const namesOf = (heading: string): string[] => rowsOf(heading).map(({ name }) => name);
const LARGEST = 1_000_000;

/** The service keys of the schema inside the compose program. */
function serviceKeys(): string[] {
  const program = readFileSync(composeBinary('2.40'));
  const at = program.indexOf('"$id": "compose_spec.json"');
  const from = program.lastIndexOf('{', at);
  const text = program.toString('latin1', from, from + LARGEST);
  const schema = JSON.parse(text.slice(0, objectEnd(text)));
  return Object.keys(schema.definitions.service.properties);
}

/** The end of the JSON object at the start of a text. */
function objectEnd(text: string): number {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return assert.fail('the schema has no end');
}

test('each service key of compose 2.40 has a row, and no row is of another key', () => {
  const keys = serviceKeys();
  assert.ok(keys.includes('image'), 'the schema was found');
  assert.deepEqual([...new Set(namesOf('Service keys'))].sort(), keys.sort());
});

test('each field that the engine shows of a container has a row', async (t) => {
  const world = testWorld(t);
  if (await isPodman(world.docker)) return t.skip('Podman shows settings in its own form');
  const container = await world.container('shown', { image: await world.image('shown:1', { from: 'base' }) });
  const { Config, HostConfig, NetworkSettings } = await container.inspect();
  const endpoints = Object.values(NetworkSettings.Networks).flatMap((endpoint) => Object.keys(endpoint ?? {}));
  const missing = (heading: string, shown: readonly string[]): string[] =>
    shown.filter((field) => !namesOf(heading).includes(field));
  assert.ok(endpoints.length > 0);
  assert.deepEqual(missing('Config', Object.keys(Config)), []);
  assert.deepEqual(missing('HostConfig', Object.keys(HostConfig)), []);
  assert.deepEqual(missing('NetworkingConfig', endpoints), []);
});

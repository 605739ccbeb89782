// Many clients that ask a server for the same at the same time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import { type Answer, siteOf } from '../../fronts/server/http/site.ts';

test('of 50 services that 20 clients ask to roll at once over HTTP, each is rolled exactly once', async (t) => {
  const names = Array.from({ length: 50 }, (_, at) => `s${at}`);
  const config = { ...NO_CONFIG, maxRollsAtOnce: 5 };
  const { world, process, server, call } = await siteOf(t, names, undefined, { config });
  world.newer();
  const began = performance.now();
  const askFor = (service: string): Promise<Answer> => call('/v1/rolls', { method: 'POST', body: { service } });
  // One request after the other; clients begin with different services.
  const client = async (number: number): Promise<Answer[]> => {
    const own: Answer[] = [];
    for (let at = 0; at < names.length; at++) own.push(await askFor(names[(at + number * 7) % names.length] ?? ''));
    return own;
  };
  const answers = (await Promise.all(Array.from({ length: 20 }, (_, number) => client(number)))).flat();
  const asked = performance.now() - began;
  assert.ok(answers.every(({ status }) => status === 202));
  const ids = [...new Set(answers.map(({ json }) => json.id))];
  await Promise.all(ids.map((id) => server.book.settled(id, new AbortController().signal)));
  const { jobs } = await server.book.list();
  const rolled = jobs.filter(({ outcome }) => outcome === 'rolled').map(({ service }) => service);
  assert.deepEqual(rolled.sort(), [...names].sort());
  assert.equal(process.calls.filter(({ what }) => what === 'engine.stop').length, names.length);
  // A client that asks after the end of a roll begins another one, which finds nothing to do.
  assert.ok(jobs.every(({ outcome }) => outcome === 'rolled' || outcome === 'unchanged'));
  t.diagnostic(
    `${answers.length} requests answered in ${asked.toFixed(0)} ms, ${ids.length} jobs, ${rolled.length} rolls`,
  );
});

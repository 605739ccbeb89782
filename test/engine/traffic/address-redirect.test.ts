// Inside a Docker network clients have addresses, from the engine's DNS, from a proxy's list, or from long ago. From the switch on, every
// address of the service reaches the new container.
import assert from 'node:assert/strict';
import test from 'node:test';
import { quickly } from '../compose-app.ts';
import { addressOf, asked, askedFromHost, startRoll, TIMES, tables } from './address-redirect-world.ts';

test('from the switch on the old address leads to the new container, also for a while after the old one has gone', async (t) => {
  const rolled = await startRoll(t, { newer: { READY_AT: 'SIGUSR1' } });
  if (!rolled) return;
  const { world, name, address, neighbour, app, during } = rolled;
  const seen: Record<string, unknown> = {};
  const look = (when: string) => async () => {
    const newer = world.docker.getContainer(name);
    const byItself = await asked(newer, address);
    const answers = [await asked(neighbour, address), await askedFromHost(world, address), byItself];
    seen[when] = { versions: answers.map((answer) => answer?.version), from: answers[0]?.from };
  };
  during['await-healthy web.swapctl-next'] = async () => {
    seen.before = (await asked(neighbour, address))?.version;
    await world.docker.getContainer(`${name}.swapctl-next`).kill({ signal: 'SIGUSR1' });
  };
  during['settle web'] = look('settling');
  during['end-forward web.swapctl-old'] = look('gone');
  const [report] = await app.roll([name], quickly({ overrides: TIMES }));
  assert.equal(report?.outcome, 'rolled', JSON.stringify(report));
  const from = `::ffff:${await addressOf(neighbour, rolled.network)}`;
  const redirected = { versions: ['2', '2', '2'], from };
  assert.deepEqual(seen, { before: '1', settling: redirected, gone: redirected }, 'a client keeps its own address');
  assert.deepEqual(await tables(rolled), []);
});

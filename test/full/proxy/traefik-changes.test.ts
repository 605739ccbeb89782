import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { suite, type TestContext } from 'node:test';
import type { Server, Wanted } from '../../../src/core/proxy/route.ts';
import { type Backend, startPair } from '../../lab/backend.ts';
import { askMany, askOnce, openStream } from '../../lab/client.ts';
import { missingTraefik, startTraefik, type Traefik } from '../../lab/traefik.ts';
import { eventually } from '../../lab/waiting.ts';

const signal = new AbortController().signal;
const BASELINE: Wanted = { kind: 'baseline' };

const server = ({ address }: Backend, state: Server['state'], weight = 1): Server => ({ address, state, weight });
const answers = async (url: string, requests: number) => Object.fromEntries(await askMany(url, requests));
const overlay = (...servers: readonly Server[]): Wanted => ({ kind: 'servers', roll: 'roll-1', servers });

async function stage(t: TestContext, options: Parameters<typeof startTraefik>[2] = {}) {
  const { old, next } = await startPair(t);
  const traefik = await startTraefik(t, { web: old.address, api: old.address }, options);
  await eventually('Traefik serves', async () => (await askOnce(traefik.url('web'))).status === 200);
  return { old, next, traefik, url: traefik.url('web') };
}

function files({ folder }: Traefik): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

suite('Traefik', { skip: missingTraefik }, () => {
  test('a roll goes from the baseline through an overlay back to it', async (t) => {
    const { old, next, traefik, url } = await stage(t);
    const { driver } = traefik;
    const before = files(traefik);
    const stream = await openStream(url);
    assert.deepEqual(await driver.route('web', signal), {
      wanted: BASELINE,
      servers: [{ address: old.address, weight: 1, state: 'ready' }],
    });

    const first = overlay(server(old, 'ready'), server(next, 'off'));
    await driver.apply('web', first, signal);
    assert.deepEqual(await answers(url, 200), { old: 200 });
    assert.deepEqual((await driver.route('web', signal))?.wanted, first);

    await driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
    assert.deepEqual(await answers(url, 500), { next: 500 });
    const states = (await driver.route('web', signal))?.servers.map(({ state }) => state);
    assert.deepEqual(states, ['draining', 'ready']);
    assert.equal(await stream.echoes('still here'), true);

    await driver.apply('web', BASELINE, signal);
    assert.deepEqual(await answers(url, 50), { old: 50 });
    assert.deepEqual(files(traefik), before);
  });

  test('weights share the requests', async (t) => {
    const { old, next, traefik, url } = await stage(t);
    await traefik.driver.apply('web', overlay(server(old, 'ready', 9), server(next, 'ready', 1)), signal);
    assert.deepEqual(await answers(url, 400), { old: 360, next: 40 });
  });

  test('the default throttle of two seconds is waited for', async (t) => {
    const { old, next, traefik, url } = await stage(t, { throttle: '2s' });
    assert.equal((await traefik.driver.facts(signal)).minMsBetween, 2000);
    for (const [to, from] of [
      [next, old],
      [old, next],
      [next, old],
    ] as const) {
      await traefik.driver.apply('web', overlay(server(from, 'draining'), server(to, 'ready')), signal);
      assert.deepEqual(await answers(url, 100), { [to.name]: 100 });
    }
  });

  test('files that are not watched are read after a signal', async (t) => {
    const { old, next, traefik, url } = await stage(t, { more: ['--providers.file.watch=false'] });
    await traefik.driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
    assert.deepEqual(await answers(url, 20), { next: 20 });
  });

  test('a broken file of somebody else, a template, and a service in two files are said before anything is written', async (t) => {
    const { old, traefik } = await stage(t);
    const other = path.join(traefik.folder, 'other.yml');
    const before = files(traefik);
    writeFileSync(other, 'http: [\n');
    await assert.rejects(traefik.driver.facts(signal), { code: 'proxy-config', message: /other\.yml is broken/ });
    writeFileSync(other, 'http: { services: { web: { loadBalancer: { servers: [] } } } }\n');
    await assert.rejects(traefik.driver.facts(signal), {
      code: 'proxy-config',
      message: /define the service web: other/,
    });
    writeFileSync(other, 'http: {}\n');
    await assert.rejects(traefik.driver.facts(signal), { code: 'proxy-config', message: /http is empty/ });
    rmSync(other);
    const mine = path.join(traefik.folder, 'swapctl-web.yml');
    writeFileSync(mine, `${before['swapctl-web.yml']}# {{ env "HOME" }}\n`);
    const wanted = overlay(server(old, 'ready'));
    await assert.rejects(traefik.driver.apply('web', wanted, signal), {
      code: 'proxy-config',
      message: /is a template/,
    });
    assert.deepEqual(files(traefik), {
      ...before,
      'swapctl-web.yml': readFileSync(mine, 'utf8'),
    });
  });

  test('a change that Traefik does not take is undone, and the reason said', async (t) => {
    const { old, next, traefik, url } = await stage(t);
    const before = files(traefik);
    writeFileSync(path.join(traefik.folder, 'other.yml'), 'http: [\n');
    const wanted = overlay(server(old, 'draining'), server(next, 'ready'));
    await assert.rejects(traefik.driver.apply('web', wanted, signal), {
      code: 'proxy-refused',
      message: /other\.yml is broken/,
    });
    assert.deepEqual(files(traefik), { ...before, 'other.yml': 'http: [\n' });
    assert.deepEqual(await answers(url, 20), { old: 20 });
  });

  test('a restart in the middle: the route tells the truth, and the next change holds', async (t) => {
    const { old, next, traefik, url } = await stage(t);
    const wanted = overlay(server(old, 'draining'), server(next, 'ready'));
    await traefik.driver.apply('web', wanted, signal);
    await traefik.run.restart();
    await eventually('Traefik serves', async () => (await askOnce(url)).status === 200);
    assert.deepEqual((await traefik.driver.route('web', signal))?.wanted, wanted);
    assert.deepEqual(await answers(url, 20), { next: 20 });
    await traefik.driver.apply('web', BASELINE, signal);
    assert.deepEqual(await answers(url, 20), { old: 20 });
  });

  test('no route, no API, no Traefik', async (t) => {
    const { old, traefik } = await stage(t);
    const wanted = overlay(server(old, 'ready'));
    assert.equal(await traefik.driver.route('other', signal), undefined);
    await assert.rejects(traefik.driver.apply('other', wanted, signal), { code: 'proxy-config' });
    const routers = path.join(traefik.folder, 'routers.yml');
    writeFileSync(routers, readFileSync(routers, 'utf8').replace('PathPrefix(`/api`)', 'PathPrefix(`/apis`)'));
    await eventually('the API is gone', async () => (await askOnce(traefik.api('/version'))).status === 404);
    const hidden = { code: 'proxy-unreachable', message: /API does not answer: 127\.0\.0\.1:\d+ answers 404/ };
    await assert.rejects(traefik.driver.facts(signal), hidden);
    await traefik.run.stop();
    await assert.rejects(traefik.driver.facts(signal), { code: 'proxy-unreachable' });
    await assert.rejects(traefik.driver.apply('web', wanted, signal), { code: 'proxy-unreachable' });
  });
});

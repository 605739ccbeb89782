import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { suite, type TestContext } from 'node:test';
import type { Server, Wanted } from '../../../src/core/proxy/route.ts';
import { type Backend, startPair } from '../../lab/backend.ts';
import { byFile, byName, CADDIES, type Caddy, type Sites, startCaddy } from '../../lab/caddy.ts';
import { askMany, beginSlow, beginUpload, openStream } from '../../lab/client.ts';
import { startLoad } from '../../lab/load.ts';
import { missingProgram } from '../../lab/missing.ts';
import { eventually } from '../../lab/waiting.ts';

const signal = new AbortController().signal;
const BASELINE: Wanted = { kind: 'baseline' };

const server = ({ address }: Backend, state: Server['state'], weight = 1): Server => ({ address, state, weight });
const answers = async (url: string, requests: number) => Object.fromEntries(await askMany(url, requests));
const overlay = (...servers: readonly Server[]): Wanted => ({ kind: 'servers', roll: 'roll-1', servers });

/** A site with a route called web: by a name that resolves to the first server, by `@id`, or by a file. */
async function stage(t: TestContext, program: string, mode: 'config' | 'file', more = '', sites?: Sites) {
  const { old, next } = await startPair(t);
  const caddy = await startCaddy(t, program, mode === 'file' ? byFile(old, more) : byName(old, more), sites);
  if (mode === 'config') await giveId(caddy);
  return { old, next, caddy };
}

/** A site over TLS, whose certificate Caddy reads at every load. */
function withCertificate(folder: string, port: number): string {
  const [key, certificate] = ['site.key', 'site.crt'].map((name) => path.join(folder, name)) as [string, string];
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=a',
  ];
  execFileSync('openssl', [...request, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  return `https://localhost:${port} {\n\ttls ${certificate} ${key}\n}\n`;
}

/** The Caddyfile has no `@id`. */
async function giveId(caddy: Caddy): Promise<void> {
  const servers: Record<string, { listen: string[]; routes: { handle: object[] }[] }> = JSON.parse(await caddy.config())
    .apps.http.servers;
  const { port } = new URL(caddy.url);
  const [name, server] = Object.entries(servers).find(([, { listen }]) => listen.includes(`:${port}`)) ?? [];
  const at = `/config/apps/http/servers/${name}/routes/0/handle/0`;
  assert.equal(await caddy.admin('PATCH', at, { '@id': 'web', ...server?.routes[0]?.handle[0] }), 200);
}

for (const { name, program, readsFiles, skip } of CADDIES) {
  for (const mode of readsFiles ? (['config', 'file'] as const) : (['config'] as const)) {
    suite(`${name}, changed by its ${mode}`, { skip }, () => {
      test('a roll goes from the baseline through an overlay back to it', async (t) => {
        const { old, next, caddy } = await stage(t, program(), mode);
        const before = [await caddy.config(), readdirSync(caddy.folder).sort()];
        assert.deepEqual((await caddy.driver.route('web', signal))?.wanted, BASELINE);

        const first = overlay(server(old, 'ready'), server(next, 'off'));
        await caddy.driver.apply('web', first, signal);
        assert.deepEqual(await answers(caddy.url, 200), { old: 200 });
        assert.deepEqual((await caddy.driver.route('web', signal))?.wanted, first);

        await caddy.driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
        assert.deepEqual(await answers(caddy.url, 500), { next: 500 });
        const states = (await caddy.driver.route('web', signal))?.servers.map(({ state }) => state);
        assert.deepEqual(states, ['draining', 'ready']);

        await caddy.driver.apply('web', BASELINE, signal);
        assert.deepEqual(await answers(caddy.url, 50), { old: 50 });
        assert.deepEqual([await caddy.config(), readdirSync(caddy.folder).sort()], before);
      });

      test('the requests of a draining server are counted, also those from before the roll', async (t) => {
        const { old, next, caddy } = await stage(t, program(), mode);
        const inFlight = async () => (await caddy.driver.route('web', signal))?.servers[0]?.inFlight;
        const slow = beginSlow(caddy.url);
        await eventually('it is under way', async () => old.waiting() === 1);
        await caddy.driver.apply('web', overlay(server(old, 'ready'), server(next, 'off')), signal);
        const upload = beginUpload(caddy.url);
        await eventually('both are under way', async () => old.requests() === 2);
        await caddy.driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
        assert.equal(await inFlight(), 2);
        assert.equal((await upload.finish()).status, 200);
        await eventually('one is under way', async () => (await inFlight()) === 1);
        old.release();
        assert.equal((await slow.answer).body, 'old begins\nold ends\n');
        await eventually('none is under way', async () => (await inFlight()) === 0);
      });

      test('weights share the requests', async (t) => {
        const { old, next, caddy } = await stage(t, program(), mode);
        await caddy.driver.apply('web', overlay(server(old, 'ready', 9), server(next, 'ready', 1)), signal);
        assert.deepEqual(await answers(caddy.url, 400), { old: 360, next: 40 });
        await caddy.driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
        assert.deepEqual(await answers(caddy.url, 200), { next: 200 });
        await caddy.driver.apply('web', BASELINE, signal);
        assert.deepEqual(await answers(caddy.url, 50), { old: 50 });
      });

      test('the same again changes nothing', async (t) => {
        const { old, next, caddy } = await stage(t, program(), mode);
        const wanted = overlay(server(old, 'ready'), server(next, 'off'));
        await caddy.driver.apply('web', wanted, signal);
        const stream = await openStream(caddy.url);
        const loads = () => caddy.run.log().split('load complete').length;
        const before = loads();
        for (let again = 0; again < 3; again += 1) await caddy.driver.apply('web', wanted, signal);
        assert.equal(loads(), before);
        assert.equal(await stream.echoes('still here'), true);
      });

      test('a restart in the middle: the route tells the truth, and the next change holds', async (t) => {
        const { old, next, caddy } = await stage(t, program(), mode);
        await caddy.driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
        await caddy.run.restart();
        if (mode === 'config') await giveId(caddy);
        const kind = (await caddy.driver.route('web', signal))?.wanted.kind;
        assert.equal(kind, mode === 'config' ? 'baseline' : 'servers');
        assert.deepEqual(await answers(caddy.url, 20), mode === 'config' ? { old: 20 } : { next: 20 });
        await caddy.driver.apply('web', overlay(server(old, 'draining'), server(next, 'ready')), signal);
        assert.deepEqual(await answers(caddy.url, 20), { next: 20 });
        await caddy.driver.apply('web', BASELINE, signal);
        await caddy.run.restart();
        assert.deepEqual(await answers(caddy.url, 20), { old: 20 });
      });

      test('another route, and a route that is not there', async (t) => {
        const { old, caddy } = await stage(t, program(), mode);
        assert.equal(await caddy.driver.route('other', signal), undefined);
        await assert.rejects(caddy.driver.apply('other', overlay(server(old, 'ready')), signal), {
          code: 'proxy-config',
        });
      });

      test('Caddy away: proxy-unreachable', async (t) => {
        const { caddy } = await stage(t, program(), mode);
        await caddy.run.stop();
        const away = { code: 'proxy-unreachable', message: /Caddy's admin API does not answer: .*ECONNREFUSED/ };
        await assert.rejects(caddy.driver.facts(signal), away);
        await assert.rejects(caddy.driver.route('web', signal), away);
      });
    });
  }

  suite(name, { skip }, () => {
    test('a change that Caddy refuses leaves everything as it was, and has its words', {
      skip: missingProgram('openssl'),
    }, async (t) => {
      const { old, next, caddy } = await stage(t, program(), 'config', '', withCertificate);
      const before = await caddy.config();
      rmSync(path.join(caddy.folder, 'site.crt'));
      const wanted = overlay(server(old, 'draining'), server(next, 'ready'));
      const refusal = { code: 'proxy-refused', message: /refused the change of web: .*site\.crt: no such file/ };
      await assert.rejects(caddy.driver.apply('web', wanted, signal), refusal);
      assert.equal(await caddy.config(), before);
      assert.deepEqual(await answers(caddy.url, 20), { old: 20 });
    });

    test('a broken Caddyfile is said at the start', async (t) => {
      const { caddy } = await stage(t, program(), 'config');
      const file = path.join(caddy.folder, 'Caddyfile');
      const text = readFileSync(file, 'utf8');
      assert.equal((await caddy.driver.facts(signal)).driver, 'caddy');
      writeFileSync(file, text.replace('reverse_proxy', 'reverse_poxy'));
      const refusal = { code: 'proxy-config', message: /could not load .*Caddyfile again: .*reverse_poxy/ };
      await assert.rejects(caddy.driver.facts(signal), refusal);
    });

    test('two routes at once, while somebody else changes the configuration', async (t) => {
      const { old, next } = await startPair(t);
      const site = ['a', 'b'].map((one) => `\thandle /${one}* {\n${byName(old)()}\n\t}`).join('\n');
      const caddy = await startCaddy(t, program(), () => site);
      await nameTwo(caddy);
      const before = await caddy.config();
      let over = false;
      const other = (async () => {
        for (let level = 0; !over; level += 1) {
          const servers = JSON.parse(await caddy.config()).apps.http.servers;
          const [server = ''] = Object.keys(servers);
          await caddy.admin('PUT', `/config/apps/http/servers/${server}/max_header_bytes`, 100_000 + level);
          await new Promise((next) => setTimeout(next, 50));
        }
      })();
      const roll = async (route: string) => {
        await caddy.driver.apply(route, overlay(server(old, 'ready'), server(next, 'off')), signal);
        await caddy.driver.apply(route, overlay(server(old, 'draining'), server(next, 'ready')), signal);
      };
      await Promise.all([roll('a'), roll('b')]);
      over = true;
      await other;
      for (const route of ['a', 'b']) assert.deepEqual(await answers(`${caddy.url}${route}`, 20), { next: 20 });
      await Promise.all(['a', 'b'].map((route) => caddy.driver.apply(route, BASELINE, signal)));
      const { max_header_bytes: _, ...after } =
        Object.values<object & { max_header_bytes?: number }>(JSON.parse(await caddy.config()).apps.http.servers)[0] ??
        {};
      assert.deepEqual(after, Object.values(JSON.parse(before).apps.http.servers)[0]);
    });

    test('a service that several handlers name is changed in all of them at once', async (t) => {
      const { old, next } = await startPair(t);
      const port = old.address.split(':')[1];
      const handle = (at: string) => `\thandle ${at} {\n\t\treverse_proxy localhost:${port}\n\t}`;
      const caddy = await startCaddy(t, program(), () => `${handle('/a*')}\n${handle('')}`);
      const before = await caddy.config();
      await caddy.driver.apply('localhost', overlay(server(old, 'draining'), server(next, 'ready')), signal);
      for (const at of ['a', 'b']) assert.deepEqual(await answers(caddy.url + at, 50), { next: 50 });
      await caddy.driver.apply('localhost', BASELINE, signal);
      assert.equal(await caddy.config(), before);
    });
  });
}

async function nameTwo(caddy: Caddy): Promise<void> {
  const servers = JSON.parse(await caddy.config()).apps.http.servers;
  const [name = ''] = Object.keys(servers);
  for (const [at, id] of ['a', 'b'].entries()) {
    const place = `/config/apps/http/servers/${name}/routes/${at}/handle/0/routes/0/handle/0`;
    const handler = servers[name].routes[at].handle[0].routes[0].handle[0];
    assert.equal(await caddy.admin('PATCH', place, { '@id': id, ...handler }), 200);
  }
}

const [debian, newer] = CADDIES;

test('Caddy 2.6 does not read files: the configuration is called wrong before anything is written', {
  skip: debian.skip,
}, async (t) => {
  const { old, caddy } = await stage(t, debian.program(), 'file');
  const files = readdirSync(caddy.folder);
  await assert.rejects(caddy.driver.facts(signal), { code: 'proxy-config', message: /2\.6\.\d+ does not read \{file/ });
  await assert.rejects(caddy.driver.apply('web', overlay(server(old, 'ready')), signal), { code: 'proxy-config' });
  assert.deepEqual(readdirSync(caddy.folder), files);
});

suite('a file of a newer Caddy', { skip: newer.skip }, () => {
  test('an interrupted change is finished by the next one, and leaves no file', async (t) => {
    const { old, next, caddy } = await stage(t, newer.program(), 'file');
    const note = path.join(caddy.folder, 'web.roll');
    const first = overlay(server(old, 'ready'), server(next, 'off'));
    await caddy.driver.apply('web', first, signal);
    // The remains of a process that was killed between its two writes.
    const killed = {
      wanted: overlay(server(old, 'draining'), server(next, 'ready')),
      baseline: old.address.split(':')[0],
    };
    writeFileSync(note, JSON.stringify(killed));
    const seen = await caddy.driver.route('web', signal);
    assert.deepEqual(
      seen?.servers.map(({ state }) => state),
      ['ready', 'off'],
    );
    await caddy.driver.apply('web', killed.wanted, signal);
    assert.deepEqual(await answers(caddy.url, 20), { next: 20 });
    await caddy.driver.apply('web', BASELINE, signal);
    assert.equal(readFileSync(path.join(caddy.folder, 'web.addr'), 'utf8'), killed.baseline);
    assert.ok(!readdirSync(caddy.folder).some((name) => /roll|swapctl/.test(name)));
  });

  test('held requests wait and are answered, with and without a body', async (t) => {
    const { old, next, caddy } = await stage(t, newer.program(), 'file', '\t\tlb_try_duration 20s');
    assert.equal((await caddy.driver.facts(signal)).hold, 'requests');
    const hold = (longestMs: number): Wanted => ({ kind: 'held', roll: 'roll-1', servers: [], longestMs });
    await assert.rejects(caddy.driver.apply('web', hold(30_000), signal), { code: 'proxy-refused', message: /20 s/ });
    await caddy.driver.apply('web', hold(10_000), signal);
    assert.deepEqual((await caddy.driver.route('web', signal))?.servers, []);
    const held = (['GET', 'POST'] as const).map((method) =>
      startLoad({ url: caddy.url, method, ratePerSecond: 50, keepAlive: 'mixed' }),
    );
    await new Promise((later) => setTimeout(later, 2000));
    assert.deepEqual([old.requests(), next.requests()], [0, 0]);
    await caddy.driver.apply('web', overlay(server(next, 'ready')), signal);
    for (const load of held) assert.equal((await load.stop()).failed, 0);
    assert.ok(next.requests() > 100);
  });

  test('a file without a server, or with a port too many, is said before anything is written', async (t) => {
    const { old, caddy } = await stage(t, newer.program(), 'file');
    writeFileSync(path.join(caddy.folder, 'web.addr'), '');
    await assert.rejects(caddy.driver.facts(signal), { code: 'proxy-config', message: /names no server/ });
    writeFileSync(path.join(caddy.folder, 'web.addr'), 'web:8080');
    const twice = { code: 'proxy-config', message: /adds :\d+, and the file names a port as well \(web:8080\)/ };
    await assert.rejects(caddy.driver.facts(signal), twice);
    writeFileSync(path.join(caddy.folder, 'web.addr'), '');
    await assert.rejects(caddy.driver.apply('web', overlay(server(old, 'ready')), signal), { code: 'proxy-config' });
  });
});

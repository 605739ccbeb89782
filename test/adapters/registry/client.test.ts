import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { parseReference } from '../../../src/core/model/reference.ts';
import type { Progress } from '../../../src/core/report/progress.ts';
import type { Login } from '../../../src/ports/ports.ts';
import { client, image, index, scripted, serving, sha256, stoppedClock } from './scripted.ts';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const one = image('one');
const never = new AbortController().signal;

/** Fails unless the promise is rejected with the code and a message like that; resolves with the error. */
async function refuses(work: Promise<unknown>, code: string, message: RegExp): Promise<SwapError> {
  const error = await work.then(
    (value) => assert.fail(`no error, but ${JSON.stringify(value)}`),
    (raised: unknown) => raised,
  );
  assert.ok(error instanceof SwapError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return error;
}

suite('a digest', () => {
  test('is one HEAD with all four types, on a connection that is kept', async (t) => {
    const { host, asked, lines } = await scripted(t, serving({ 1: one.manifest }));
    const registry = client(t);
    assert.equal(await registry.digest(parseReference(`${host}/team/app:1`), never), one.manifest.digest);
    assert.deepEqual(lines(), ['HEAD /v2/team/app/manifests/1']);
    assert.deepEqual(asked[0]?.headers.accept?.split(', ').sort(), [
      'application/vnd.docker.distribution.manifest.list.v2+json',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.oci.image.manifest.v1+json',
    ]);
  });

  for (const [what, head] of [
    ['tells no digest', { status: 200 }],
    ['knows no HEAD', { status: 405 }],
  ] as const)
    test(`is that of the content where the registry ${what}`, async (t) => {
      const { host, lines } = await scripted(t, ({ method }, response) => {
        response.writeHead(method === 'HEAD' ? head.status : 200, { 'content-type': one.manifest.type });
        response.end(method === 'HEAD' ? undefined : one.manifest.body);
      });
      assert.equal(await client(t).digest(parseReference(`${host}/app:1`), never), sha256(one.manifest.body));
      assert.deepEqual(lines(), ['HEAD /v2/app/manifests/1', 'GET /v2/app/manifests/1']);
    });

  test('that is said of other content is not believed', async (t) => {
    const { host } = await scripted(t, ({ method }, response) => {
      if (method === 'HEAD') return void response.writeHead(200).end();
      response.writeHead(200, { 'docker-content-digest': sha256('another') }).end(one.manifest.body);
    });
    await refuses(
      client(t).digest(parseReference(`${host}/app:1`), never),
      'bad-answer',
      /sends something else .* than its digest/,
    );
  });

  test('that is none, of content that is no manifest, is an error', async (t) => {
    const { host } = await scripted(
      t,
      (_, response) => void response.writeHead(200, { 'docker-content-digest': 'x' }).end('<html>'),
    );
    await refuses(
      client(t).digest(parseReference(`${host}/app:1`), never),
      'bad-answer',
      /not one of a container image/,
    );
  });

  test('of what is not there says so', async (t) => {
    const { host } = await scripted(t, serving({}));
    await refuses(client(t).digest(parseReference(`${host}/app:1`), never), 'no-such-image', /there is no 127.*app:1/);
  });
});

suite('an image', () => {
  const other = image('other');
  const both = index({ amd64: one.manifest, arm64: other.manifest });
  const contents = [one.manifest, one.config, other.manifest, other.config];

  test('is the one for the platform, with the time at which it was built', async (t) => {
    const { host, lines } = await scripted(t, serving({ 1: both }, contents));
    const registry = client(t);
    const reference = `${host}/app@${both.digest}`;
    const found = await registry.image(parseReference(reference), { os: 'linux', architecture: 'arm64' }, never);
    assert.deepEqual(found, {
      manifestDigest: other.manifest.digest,
      configDigest: other.config.digest,
      created: Date.parse('2026-01-02T03:04:05Z'),
    });
    const asked = lines().length;
    assert.deepEqual(
      await registry.image(parseReference(reference), { os: 'linux', architecture: 'arm64' }, never),
      found,
    );
    assert.equal(lines().length, asked, 'what a digest names is not asked for again');
  });

  test('for a platform that the index does not have is an error', async (t) => {
    const { host } = await scripted(t, serving({ 1: both }, contents));
    const asked = client(t).image(
      parseReference(`${host}/app@${both.digest}`),
      { os: 'linux', architecture: 's390x' },
      never,
    );
    await refuses(asked, 'wrong-platform', /no image for linux\/s390x/);
  });

  test('that is not what its digest says is refused', async (t) => {
    const { host } = await scripted(t, ({ method }, response) => {
      response.writeHead(200, { 'docker-content-digest': both.digest });
      response.end(method === 'HEAD' ? undefined : one.manifest.body);
    });
    await refuses(
      client(t).image(parseReference(`${host}/app@${both.digest}`), AMD64, never),
      'bad-answer',
      /something else/,
    );
  });

  test('larger than any manifest is not read to its end', async (t) => {
    const { host } = await scripted(
      t,
      (_, response) => void response.writeHead(200).end(Buffer.alloc(5 * 1024 * 1024)),
    );
    await refuses(
      client(t).image(parseReference(`${host}/app@${both.digest}`), AMD64, never),
      'bad-answer',
      /more than 4194304 bytes/,
    );
  });

  test('without a config that could be had is one without an age', async (t) => {
    const { host } = await scripted(t, serving({ 1: one.manifest }));
    const { created } = await client(t).image(parseReference(`${host}/app@${one.manifest.digest}`), AMD64, never);
    assert.equal(created, undefined);
  });

  test('of 1970 has no age', async (t) => {
    const old = image('old', '1970-01-01T00:00:00Z');
    const { host } = await scripted(t, serving({ 1: old.manifest }, [old.config]));
    assert.equal(
      (await client(t).image(parseReference(`${host}/app@${old.manifest.digest}`), AMD64, never)).created,
      undefined,
    );
  });
});

suite('tags', () => {
  test('of a list that is too long, or never ends, are refused for what they are', async (t) => {
    const all = JSON.stringify({ tags: Array.from({ length: 200_000 }, (_, at) => `v${at}`) });
    const { host } = await scripted(t, (_, response) => void response.end(all));
    await refuses(client(t).tags(parseReference(`${host}/app:1`), never), 'bad-answer', /lists more than/);
    let pages = 0;
    const page = JSON.stringify({ tags: Array.from({ length: 40_000 }, (_, at) => `v${at}`) });
    const slow = await scripted(t, (_, response) => {
      pages += 1;
      response.writeHead(200, { link: `</v2/app/tags/list?last=${pages}>; rel="next"` }).end(page);
    });
    await refuses(client(t).tags(parseReference(`${slow.host}/app:1`), never), 'bad-answer', /lists more than/);
    assert.equal(pages, 3);
  });

  test('go on where the header says, whatever else is in it', async (t) => {
    const links = [
      ['</v2/app/tags/list?b>; rel="next"', 'b'],
      ['<x>; rel=prev, </v2/app/tags/list?c>; title="a b"; REL=next', 'c'],
      [`${'<'.repeat(5000)};${'; rel '.repeat(1000)}`, undefined],
    ] as const;
    for (const [link, next] of links) {
      const asked: string[] = [];
      const { host } = await scripted(t, ({ path }, response) => {
        asked.push(path);
        response.writeHead(200, asked.length === 1 ? { link } : {}).end('{"tags":["a"]}');
      });
      await client(t).tags(parseReference(`${host}/app:1`), never);
      assert.deepEqual(asked.slice(1), next === undefined ? [] : [`/v2/app/tags/list?${next}`]);
    }
  });

  test('come page by page', async (t) => {
    const pages: Record<string, [string[], string?]> = {
      '/v2/app/tags/list?n=1000': [['a', 'b'], '</v2/app/tags/list?last=b&n=2>; rel="next"'],
      '/v2/app/tags/list?last=b&n=2': [['c'], '<http://inside.example/v2/app/tags/list?last=c>; title="x"; rel=next'],
      '/v2/app/tags/list?last=c': [['d']],
    };
    const { host } = await scripted(t, ({ path }, response) => {
      const [tags, link] = pages[path] ?? [[]];
      response.writeHead(200, link ? { link } : {}).end(JSON.stringify({ name: 'app', tags }));
    });
    assert.deepEqual(await client(t).tags(parseReference(`${host}/app:1`), never), ['a', 'b', 'c', 'd']);
  });

  test('that never end are given up', async (t) => {
    const { host } = await scripted(t, (_, response) => {
      response.writeHead(200, { link: '</v2/app/tags/list?n=1000>; rel="next"' }).end('{"tags":["a"]}');
    });
    await refuses(client(t).tags(parseReference(`${host}/app:1`), never), 'bad-answer', /no end/);
  });

  test('of an empty repository are none', async (t) => {
    const { host } = await scripted(t, (_, response) => void response.end('{"name":"app","tags":null}'));
    assert.deepEqual(await client(t).tags(parseReference(`${host}/app:1`), never), []);
  });
});

suite('faults', () => {
  test('a broken answer and a broken connection are tried again', async (t) => {
    let times = 0;
    const { host, lines } = await scripted(t, (asked, response) => {
      times += 1;
      if (times === 1) return void response.writeHead(502).end();
      if (times === 2) return void response.destroy();
      return serving({ 1: one.manifest })(asked, response);
    });
    assert.equal(await client(t).digest(parseReference(`${host}/app:1`), never), one.manifest.digest);
    assert.equal(lines().length, 3);
  });

  test('500 for good says so, and that nothing was touched', async (t) => {
    const { host, lines } = await scripted(t, (_, response) => void response.writeHead(500).end());
    const error = await refuses(
      client(t).digest(parseReference(`${host}/app:1`), never),
      'registry-unreachable',
      /answers 500 for/,
    );
    assert.equal(error.state, 'untouched');
    assert.equal(lines().length, 3);
  });

  test('nobody there', async (t) => {
    const { host } = await scripted(t, () => {});
    const gone = `${host.split(':')[0]}:1`;
    await refuses(
      client(t).digest(parseReference(`${gone}/app:1`), never),
      'registry-unreachable',
      /nobody listens there/,
    );
  });

  test('a registry that does not answer ends with the signal', async (t) => {
    const stop = new AbortController();
    const { host } = await scripted(t, () => stop.abort(new Error('enough')));
    await assert.rejects(client(t).digest(parseReference(`${host}/app:1`), stop.signal), /enough|abort/);
  });

  // Short enough for a test, and waited for in full: the test is that it ends.
  const timeouts = { connect: 2000, headers: 100, body: 100, attempt: 300 };

  test('a registry that stalls ends in time, and those who wait behind it at once', async (t) => {
    const { host, lines } = await scripted(t, () => {});
    const registry = client(t, { timeouts });
    const asking = Array.from({ length: 40 }, (_, at) => registry.digest(parseReference(`${host}/app-${at}:1`), never));
    await Promise.all(asking.map((one) => refuses(one, 'registry-unreachable', /does not answer in time/)));
    assert.equal(lines().length, 1, 'the first question finds out, the others are not asked');
  });

  test('a registry that stops in the middle of an answer ends in time', async (t) => {
    const { host } = await scripted(t, (_, response) => void response.writeHead(200).write('{'));
    const asked = client(t, { timeouts: { ...timeouts, attempt: 10_000 } }).tags(
      parseReference(`${host}/app:1`),
      never,
    );
    await refuses(asked, 'registry-unreachable', /answer does not come to an end/);
  });

  test('a registry that answers a byte at a time ends in time', async (t) => {
    const { host } = await scripted(t, (_, response) => {
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(drip));
    });
    const asked = client(t, { timeouts }).tags(parseReference(`${host}/app:1`), never);
    // The head may or may not have arrived by then, depending on speed.
    await refuses(asked, 'registry-unreachable', /does not answer in time|does not come to an end/);
  });

  test('one that is down does not keep another from answering', async (t) => {
    const [stalled, good] = [await scripted(t, () => {}), await scripted(t, serving({ 1: one.manifest }))];
    const registry = client(t);
    const over = new AbortController();
    const waiting = assert.rejects(registry.digest(parseReference(`${stalled.host}/app:1`), over.signal));
    assert.equal(await registry.digest(parseReference(`${good.host}/app:1`), never), one.manifest.digest);
    over.abort();
    await waiting;
  });

  test('429 with a short time is waited for, once for all', async (t) => {
    const clock = stoppedClock();
    let first = true;
    const { host, lines } = await scripted(t, (asked, response) => {
      if (first) {
        first = false;
        return void response.writeHead(429, { 'retry-after': '3' }).end();
      }
      return serving({ 1: one.manifest })(asked, response);
    });
    assert.equal(await client(t, { clock }).digest(parseReference(`${host}/app:1`), never), one.manifest.digest);
    assert.deepEqual(clock.slept, [3000]);
    assert.equal(lines().length, 2);
  });

  for (const [what, header] of [
    ['seconds', '3600'],
    ['a date', new Date(Date.UTC(2026, 0, 1, 1)).toUTCString()],
  ] as const)
    test(`429 with a long time in ${what} ends at once, and later questions are not even sent`, async (t) => {
      const clock = stoppedClock();
      let quiet = true;
      const { host, lines } = await scripted(t, (asked, response) => {
        if (!quiet) return serving({ 1: one.manifest })(asked, response);
        response.writeHead(429, { 'retry-after': header }).end();
      });
      const registry = client(t, { clock });
      const error = await refuses(
        registry.digest(parseReference(`${host}/app:1`), never),
        'rate-limited',
        /left alone for 1 h/,
      );
      assert.match(error.hint ?? '', /try again after 2026-01-01T01:00:00Z/);
      await refuses(registry.digest(parseReference(`${host}/other:1`), never), 'rate-limited', /asked too often/);
      assert.equal(lines().length, 1);
      quiet = false;
      clock.redirectAddress(3_600_001);
      assert.equal(await registry.digest(parseReference(`${host}/other:1`), never), one.manifest.digest);
    });

  test('429 again and again is not waited for without end', async (t) => {
    const clock = stoppedClock();
    const { host, lines } = await scripted(
      t,
      (_, response) => void response.writeHead(429, { 'retry-after': '1' }).end(),
    );
    await refuses(
      client(t, { clock }).digest(parseReference(`${host}/app:1`), never),
      'rate-limited',
      /goes on asking for quiet/,
    );
    assert.equal(lines().length, 3);
  });
});

suite('logins', () => {
  const login: Login = { username: 'me', password: 's3cret', serveraddress: 'x' };
  const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;

  test('basic: the first question learns it, the others bring it', async (t) => {
    const { host, lines } = await scripted(t, (asked, response) => {
      if (asked.headers.authorization === basic) return serving({ 1: one.manifest })(asked, response);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="it, \\"really\\""' }).end();
    });
    let times = 0;
    const registry = client(t, {
      loginFor: async () => {
        times += 1;
        return login;
      },
    });
    const names = ['a', 'b', 'c', 'd'];
    const digests = await Promise.all(names.map((name) => registry.digest(parseReference(`${host}/${name}:1`), never)));
    assert.deepEqual(new Set(digests), new Set([one.manifest.digest]));
    assert.equal(lines().length, names.length + 1);
    assert.equal(times, 1, 'a helper is called once');
  });

  test('none where one is wanted says what to do, and names no secret', async (t) => {
    const { host } = await scripted(
      t,
      (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end(),
    );
    const error = await refuses(client(t).digest(parseReference(`${host}/app:1`), never), 'login', /wants a login/);
    assert.equal(error.hint, `docker login ${host}`);
  });

  test('one that is not taken is not tried a second time, and not told', async (t) => {
    const { host, lines } = await scripted(t, (asked, response) => {
      response
        .writeHead(401, { 'www-authenticate': 'Basic realm=x' })
        .end(`{"errors":[{"code":"UNAUTHORIZED","message":"${asked.headers.authorization}"}]}`);
    });
    const registry = client(t, { loginFor: async () => login });
    const error = await refuses(registry.digest(parseReference(`${host}/app:1`), never), 'login', /401/);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /s3cret|bWU6/);
    assert.equal(lines().length, 2);
    await refuses(registry.digest(parseReference(`${host}/other:1`), never), 'login', /401/);
    assert.equal(lines().length, 3, 'who was refused with it once asks once');
  });

  /** A registry with a token server beside it, at another port. */
  async function withTokens(t: Parameters<typeof scripted>[0], life: object = { expires_in: 300 }) {
    const given = new Set<string>();
    const issuer = await scripted(t, (_, response) => {
      const token = `t${given.size}`;
      given.add(token);
      response.end(JSON.stringify({ token, ...life }));
    });
    const registry = await scripted(t, (asked, response) => {
      if (given.has(asked.headers.authorization?.replace('Bearer ', '') ?? ''))
        return serving({ 1: one.manifest })(asked, response);
      const repository = asked.path.split('/')[2];
      const scope = `repository:${repository}:pull`;
      const offered = `Bearer realm="http://${issuer.host}/token",service="it",scope="${scope}", Basic realm="x"`;
      response.writeHead(401, { 'www-authenticate': offered }).end();
    });
    return { issuer, registry, given };
  }

  test('a token is asked for once for each repository, by all at the same time', async (t) => {
    const { issuer, registry } = await withTokens(t);
    const asking = client(t, { loginFor: async () => login });
    await Promise.all(
      ['a', 'b', 'b', 'b'].map((name) => asking.digest(parseReference(`${registry.host}/${name}:1`), never)),
    );
    assert.deepEqual(issuer.lines().sort(), [
      'GET /token?service=it&scope=repository%3Aa%3Apull',
      'GET /token?service=it&scope=repository%3Ab%3Apull',
    ]);
    assert.ok(issuer.asked.every(({ headers }) => headers.authorization === basic));
    assert.equal(registry.lines().length, 5);
  });

  test('a public repository gives its token to anybody', async (t) => {
    const { issuer, registry } = await withTokens(t);
    assert.equal(await client(t).digest(parseReference(`${registry.host}/a:1`), never), one.manifest.digest);
    assert.equal(issuer.asked[0]?.headers.authorization, undefined);
  });

  test('an identity token is changed for one by POST', async (t) => {
    const { issuer, registry } = await withTokens(t);
    const asking = client(t, { loginFor: async () => ({ identitytoken: 'id', serveraddress: 'x' }) });
    await asking.digest(parseReference(`${registry.host}/a:1`), never);
    assert.deepEqual(issuer.lines(), ['POST /token']);
    const form = new URLSearchParams(issuer.asked[0]?.body);
    assert.deepEqual(Object.fromEntries(form), {
      grant_type: 'refresh_token',
      service: 'it',
      scope: 'repository:a:pull',
      client_id: 'swapctl',
      refresh_token: 'id',
    });
  });

  test('a token is used until it expires, 60 s where nothing is said', async (t) => {
    const clock = stoppedClock();
    const { issuer, registry } = await withTokens(t, {});
    const asking = client(t, { clock });
    const ask = () => asking.digest(parseReference(`${registry.host}/a:1`), never);
    await ask();
    clock.redirectAddress(50_000);
    await ask();
    assert.equal(issuer.lines().length, 1);
    clock.redirectAddress(10_000);
    await ask();
    assert.equal(issuer.lines().length, 2);
  });

  test('a token that is not taken any more is replaced', async (t) => {
    const { issuer, registry, given } = await withTokens(t);
    const asking = client(t);
    await asking.digest(parseReference(`${registry.host}/a:1`), never);
    given.clear();
    given.add('something else');
    await asking.digest(parseReference(`${registry.host}/a:1`), never);
    assert.equal(issuer.lines().length, 2);
  });

  test('a token server that refuses is a question of login', async (t) => {
    const issuer = await scripted(
      t,
      (_, response) => void response.writeHead(403).end('{"errors":[{"code":"DENIED"}]}'),
    );
    const { host } = await scripted(t, (_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${issuer.host}/token"` }).end();
    });
    await refuses(client(t).digest(parseReference(`${host}/app:1`), never), 'login', /403 DENIED/);
  });

  for (const realm of ['file:///etc/passwd', 'http://user:pw@127.0.0.1/', 'nonsense'])
    test(`a realm such as ${realm} is not gone to`, async (t) => {
      const { host } = await scripted(
        t,
        (_, response) => void response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end(),
      );
      await refuses(client(t).digest(parseReference(`${host}/app:1`), never), 'bad-answer', /names no server/);
    });
});

suite('redirects', () => {
  test('to another host are followed without the login', async (t) => {
    const store = await scripted(t, serving({ 1: one.manifest }));
    const { host } = await scripted(t, ({ headers, path }, response) => {
      if (!headers.authorization) return void response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end();
      response.writeHead(307, { location: `http://${store.host}${path}` }).end();
    });
    const registry = client(t, { loginFor: async () => ({ username: 'me', password: 'pw', serveraddress: 'x' }) });
    assert.equal(await registry.digest(parseReference(`${host}/app:1`), never), one.manifest.digest);
    assert.equal(store.asked[0]?.headers.authorization, undefined);
  });

  test('within the host keep it', async (t) => {
    const { host, asked } = await scripted(t, ({ headers, path, method }, response) => {
      if (!headers.authorization) return void response.writeHead(401, { 'www-authenticate': 'Basic realm=x' }).end();
      if (!path.endsWith('moved')) return void response.writeHead(302, { location: '/v2/moved' }).end();
      serving({ moved: one.manifest })({ headers, path, method, body: '' }, response);
    });
    const registry = client(t, { loginFor: async () => ({ username: 'me', password: 'pw', serveraddress: 'x' }) });
    assert.equal(await registry.digest(parseReference(`${host}/app:1`), never), one.manifest.digest);
    assert.ok(asked.at(-1)?.headers.authorization);
  });

  test('without end, and to where no one should go, are refused', async (t) => {
    const round = await scripted(t, ({ path }, response) => void response.writeHead(302, { location: path }).end());
    await refuses(
      client(t).digest(parseReference(`${round.host}/app:1`), never),
      'bad-answer',
      /redirects without end/,
    );
    const off = await scripted(
      t,
      (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    );
    await refuses(client(t).digest(parseReference(`${off.host}/app:1`), never), 'bad-answer', /nobody should follow/);
  });
});

test('every question is reported, with the pulls that the registry still permits', async (t) => {
  const { host } = await scripted(t, ({ path }, response) => {
    if (path.endsWith('/gone')) return void response.writeHead(404).end();
    const limit = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' };
    response.writeHead(200, { 'docker-content-digest': one.manifest.digest, ...limit }).end();
  });
  const reported: Progress[] = [];
  const registry = client(t, { clock: stoppedClock(), report: (progress) => void reported.push(progress) });
  await registry.digest(parseReference(`${host}/app:1`), never);
  await refuses(registry.digest(parseReference(`${host}/app:gone`), never), 'no-such-image', /./);
  await refuses(registry.digest(parseReference('127.0.0.1:1/app:1'), never), 'registry-unreachable', /./);
  assert.deepEqual(
    reported.map((progress) =>
      progress.kind === 'asked' ? [progress.registry, progress.outcome, progress.remaining] : [],
    ),
    [
      [host, 'answered', 76],
      [host, 'refused', undefined],
      ['127.0.0.1:1', 'failed', undefined],
    ],
  );
});

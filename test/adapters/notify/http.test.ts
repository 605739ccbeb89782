import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { plainText } from '../../../src/core/report/summary.ts';
import { missingProgram } from '../../lab/missing.ts';
import { makeCertificates } from '../docker/connect/fake-engine.ts';
import { type Answerer, type Asked, type Scripted, scripted, stoppedClock } from '../registry/scripted.ts';
import { notifier, SUMMARY, told } from './telling.ts';

const noOpenssl = missingProgram('openssl');

const OK: Answerer = (_, response) => void response.writeHead(200).end('ok');
const TEXT = plainText(SUMMARY.lines);
const LONG = { ...SUMMARY, lines: [{ text: '𝄞'.repeat(5000) }] };

/** Answers with one status after the other, and then with 200. */
function answering(...answers: [status: number, headers?: Record<string, string>, body?: string][]): Answerer {
  const left = [...answers];
  return (_, response) => {
    const [status, headers = {}, body = ''] = left.shift() ?? [200];
    response.writeHead(status, headers).end(body);
  };
}

async function asked(t: TestContext, tell: (server: Scripted) => Promise<unknown>): Promise<Asked> {
  const server = await scripted(t, OK);
  await tell(server);
  assert.equal(server.asked.length, 1);
  return server.asked[0] ?? assert.fail();
}

suite('what is sent', () => {
  test('to a webhook: the whole document', async (t) => {
    const one = await asked(t, async ({ host }) => {
      const url = `http://me:p%40ss@${host}/hook?key=1`;
      assert.deepEqual(await told([notifier('webhook', { url })]), [{ kind: 'webhook', to: 'shown', outcome: 'sent' }]);
    });
    assert.equal(`${one.method} ${one.path}`, 'POST /hook?key=1');
    assert.equal(one.headers['content-type'], 'application/json');
    assert.equal(one.headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    assert.deepEqual(JSON.parse(one.body), JSON.parse(JSON.stringify(SUMMARY.document)));
  });

  test('to a webhook with a template: what it says', async (t) => {
    const template = '{"message": "{{title}}: {{failed}}"}';
    const one = await asked(t, ({ host }) => told([notifier('webhook', { url: `http://${host}/`, template })]));
    assert.deepEqual(JSON.parse(one.body), { message: `${SUMMARY.title}: api` });
    const text = await asked(t, ({ host }) =>
      told([notifier('webhook', { url: `http://${host}/`, template: 'failed: {{failed}}', token: 'T1' })]),
    );
    assert.equal(text.headers.authorization, 'Bearer T1');
    assert.deepEqual([text.body, text.headers['content-type']], ['failed: api', 'text/plain; charset=utf-8']);
  });

  test('to Slack: what steers it is escaped, and nobody is called', async (t) => {
    const one = await asked(t, ({ host }) => told([notifier('slack', { url: `http://${host}/services/T/B/x` })]));
    assert.deepEqual(JSON.parse(one.body), {
      text: [
        '*swapctl on häost: 1 failed, 1 updated*',
        '```',
        'api failed: x &lt; y &amp; *z* &lt;!channel&gt;',
        "    panic: 'no' &lt;config&gt; @everyone",
        'my_app was updated: app:1 sha256:aa → app:2 sha256:bb',
        '```',
      ].join('\n'),
      unfurl_links: false,
      unfurl_media: false,
    });
  });

  test('to Discord: what steers it is escaped, and nobody is called', async (t) => {
    const one = await asked(t, ({ host }) => told([notifier('discord', { url: `http://${host}/api/webhooks/1/x` })]));
    const { content, ...rest } = JSON.parse(one.body);
    assert.equal(
      content,
      [
        '**swapctl on häost: 1 failed, 1 updated**',
        '```',
        'api failed: x < y & *z* <!channel>',
        "    panic: 'no' <config> @everyone",
        'my_app was updated: app:1 sha256:aa → app:2 sha256:bb',
        '```',
      ].join('\n'),
    );
    assert.deepEqual(rest, { allowed_mentions: { parse: [] }, flags: 4 });
  });

  test('to ntfy: as JSON to the server, with the topic in it', async (t) => {
    const one = await asked(t, ({ host }) =>
      told([notifier('ntfy', { url: `http://${host}/my-topic`, token: 'tk_1' })]),
    );
    assert.equal(one.path, '/');
    assert.equal(one.headers.authorization, 'Bearer tk_1');
    const { title } = SUMMARY;
    assert.deepEqual(JSON.parse(one.body), {
      topic: 'my-topic',
      title,
      message: TEXT,
      priority: 4,
      tags: ['warning'],
    });
  });

  test('to Gotify: with its key, wherever it lives', async (t) => {
    for (const [given, posted] of [
      ['', '/message'],
      ['/', '/message'],
      ['/gotify/', '/gotify/message'],
      ['/message', '/message'],
    ]) {
      const one = await asked(t, ({ host }) =>
        told([notifier('gotify', { url: `http://${host}${given}`, token: 'A1' })]),
      );
      assert.deepEqual([one.path, one.headers['x-gotify-key']], [posted, 'A1']);
      const extras = { 'client::display': { contentType: 'text/plain' } };
      assert.deepEqual(JSON.parse(one.body), { title: SUMMARY.title, message: TEXT, priority: 8, extras });
    }
  });

  test('to Telegram: as code, in which nothing is a name or a link', async (t) => {
    const one = await asked(t, ({ host }) =>
      told([notifier('telegram', { url: `http://${host}`, token: '12:ab', chat: '-42' })]),
    );
    assert.equal(one.path, '/bot12:ab/sendMessage');
    assert.deepEqual(JSON.parse(one.body), {
      chat_id: '-42',
      text: `${SUMMARY.title}\n${TEXT}`,
      entities: [{ type: 'pre', offset: SUMMARY.title.length + 1, length: TEXT.length }],
      link_preview_options: { is_disabled: true },
    });
  });

  test('is cut to what each takes, and never in the middle of a letter', async (t) => {
    const lengths: Record<string, (body: Record<string, string>) => number> = {
      slack: ({ text = '' }) => text.length,
      discord: ({ content = '' }) => content.length,
      telegram: ({ text = '' }) => text.length,
      ntfy: ({ message = '' }) => Buffer.byteLength(message),
    };
    const most: Record<string, number> = { slack: 4000, discord: 2000, telegram: 4096, ntfy: 4000 };
    for (const kind of ['slack', 'discord', 'telegram', 'ntfy'] as const) {
      const one = await asked(t, ({ host }) =>
        told([notifier(kind, { url: `http://${host}/x`, token: 't', chat: '1' })], { summary: LONG }),
      );
      const body = JSON.parse(one.body);
      const length = lengths[kind]?.(body) ?? 0;
      assert.ok(length <= (most[kind] ?? 0) && length > (most[kind] ?? 0) - 8, `${kind}: ${length}`);
      assert.ok(!/\\ud8|\ufffd/.test(one.body) && one.body.includes('𝄞…'), kind);
    }
  });
});

suite('what goes wrong', () => {
  const failing = async (t: TestContext, answer: Answerer, values: Record<string, string> = {}) => {
    const server = await scripted(t, answer);
    const clock = stoppedClock();
    const [one] = await told([notifier('webhook', { url: `http://${server.host}/x`, ...values })], { clock });
    return { ...(one ?? assert.fail()), times: server.asked.length, slept: clock.slept, host: server.host };
  };

  test('a server that fails once is asked once more', async (t) => {
    const { outcome, times, slept } = await failing(t, answering([503]));
    assert.deepEqual([outcome, times, slept], ['sent', 2, [500]]);
  });

  test('a server that goes on failing is left alone', async (t) => {
    const { outcome, error, times, host } = await failing(
      t,
      answering([500, {}, 'oops'], [502, {}, '<html>long</html>']),
    );
    assert.deepEqual([outcome, error, times], ['failed', `${host} answers 502`, 2]);
  });

  test('what is refused is not sent again', async (t) => {
    const { error, times, host } = await failing(t, answering([404, {}, '{"message":\n"no such hook"}']));
    assert.deepEqual([error, times], [`${host} answers 404: {"message": "no such hook"}`, 1]);
  });

  test('a redirect is not followed', async (t) => {
    const { error, times, host } = await failing(t, answering([302, { location: 'http://example.org/' }]));
    assert.deepEqual([error, times], [`${host} answers 302, a redirect`, 1]);
  });

  test('a connection that breaks is tried again', async (t) => {
    let times = 0;
    const { outcome } = await failing(t, (_, response) => {
      times += 1;
      if (times === 1) response.destroy();
      else response.end();
    });
    assert.deepEqual([outcome, times], ['sent', 2]);
  });

  test('who asks for a moment gets it', async (t) => {
    for (const [headers, body] of [
      [{ 'retry-after': '3' }, ''],
      [{}, '{"ok":false,"parameters":{"retry_after":3}}'],
    ] as const) {
      const { outcome, times, slept } = await failing(t, answering([429, headers, body]));
      assert.deepEqual([outcome, times, slept], ['sent', 2, [3000]]);
    }
  });

  test('who asks for long is left alone', async (t) => {
    for (const headers of [{ 'retry-after': '3600' }, {}] as Record<string, string>[]) {
      const { error, times, slept } = await failing(t, answering([429, headers]));
      assert.match(error ?? '', /answers 429; it wants no more for (3600|60) s$/);
      assert.deepEqual([times, slept], [1, []]);
    }
  });

  test('what has arrived has arrived, even if the answer does not end', async (t) => {
    const { outcome, times } = await failing(t, (_, response) => void response.writeHead(200).write('and so on'));
    assert.deepEqual([outcome, times], ['sent', 1]);
  });

  test('the time limit ends the wait for a receiver', async (t) => {
    const server = await scripted(t, () => {});
    const [one] = await told([notifier('webhook', { url: `http://${server.host}/` })], { timeoutMs: 50 });
    assert.equal(one?.error, 'no answer within 0.05 s');
    const [other] = await told([notifier('webhook', { url: `http://${server.host}/` })], {
      signal: AbortSignal.abort(),
    });
    assert.equal(other?.error, 'interrupted');
  });

  test('a failed receiver does not stop the others', async (t) => {
    const server = await scripted(t, OK);
    const deliveries = await told([
      {
        ...notifier('slack', {}),
        url: { shown: '…', read: () => Promise.reject(new Error('the variable X is not set')) },
      },
      notifier('gotify', { url: 'gotify.example.org', token: 'x' }),
      notifier('ntfy', { url: `http://${server.host}/` }),
      notifier('webhook', { url: 'http://127.0.0.1:1/' }),
      notifier('webhook', { url: `http://${server.host}/` }),
    ] as Parameters<typeof told>[0]);
    assert.deepEqual(
      deliveries.map(({ outcome, error }) => error ?? outcome),
      [
        'the variable X is not set',
        'its url is none; it has to begin with https:// or http://',
        'the url of ntfy has to end with a topic: https://ntfy.sh/my-topic',
        '127.0.0.1:1: nobody listens there',
        'sent',
      ],
    );
  });

  test('no secret comes back, even where the server repeats what it got', async (t) => {
    const echo: Answerer = ({ path: sent, headers, body }, response) => {
      response.writeHead(400).end(`${sent} ${JSON.stringify(headers)} ${body}`.slice(0, 4000));
    };
    const server = await scripted(t, echo);
    const deliveries = await told([
      notifier('webhook', { url: `http://user1:pass%2Fword@${server.host}/hooks/SECRETPATH?key=SECRETKEY` }),
      notifier('gotify', { url: `http://${server.host}/`, token: 'SECRETTOKEN' }),
      notifier('telegram', { url: `http://${server.host}/`, token: '123:SECRET/BOT', chat: '42' }),
      notifier('ntfy', { url: `http://${server.host}/SECRETTOPIC`, token: 'tk_SECRET' }),
    ]);
    const text = JSON.stringify(deliveries);
    assert.equal(deliveries.filter(({ outcome }) => outcome === 'failed').length, 4);
    assert.doesNotMatch(text, /SECRET|user1|pass.{0,3}word/i);
    assert.doesNotMatch(text, new RegExp(Buffer.from('user1:pass/word').toString('base64').slice(0, 12)));
  });
});

suite('the way there', () => {
  test('goes through the proxy of the environment, but not to this machine itself', async (t) => {
    const proxy = await scripted(t, OK);
    const env = { HTTP_PROXY: `http://${proxy.host}`, no_proxy: 'inner.example.org' };
    const [one] = await told([notifier('webhook', { url: 'http://hook.example.org/a' })], { env });
    assert.deepEqual([one?.outcome, proxy.lines()], ['sent', ['POST http://hook.example.org/a']]);
    const server = await scripted(t, OK);
    await told([notifier('webhook', { url: `http://${server.host}/` })], { env });
    assert.deepEqual([server.asked.length, proxy.asked.length], [1, 1]);
  });

  test('trusts the authorities of this machine, and no others', { skip: noOpenssl }, async (t) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-notify-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    makeCertificates(folder);
    const pem = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
    const server = createServer({ key: pem('server-key.pem'), cert: pem('server-cert.pem') }, (_, response) =>
      response.end(),
    );
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const hook = notifier('webhook', { url: `https://localhost:${(server.address() as AddressInfo).port}/` });
    const [distrusted] = await told([hook]);
    assert.match(distrusted?.error ?? '', /^localhost:\d+: (self-signed|unable to (get|verify))/);
    assert.equal((await told([hook], { authorities: [pem('ca.pem')] }))[0]?.outcome, 'sent');
  });
});

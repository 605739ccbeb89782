import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import type { App } from '../../../src/app/app.ts';
import { fail } from '../../../src/core/model/error.ts';
import { runStep, type StepWorld } from '../../../src/fronts/action/step.ts';
import { FAILED, fakeApp, type Given, PLAN, ROLLED, UNCHANGED } from '../cli/fakes.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3BlbnNzaA\r\n-----END OPENSSH PRIVATE KEY-----';

interface Ran {
  status: number;
  log: string;
  files: Record<string, string>;
  opened: Parameters<StepWorld['openApp']>[0][];
}

interface Options extends Given {
  env?: Record<string, string>;
  abort?: AbortSignal;
  onOpen?: (options: Parameters<StepWorld['openApp']>[0]) => void;
  sleep?: StepWorld['clock']['sleep'];
  app?: (app: App) => App;
}

async function step(t: TestContext, inputs: Record<string, string>, given: Options = {}): Promise<Ran> {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-step-'));
  t.after(() => rmSync(temporary, { recursive: true, force: true }));
  const ran: Ran = { status: -1, log: '', files: {}, opened: [] };
  const named = Object.entries(inputs).map(([name, text]) => [`INPUT_${name.toUpperCase()}`, text]);
  const files = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'].map((name) => [name, name]);
  const never = new Promise<void>(() => {});
  ran.status = await runStep({
    env: { ...Object.fromEntries([...files, ...named]), ...given.env },
    stdout: (text) => {
      ran.log += text;
    },
    append: (file, text) => {
      ran.files[file] = (ran.files[file] ?? '') + text;
    },
    token: TOKEN,
    temporary,
    clock: { now: () => 1000, sleep: given.sleep ?? (() => never) },
    signal: given.abort ?? new AbortController().signal,
    openApp: async (options) => {
      ran.opened.push(options);
      given.onOpen?.(options);
      if (given.refuse) throw given.refuse;
      const app = fakeApp(given, options.report, []);
      return { app: given.app?.(app) ?? app, close: () => {} };
    },
  });
  return ran;
}

test('the key is in a file of its own as long as the engine is open, and nobody else may read it', async (t) => {
  const inputs = { service: 'web', host: 'box', 'ssh-key': KEY, 'known-hosts': 'box ssh-ed25519 AAAA' };
  let seen = { key: '', hosts: '', mode: 0, folder: 0, file: '' };
  const ran = await step(t, inputs, {
    roll: [ROLLED],
    onOpen: ({ access: { ssh } }) => {
      const file = ssh?.identityFile ?? '';
      const folder = statSync(path.dirname(file)).mode & 0o777;
      seen = {
        key: readFileSync(file, 'utf8'),
        hosts: readFileSync(ssh?.knownHostsFile ?? '', 'utf8'),
        mode: statSync(file).mode & 0o777,
        folder,
        file,
      };
    },
  });
  assert.equal(ran.status, 0, ran.log);
  assert.deepEqual(
    { ...seen, file: '' },
    { key: `${KEY.replaceAll('\r', '')}\n`, hosts: 'box ssh-ed25519 AAAA\n', mode: 0o600, folder: 0o700, file: '' },
  );
  assert.equal(existsSync(path.dirname(seen.file)), false);
  assert.deepEqual(
    ran.opened.map(({ host }) => host),
    ['ssh://box'],
  );
  assert.match(ran.files.GITHUB_STATE ?? '', /^folder<</m);
});

test('what the job left behind is cleared away after it, and what ended is left alone', async (t) => {
  const inputs = { service: 'web' };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ended = await step(t, inputs, { env: { STATE_begun: 'yes', STATE_ended: 'yes', STATE_folder: folder } });
  assert.deepEqual([ended.status, ended.opened.length, existsSync(folder)], [0, 0, false]);
  const other = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-other-'));
  t.after(() => rmSync(other, { recursive: true, force: true }));
  await step(t, inputs, { env: { STATE_begun: 'yes', STATE_ended: 'yes', STATE_folder: other } });
  assert.equal(existsSync(other), true, 'a folder that it did not make');
});

test('a value with line ends and delimiters of others stays one value', async (t) => {
  const report = { ...ROLLED, because: 'x\nevil<<end\nfoo\nend' };
  const { files } = await step(t, { service: 'web' }, { roll: [report] });
  const lines = (files.GITHUB_OUTPUT ?? '').split('\n');
  assert.deepEqual(
    lines
      .filter((line) => line.includes('<<'))
      .map((line) => line.split('<<')[0])
      .slice(0, 3),
    ['outcome', 'from-image', 'from-digest'],
  );
  assert.equal(lines.filter((line) => line === `end_${TOKEN}`).length, 7);
});

test('several services: the gravest counts, and all are in the table', async (t) => {
  const { status, files, log } = await step(
    t,
    { service: 'web db api' },
    { roll: [ROLLED, UNCHANGED, { ...FAILED, service: 'api' }] },
  );
  assert.equal(status, 1);
  assert.match(files.GITHUB_OUTPUT ?? '', /^outcome<<.*\nfailed\n/m);
  for (const service of ['web', 'db', 'api'])
    assert.match(files.GITHUB_STEP_SUMMARY ?? '', new RegExp(`<b>${service}</b>`));
  assert.match(log, /^::error title=swapctl%3A api::/m);
});

test('a roll that is done and leaves something to do fails the step, and says that it is done', async (t) => {
  const attention = [{ code: 'attention' as const, message: 'nginx still connects to 172.18.0.3' }];
  const ran = await step(t, { service: 'web' }, { roll: [{ ...ROLLED, attention }] });
  assert.equal(ran.status, 3);
  assert.match(ran.files.GITHUB_OUTPUT ?? '', /^outcome<<(\S+)\nrolled\n\1$/m);
  assert.match(ran.log, /^::error .*nginx still connects/m);
});

test('a wrong input is told, and no engine is asked', async (t) => {
  const { status, log, opened, files } = await step(t, { service: 'web', host: '-x' });
  assert.deepEqual([status, opened.length], [2, 0]);
  assert.match(log, /^::error title=swapctl::the input host is "-x"/m);
  assert.match(files.GITHUB_STEP_SUMMARY ?? '', /Nothing was touched/);
});

test('what takes longer than the timeout is ended as if it was cancelled', async (t) => {
  const { status, log } = await step(
    t,
    { service: 'web', timeout: '1m' },
    {
      sleep: async (ms) => assert.equal(ms, 60_000),
      app: (app) => ({
        ...app,
        roll: async (_, { signal }) => {
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return fail('interrupted', 'interrupted');
        },
      }),
    },
  );
  assert.equal(status, 1);
  assert.match(log, /60 s are over \(timeout\): it ends at the next safe point/);
});

test('a cancelled plan does not wait for its answer', async (t) => {
  const cancel = new AbortController();
  const { status } = await step(
    t,
    { service: 'web', command: 'plan' },
    {
      abort: cancel.signal,
      app: (app) => ({
        ...app,
        plan: () => {
          cancel.abort();
          return new Promise(() => {});
        },
      }),
    },
  );
  assert.equal(status, 1);
});

interface Comment {
  id: number;
  body: string;
  user?: { login: string; type: string };
}

/** The ways in which a token may ask for its owner: for a workflow's token, only GitHub's GraphQL answers. */
type Who = 'user' | 'viewer' | 'nobody';

const BOT = { login: 'github-actions[bot]', type: 'Bot' };

/** A made-up GitHub that keeps comments. */
async function github(t: TestContext, comments: Comment[], status = 200, who: Who = 'viewer') {
  const calls: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    if (status !== 200) return void response.end('{}');
    if (request.url === '/user') {
      response.statusCode = who === 'user' ? 200 : 403;
      return void response.end(JSON.stringify(who === 'user' ? { login: BOT.login } : {}));
    }
    if (request.url === '/graphql') {
      response.statusCode = who === 'viewer' ? 200 : 404;
      return void response.end(JSON.stringify({ data: { viewer: { login: BOT.login } } }));
    }
    const id = Number(/\/issues\/comments\/(\d+)$/.exec(request.url ?? '')?.[1]);
    if (request.method === 'GET') {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page'));
      return void response.end(JSON.stringify(comments.slice((page - 1) * 100, page * 100)));
    }
    const text = JSON.parse(body).body as string;
    if (request.method === 'PATCH') comments = comments.map((one) => (one.id === id ? { ...one, body: text } : one));
    else comments = [...comments, { id: comments.length + 1, body: text, user: BOT }];
    response.end(JSON.stringify({ id }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close(() => {}));
  const event = path.join(mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-event-')), 'event.json');
  t.after(() => rmSync(path.dirname(event), { recursive: true }));
  writeFileSync(event, JSON.stringify({ pull_request: { number: 7 } }));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { GITHUB_API_URL: url, GITHUB_REPOSITORY: 'me/shop', GITHUB_EVENT_PATH: event };
  return { env, calls, comments: () => comments };
}

const COMMENTED = { service: 'web', command: 'plan', comment: 'true', 'github-token': 'ghs_x' };

test('a plan is commented on the pull request, and the comment replaced by the next plan', async (t) => {
  const talk = Array.from({ length: 120 }, (_, at) => ({ id: at + 1, body: 'talk' }));
  const hub = await github(t, talk);
  await step(t, COMMENTED, { plan: [PLAN], env: hub.env });
  await step(t, COMMENTED, { plan: [{ ...PLAN, image: 'app:3' }], env: hub.env });
  const [ours, ...others] = hub.comments().filter(({ body }) => body !== 'talk');
  assert.equal(others.length, 0);
  assert.match(ours?.body ?? '', /^<!-- swapctl plan web {2}-->\n### swapctl plan\n.*app:3/s);
  assert.deepEqual(
    hub.calls.map((call) => call.split(' ')[0]),
    ['GET', 'GET', 'POST', 'GET', 'GET', 'GET', 'POST', 'PATCH'],
  );
  assert.ok(hub.calls.every((call) => call.endsWith(' Bearer ghs_x')));
});

test('a comment of somebody else that begins like ours is left alone, and so are all where nobody says whose the token is', async (t) => {
  for (const who of ['user', 'viewer', 'nobody'] as const) {
    const forged = ['mallory', 'github-actions'].map((login, at) => ({
      id: at + 1,
      body: '<!-- swapctl plan web  -->\nnot ours',
      user: { login, type: 'User' },
    }));
    const hub = await github(t, forged, 200, who);
    for (const image of ['app:3', 'app:4']) await step(t, COMMENTED, { plan: [{ ...PLAN, image }], env: hub.env });
    assert.deepEqual(hub.comments().slice(0, 2), forged);
    assert.equal(hub.comments().length, who === 'nobody' ? 4 : 3);
    assert.match(hub.comments().at(-1)?.body ?? '', /app:4/);
  }
});

test('a log writes nothing but text into the page of the run', async (t) => {
  const log = [
    '\u001b[0m',
    '',
    '  \t',
    '# [click](https://evil.example)',
    '</pre></details>',
    '@everyone <img src=x>',
    '\u009d',
  ];
  const error = { code: 'not-healthy' as const, message: 'it was not healthy', log };
  const report = { service: 'web', outcome: 'failed' as const, timings: { total: 1 }, error };
  const { files } = await step(t, { service: 'web' }, { roll: [report] });
  const summary = files.GITHUB_STEP_SUMMARY ?? '';
  const block = summary.slice(summary.indexOf('<details'), summary.lastIndexOf('</details>'));
  // CommonMark, "HTML blocks": this one ends at a line of blanks only.
  assert.doesNotMatch(block, /\n[ \t]*\n/);
  assert.doesNotMatch(block, /<(?!\/?(details|summary|pre)\b)/);
  assert.equal(block.match(/<\/?pre>/g)?.length, 2);
});

test('a comment that can not be written is a warning, and the step goes on', async (t) => {
  const hub = await github(t, [], 403);
  const { status, log } = await step(t, COMMENTED, { plan: [PLAN], env: hub.env });
  assert.equal(status, 0);
  assert.match(log, /^::warning title=swapctl::the pull request can't be commented on: .*403; .*pull-requests: write/m);
});

test('a run of no pull request has nothing to comment on', async (t) => {
  const { status, log } = await step(t, COMMENTED, { plan: [PLAN], env: { GITHUB_REF: 'refs/heads/main' } });
  assert.equal(status, 0);
  assert.match(log, /no pull request/);
});

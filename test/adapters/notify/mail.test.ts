import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { missingProgram } from '../../lab/missing.ts';
import { makeCertificates } from '../docker/connect/fake-engine.ts';
import { stoppedClock } from '../registry/scripted.ts';
import { notifier, SUMMARY, told } from './telling.ts';

const skip = missingProgram('openssl');

const ADDRESSES = { from: 'swapctl <swapctl@example.org>', to: 'me@example.org, You <you@example.org>' };

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-mail-'));
  if (!skip) makeCertificates(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const pem = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

interface Mailbox {
  readonly port: number;
  readonly letters: { readonly from: string; readonly to: string[]; readonly text: string; readonly secure: boolean }[];
  readonly logins: string[];
}

/** A mail server with the login `me` and `se/cret`, which is gone after the test. */
async function mailbox(t: TestContext, options: SMTPServerOptions = {}): Promise<Mailbox> {
  const letters: Mailbox['letters'] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    key: pem('server-key.pem'),
    cert: pem('server-cert.pem'),
    authOptional: true,
    logger: false,
    onAuth: ({ username = '', password = '' }, _, done) => {
      logins.push(`${username}:${password}`);
      if (password === 'se/cret') return done(null, { user: username });
      return done(new Error(`no ${username} with ${password} here`));
    },
    onData: async (stream, { envelope, secure }, done) => {
      let text = '';
      for await (const chunk of stream) text += chunk;
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      letters.push({ from, to: envelope.rcptTo.map(({ address }) => address), text, secure });
      done();
    },
    ...options,
  });
  // Clients that do not trust it disconnect.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, letters, logins };
}

test('an e-mail has the title for its subject, and the summary as text', { skip }, async (t) => {
  const { port, letters } = await mailbox(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const [one] = await told([notifier('email', { url: `smtp://127.0.0.1:${port}`, ...ADDRESSES })]);
  assert.deepEqual(one, { kind: 'email', to: 'shown', outcome: 'sent' });
  const [letter] = letters;
  assert.deepEqual([letter?.from, letter?.to], ['swapctl@example.org', ['me@example.org', 'you@example.org']]);
  const [head = '', body = ''] = letter?.text.split('\r\n\r\n') ?? [];
  assert.match(head, /^From: swapctl <swapctl@example\.org>$/m);
  assert.match(head, /^Auto-Submitted: auto-generated$/m);
  const [, subject = ''] = /^Subject: (.*(?:\r\n .*)*)/m.exec(head) ?? [];
  const words = [...subject.matchAll(/=\?UTF-8\?Q\?(.*?)\?=/g)].map(([, word = '']) => word);
  assert.equal(decodeQuoted(words.join('').replaceAll('_', ' ')), SUMMARY.title);
  assert.ok(decodeQuoted(body.replace(/=\r\n/g, '')).startsWith(`${SUMMARY.lines[0]?.text}\r\n`), body);
});

test('a login goes only where the connection is encrypted and trusted', { skip }, async (t) => {
  const { port, letters, logins } = await mailbox(t);
  const url = `smtp://me:se%2Fcret@localhost:${port}`;
  const [distrusted] = await told([notifier('email', { url, ...ADDRESSES })]);
  assert.match(distrusted?.error ?? '', /^localhost: (self-signed|unable to (get|verify))/);
  assert.deepEqual(logins, []);
  const [trusted] = await told([notifier('email', { url, ...ADDRESSES })], { authorities: [pem('ca.pem')] });
  assert.deepEqual([trusted?.outcome, trusted?.error], ['sent', undefined]);
  assert.deepEqual([logins, letters.map(({ secure }) => secure)], [['me:se/cret'], [true]]);
  const plain = await mailbox(t, { disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
  const [refused] = await told([notifier('email', { url: url.replace(`${port}`, `${plain.port}`), ...ADDRESSES })]);
  assert.equal(refused?.outcome, 'failed');
  assert.deepEqual(plain.logins, []);
  const open = `smtp://me:se%2Fcret@localhost:${plain.port}/?requireTLS=false`;
  assert.equal((await told([notifier('email', { url: open, ...ADDRESSES })]))[0]?.outcome, 'sent');
});

test('smtps is encrypted from the start', { skip }, async (t) => {
  const { port, letters } = await mailbox(t, { secure: true });
  const url = `smtps://me:se%2Fcret@localhost:${port}`;
  const [one] = await told([notifier('email', { url, ...ADDRESSES })], { authorities: [pem('ca.pem')] });
  assert.deepEqual([one?.outcome, letters[0]?.secure], ['sent', true]);
});

test('a wrong login is told, without the password', { skip }, async (t) => {
  const { port, logins } = await mailbox(t);
  const url = `smtp://me%40example.org:wr%2Fong@localhost:${port}`;
  const [one] = await told([notifier('email', { url, ...ADDRESSES })], { authorities: [pem('ca.pem')] });
  assert.deepEqual(logins, ['me@example.org:wr/ong']);
  assert.match(one?.error ?? '', /^localhost: Invalid login: 535 no … with … here$/);
});

test('a server that is not there is tried once more', { skip }, async () => {
  const clock = stoppedClock();
  const [one] = await told([notifier('email', { url: 'smtp://127.0.0.1:1', ...ADDRESSES })], { clock });
  assert.deepEqual([one?.error, clock.slept], ['127.0.0.1: nobody listens there', [500]]);
});

test('a letter that was refused is not sent again', { skip }, async (t) => {
  let times = 0;
  const { port } = await mailbox(t, {
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_, __, done) => {
      times += 1;
      done(Object.assign(new Error('no such box'), { responseCode: 550 }));
    },
  });
  const values = { url: `smtp://127.0.0.1:${port}`, from: 'a@example.org', to: 'b@example.org' };
  const [one] = await told([notifier('email', values)]);
  assert.match(one?.error ?? '', /550 no such box/);
  assert.equal(times, 1);
});

test('the time limit ends the wait for a silent server, and its connection', { skip }, async (t) => {
  let closed: Promise<unknown> | undefined;
  const server = createServer((socket) => {
    closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // A busy machine takes longer to get there.
  for (let timeoutMs = 200; closed === undefined; timeoutMs *= 2) {
    const [one] = await told([notifier('email', { url, ...ADDRESSES })], { timeoutMs });
    assert.equal(one?.error, `no answer within ${timeoutMs / 1000} s`);
  }
  await closed;
});

test('what is no address of a mail server is refused', { skip }, async () => {
  for (const url of ['mail.example.org', 'https://mail.example.org']) {
    const [one] = await told([notifier('email', { url, ...ADDRESSES })]);
    assert.equal(one?.error, 'its url is none; it has to begin with smtps:// or smtp://');
  }
});

function decodeQuoted(text: string): string {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();
}

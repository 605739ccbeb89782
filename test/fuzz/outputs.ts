// What is written for shells, crons, kernels, terminals, chats and pages out of texts of anybody.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import Docker from 'dockerode';
import fc from 'fast-check';
import { withNamesEncoded } from '../../src/adapters/docker/connect/named.ts';
import { POSTS } from '../../src/adapters/notify/requests.ts';
import { hostScript } from '../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import { SwapError } from '../../src/core/model/error.ts';
import { summarizeRun } from '../../src/core/report/summary.ts';
import { codeBlock, plainTitle, slackText } from '../../src/core/text/encode/chat.ts';
import { cronVariable, cronWord } from '../../src/core/text/encode/cron.ts';
import { htmlLogLine, htmlText } from '../../src/core/text/encode/html.ts';
import { nftInterface } from '../../src/core/text/encode/nft.ts';
import { shellOperands, shellWord } from '../../src/core/text/encode/shell.ts';
import { systemdQuoted, systemdWord } from '../../src/core/text/encode/systemd.ts';
import { sanitizeText } from '../../src/core/text/sanitize.ts';
import { unitPlan } from '../../src/core/update/units.ts';
import { documentOf } from '../../src/fronts/action/result.ts';
import { summaryOf } from '../../src/fronts/action/summary.ts';
import { sanitize, sanitizeLines } from '../../src/fronts/terminal/sanitize.ts';
import { OBEYED_WORDS } from '../lab/text.ts';
import { cronLine, shellWords, systemdText } from './readers.ts';
import { repeated, type Target, target, texts } from './target.ts';

const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const evil = texts(OBEYED_WORDS);
const oneLine = evil.map((text) => text.replace(/[\x00-\x1f\x7f]/g, ''));

const client = new (withNamesEncoded(Docker))({ socketPath: '/nowhere' });

// A column without a word is left out.
const some = evil.map((text) => `x${text}`);
const service = fc.record({
  service: some,
  because: some,
  message: some,
  hint: some,
  log: fc.array(evil, { maxLength: 4 }),
});
type Service = typeof service extends fc.Arbitrary<infer T> ? T : never;

function runOf({ service, because, message, hint, log }: Service) {
  const error = { code: 'not-healthy', message, hint, log } as const;
  return { services: [{ service, outcome: 'failed' as const, from: { image: because, digest: '' }, because, error }] };
}

/** What of a page is markup of ours. */
const markup = (page: string): string => (page.match(/<[^>]*>|^#{1,6} /gm) ?? []).join('');

export const OUTPUTS: readonly Target[] = [
  target(
    'terminals',
    evil,
    (text) => {
      assert.doesNotMatch(sanitizeText(text), OBEYED);
      assert.doesNotMatch(sanitizeText(text), /\n/);
      assert.equal(sanitizeText(sanitizeText(text)), sanitizeText(text));
      for (const line of sanitizeLines(text)) assert.doesNotMatch(line, OBEYED);
      assert.doesNotMatch(JSON.stringify(sanitize({ a: [text] })), OBEYED);
    },
    {
      work: sanitizeLines,
      texts: repeated('\x1b[', '\x9d', '\x1b]', '\x1b[1;', '\n', '\r\n', '\x90\x1b', '\u202e', '\x1b'),
    },
  ),
  target(
    'HTML in Markdown',
    evil,
    (text) => {
      for (const html of [htmlText(text), htmlLogLine(text)]) {
        assert.doesNotMatch(html, /[<>"'\n\r]|&(?!(lt|gt|quot|apos|amp|NoBreak|#160);)/);
      }
      assert.doesNotMatch(htmlText(text), /(?<![\w/])[@#]\w/);
      assert.notEqual(htmlLogLine(text).trim(), '');
    },
    { work: (text) => [htmlText(text), htmlLogLine(text)], texts: repeated('<', '&', '@a', '#', ' ', '\x1b[') },
  ),
  target('pages of runs and comments', service, (one) => {
    const plain = runOf({ service: 'x', because: 'x', message: 'x', hint: 'x', log: one.log.map(() => 'x') });
    const page = (run: ReturnType<typeof runOf>): string =>
      summaryOf({ kind: 'updates', update: run as never }, { title: one.service });
    assert.equal(markup(page(runOf(one))), markup(page(plain)));
    for (const block of page(runOf(one)).match(/<pre>[\s\S]*?<\/pre>/g) ?? []) assert.doesNotMatch(block, /\n\s*\n/);
    JSON.parse(JSON.stringify(documentOf({ kind: 'updates', update: runOf(one) as never })));
  }),
  target(
    'chats',
    fc.tuple(fc.array(evil, { maxLength: 5 }), fc.integer({ min: 0, max: 200 })),
    ([lines, most]) => {
      for (const encode of [String, slackText]) {
        const block = codeBlock(lines, encode, most);
        assert.ok(block.length <= most);
        if (block !== '') assert.match(block, /^```\n[^`]*\n```$/);
      }
      assert.doesNotMatch(plainTitle(lines.join('')), /[*_~`@#<>&|[\]()\\\n]/);
    },
    { work: (text) => [codeBlock([text], slackText, 4000), plainTitle(text)], texts: repeated('`', '<', '&', '*') },
  ),
  target('notifications', fc.tuple(service, evil), ([one, secret]) => {
    const summary = summarizeRun(runOf(one), one.because);
    for (const { text, log = '' } of summary.lines) assert.doesNotMatch(text + log, OBEYED);
    const values = {
      url: 'https://x.example/topic',
      token: 'tok',
      chat: '1',
      template: '{"a":"{{summary}}","b":{{json}}}',
    };
    for (const post of Object.values(POSTS)) {
      const { url, headers, body } = post(summary, values);
      assert.equal(url.host, 'x.example');
      JSON.parse(body);
      for (const value of Object.values(headers)) assert.match(value, /^[ -~]*$/);
    }
    // Of the user's own, but mistyped: with anything for a login, a path and a token.
    for (const url of [`https://${secret}@x.example/t`, `https://x.example/${secret}`])
      for (const post of Object.values(POSTS))
        ownErrorOrNone(() => new Headers(post(summary, { ...values, url }).headers));
  }),
  target(
    'shell words',
    oneLine,
    (text) => {
      assert.deepEqual(shellWords(shellWord(text)), [text]);
      const operands = shellWords(`x ${shellOperands([text])}`);
      assert.equal(operands?.at(-1), text);
      if (text.startsWith('-')) assert.equal(operands?.[1], '--');
    },
    { work: shellWord, texts: repeated("'", 'a', ' ') },
  ),
  target(
    'lines of cron',
    oneLine,
    (text) => {
      for (const backslashes of [true, false])
        assert.deepEqual(shellWords(cronLine(cronWord(text), backslashes)), [text]);
      const line = cronVariable('X', text);
      const value = line.slice(2);
      const quoted = /^(["'])(.*)\1$/s.exec(value);
      assert.equal(quoted ? quoted[2] : value, text);
    },
    { work: cronWord, texts: repeated("'", '\\', '%', '\\%', ' ') },
  ),
  target(
    'units of systemd',
    oneLine,
    (text) => {
      assert.equal(systemdText(systemdWord(text, 1)).replaceAll('$$', '$'), text);
      assert.equal(systemdText(systemdQuoted(text)), text);
    },
    { work: systemdQuoted, texts: repeated('"', '\\', '%', '$', ' ') },
  ),
  target(
    'files of cron and systemd',
    fc.tuple(
      evil,
      evil,
      fc.constantFrom(
        { scheduler: 'cron' as const, runs: 'update' as const },
        { scheduler: 'systemd' as const, runs: 'update' as const },
        { scheduler: 'systemd' as const, runs: 'watch' as const },
        { scheduler: 'systemd' as const, runs: 'serve' as const },
      ),
    ),
    ([word, value, wish]) => {
      const place = { command: ['/usr/bin/node', word], env: { DOCKER_HOST: value }, host: word };
      const { files } = unitPlan({ ...wish, schedule: undefined }, place);
      const plain = unitPlan(
        { ...wish, schedule: undefined },
        { ...place, command: ['/usr/bin/node', 'x'], env: { DOCKER_HOST: 'x' } },
      );
      const lines = (all: typeof files): number[] => all.map(({ content }) => content.split('\n').length);
      assert.deepEqual(lines(files), lines(plain.files));
      for (const { content } of files) assert.doesNotMatch(content, /[\x00-\x09\x0b-\x1f\x7f]/);
    },
  ),
  target(
    'paths of the engine',
    evil,
    (text) => {
      for (const path of [client.getContainer(text).id, client.getVolume(text).name]) {
        assert.match(path, /^[!-~]*$/);
        assert.doesNotMatch(path, /[/?#\\]|^\.{1,2}$/);
        assert.equal(decodeURIComponent(path), Buffer.from(text).toString());
      }
    },
    { work: (text) => client.getContainer(text), texts: repeated('/', '.', '%', 'ä') },
  ),
  target(
    'scripts of nft',
    evil,
    (text) => {
      const device = nftInterface(text);
      if (device !== undefined) assert.equal(device, `"${text}"`);
      const other = nftInterface(text.replace(/[^\w.@+=-]/g, '').slice(0, 15));
      if (other !== undefined) takenByNft(other);
    },
    { work: nftInterface, texts: repeated('a', '"', '*') },
  ),
];

function ownErrorOrNone(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
  }
}

const LANE = { from: { ip: '10.0.0.2', mac: '02:00:00:00:00:01' }, to: { ip: '10.0.0.3', mac: '02:00:00:00:00:02' } };
const HAS_NFT = process.getuid?.() === 0 && spawnSync('nft', ['--version']).status === 0;
const tried = new Set<string>();
// A process each: a few of them say as much as all.
const MOST_PROCESSES = 200;

// nft itself reads the script, and changes nothing.
function takenByNft(device: string): void {
  const script = hostScript('swapctl-moved-111111111111-222222222222', [{ family: 'ip', device, ...LANE }], 60_000);
  const [begin, end] = String(script).split(device);
  assert.ok(begin !== undefined && end !== undefined, 'the name stands in it');
  if (!HAS_NFT || tried.size >= (process.env.SWAPCTL_FUZZ === 'long' ? MOST_PROCESSES : 2) || tried.has(device)) return;
  tried.add(device);
  const { status, stderr } = spawnSync('nft', ['-c', '-f', '-'], { input: String(script), encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

// Every encoder, with foreign texts: the output is the text and nothing else.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { SwapError } from '../../../../src/core/model/error.ts';
import { byHand } from '../../../../src/core/rollout/backup.ts';
import { copyName } from '../../../../src/core/service/names.ts';
import { codeBlock, plainTitle, slackText } from '../../../../src/core/text/encode/chat.ts';
import { cronVariable, cronWord } from '../../../../src/core/text/encode/cron.ts';
import { htmlLogLine, htmlText } from '../../../../src/core/text/encode/html.ts';
import { nftInterface } from '../../../../src/core/text/encode/nft.ts';
import { shellOperands, shellWord } from '../../../../src/core/text/encode/shell.ts';
import { systemdQuoted, systemdWord } from '../../../../src/core/text/encode/systemd.ts';
import { sanitizeText } from '../../../../src/core/text/sanitize.ts';
import { cronLine, systemdText } from '../../../fuzz/readers.ts';
import { anyText } from '../../../lab/hostile.ts';
import { OBEYED_WORDS } from '../../../lab/text.ts';

const RUNS = process.env.SWAPCTL_TEST_LONG === '1' ? 50_000 : 2000;

/** Texts full of characters with a special meaning somewhere. */
const nasty = fc.oneof(
  anyText,
  fc.array(fc.constantFrom(...OBEYED_WORDS), { maxLength: 12 }).map((parts) => parts.join('')),
);
const printable = nasty.map((text) => text.replace(/[\x00-\x1f\x7f]/g, '')).filter((text) => text.length < 5000);

function always<T>(texts: fc.Arbitrary<T>, holds: (text: T) => void, numRuns = RUNS): void {
  fc.assert(fc.property(texts, holds), { numRuns });
}

suite('HTML in Markdown', () => {
  const text = (html: string): string =>
    html
      .replaceAll('&NoBreak;', '')
      .replaceAll('&#160;', '')
      .replace(
        /&(lt|gt|quot|apos|amp);/g,
        (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name] ?? '',
      );

  test('is the text, in one line, without a tag or a mention', () => {
    always(nasty, (any) => {
      const html = htmlText(any);
      assert.doesNotMatch(html, /[<>"'\n\r]|&(?!(lt|gt|quot|apos|amp|NoBreak);)/);
      assert.doesNotMatch(html, /(?<![\w/])[@#]\w/);
      assert.equal(text(html), sanitizeText(any));
    });
  });

  test('never is a blank line of a log', () => {
    always(nasty, (any) => assert.notEqual(htmlLogLine(any).trim(), ''));
    assert.equal(htmlLogLine('\u001b[0m \t'), '&#160;');
  });
});

suite('a block of code for a chat', () => {
  test('ends where it should, and is no longer than it may be', () => {
    always(fc.tuple(fc.array(nasty, { maxLength: 5 }), fc.integer({ min: 0, max: 200 })), ([lines, most]) => {
      for (const encode of [String, slackText]) {
        const block = codeBlock(lines, encode, most);
        assert.ok(block.length <= most);
        if (block !== '') assert.match(block, /^```\n[^`]*\n```$/);
        if (encode === slackText) assert.doesNotMatch(block, /[<>]|&(?!(lt|gt|amp);)/);
      }
    });
  });

  test('has a heading above it that is only text', () => {
    always(nasty, (any) => assert.doesNotMatch(plainTitle(any), /[*_~`@#<>&|[\]()\\\n]/));
    assert.equal(plainTitle('swapctl on häost: 1 failed, 1 updated'), 'swapctl on häost: 1 failed, 1 updated');
  });
});

suite('a crontab', () => {
  test('hands the word to the shell as it is', () => {
    const words = new Set<string>();
    always(printable, (any) => void words.add(any), 400);
    for (const backslashes of [true, false]) {
      const given = [...words].map((word) => cronLine(cronWord(word), backslashes)).join(' ');
      const got = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${given}`], { encoding: 'utf8' });
      assert.deepEqual(got.split('\0').slice(0, -1), [...words]);
    }
  });

  test('is not cut at a percent sign behind a backslash', () => {
    assert.equal(cronLine(cronWord('/a\\%b'), true), cronLine(cronWord('/a\\%b'), false));
    assert.doesNotMatch(cronWord('\\\\%\\%\\'), /(?<!\\)%|\\\\/);
  });

  test('has variables as they are, or none', () => {
    always(printable, (any) => {
      try {
        const [, value = ''] = /^X=(.*)$/s.exec(cronVariable('X', any)) ?? [];
        const quoted = /^(["'])(.*)\1$/s.exec(value);
        assert.equal(quoted ? quoted[2] : value, any);
        if (!quoted) assert.doesNotMatch(value, /[\s"']/);
      } catch (error) {
        assert.ok(error instanceof SwapError && error.code === 'usage', String(error));
        assert.match(any, /\\|["']/);
      }
    });
    for (const bad of ['a\nb', 'a\0b'])
      for (const encode of [cronWord, (text: string) => cronVariable('X', text)])
        assert.throws(() => encode(bad), { code: 'usage' });
  });
});

suite('a command that people copy out of a message', () => {
  test('has a name as it is, and no option', () => {
    const words = new Set<string>();
    always(printable, (any) => void words.add(any), 400);
    const got = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${[...words].map(shellWord).join(' ')}`], {
      encoding: 'utf8',
    });
    assert.deepEqual(got.split('\0').slice(0, -1), [...words]);
    assert.equal(shellOperands(['--image=evil/web', 'a b']), "-- --image=evil/web 'a b'");
    assert.equal(shellOperands(['shop/web', 'db']), 'shop/web db');
  });

  test('is none where volumes have names that no volume has', () => {
    for (const evil of ['a;id', '$(id)', '/:/host', '-v', "a'b", 'a:b', ''])
      for (const copies of [[{ volume: evil, copy: 'data' }], [{ volume: 'data', copy: evil }]])
        assert.doesNotMatch(byHand(copies), /docker/, evil);
    assert.match(
      byHand([{ volume: 'data', copy: 'data.swapctl-backup-r' }]),
      /^docker run --rm -v data.swapctl-backup-r:/,
    );
  });
});

suite('a unit of systemd', () => {
  test('has every word and value as it is', () => {
    always(printable, (any) => {
      const word = systemdWord(any, 1);
      assert.match(word, /^([\w@+=:,./-]+|"([^"\\]|\\["\\])*")$/s);
      assert.equal(systemdText(word).replaceAll('$$', '$'), any);
      assert.equal(systemdText(systemdQuoted(any)), any);
      assert.doesNotMatch(word.replaceAll('%%', '').replaceAll('$$', ''), /[%$]/);
    });
    for (const bad of ['a\nb', 'a\0b']) assert.throws(() => systemdWord(bad, 1), { code: 'usage' });
    assert.throws(() => systemdWord('/a"b', 0), { code: 'usage' });
  });
});

test('an nft script gets the name of an interface, or none', () => {
  always(nasty, (any) => {
    const told = nftInterface(any);
    if (told !== undefined) assert.equal(told, `"${any}"`);
    assert.equal(told === undefined, !/^[\w.@+=-]{1,15}$/.test(any));
  });
  for (const real of ['br-0123456789ab', 'docker0', 'eth0.7', 'wg-home']) assert.equal(nftInterface(real), `"${real}"`);
  for (const odd of ['x" accept #', 'eth*', 'a b', '', '"; flush ruleset; "'])
    assert.equal(nftInterface(odd), undefined);
});

suite('the copy of a volume', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const name = (volume: string): string => copyName(volume, 'roll1', sha256);

  test('has a name of its own, however alike the names of the volumes are', () => {
    const letters = 'v'.repeat(400);
    const names = fc
      .tuple(fc.nat(400), fc.string({ maxLength: 5 }))
      .map(([length, end]) => letters.slice(0, length) + end);
    always(fc.tuple(names, names), ([one, other]) => {
      assert.equal(name(one) === name(other), one === other);
      assert.ok(name(one).length < 255);
    });
    const cut = name('v'.repeat(300)).split('.swapctl-')[0] ?? '';
    assert.notEqual(name(cut), name('v'.repeat(300)), 'a volume that is called like the name of a copy');
  });
});

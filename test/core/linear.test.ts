// Foreign texts and patterns that blocked the program for minutes, or for ever.

import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../src/core/model/reference.ts';
import { sanitizeText } from '../../src/core/text/sanitize.ts';
import { whyNoTemplate } from '../../src/core/text/template.ts';
import { parseTrack, trackedNow } from '../../src/core/update/track.ts';

test('a pattern of tags takes no longer than the tag is long', () => {
  const tag = `${'1'.repeat(120)}x`;
  for (const evil of ['^(\\d+)+$', '^(\\d|\\d+)*$', '(a|aa|1|11)+$', '^((\\d+)*)*$'])
    assert.equal(trackedNow(parseTrack(`regex:${evil}`, 'it'), parseReference('app:1'), [tag]).text, 'app:1');
});

test('a pattern that looks around is refused, with what to write instead', () => {
  for (const unknown of ['(?=a)(\\d+)', '(\\d+)\\1', '(?<!a)(\\d+)'])
    assert.throws(() => parseTrack(`regex:${unknown}`, 'it'), { code: 'config', hint: /looks ahead or back/ });
});

test('sequences that never end are not looked through again and again', () => {
  for (const begin of ['\u009d', '\u001b]', '\u001b[', '\u009b', '\u001bP', '\u001b[1;', '\u0090\u001b'])
    assert.ok(sanitizeText(begin.repeat(80_000)).length < 300_000);
});

test('a text without end is cut before it is looked at', () => {
  assert.ok(sanitizeText('x'.repeat(10 ** 8)).length <= 32_000);
  assert.equal(sanitizeText('\u001b]0;title\u0007a\u001b[31mb\u001b[0m'), 'ab');
});

test('a template with braces that never close', () => {
  assert.equal(whyNoTemplate(`{{${' '.repeat(50_000)}`), undefined);
  assert.equal(whyNoTemplate('{{'.repeat(50_000)), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SwapError } from '../../../src/core/model/error.ts';
import { summarizeRun } from '../../../src/core/report/summary.ts';
import { fillTemplate, whyNoTemplate } from '../../../src/core/text/template.ts';
import { anyCharacters } from '../../lab/text.ts';

const named = (service: string, outcome: 'updated' | 'failed' | 'available') => ({ service, outcome, because: 'x' });
const SUMMARY = summarizeRun(
  { services: [named('a', 'updated'), named('b "q"', 'updated'), named('c', 'failed'), named('d', 'available')] },
  'host1',
);

test('in JSON, values are escaped for its strings, and {{json}} is a whole value', () => {
  const { body, type } = fillTemplate('{"t": "{{title}}", "u": "<{{ updated }}>", "all": {{json}}}', SUMMARY);
  assert.equal(type, 'application/json');
  assert.deepEqual(JSON.parse(body), {
    t: SUMMARY.title,
    u: '<a, b "q">',
    all: JSON.parse(JSON.stringify(SUMMARY.document)),
  });
});

test('in text, values stand as they are', () => {
  assert.deepEqual(fillTemplate('[{{host}}] {{updated}}/{{failed}}/{{available}}\n{{summary}}', SUMMARY), {
    body: `[host1] a, b "q"/c/d\n${SUMMARY.document.text}`,
    type: 'text/plain; charset=utf-8',
  });
});

test('{{json}} alone is JSON, as is a list', () => {
  assert.equal(fillTemplate('{{json}}\n', SUMMARY).type, 'application/json');
  assert.equal(fillTemplate('["{{title}}"]', SUMMARY).type, 'application/json');
});

test('what a template must not be is told', () => {
  assert.match(whyNoTemplate('{{titel}}') ?? '', /knows no "titel"; did you mean title\?$/);
  assert.match(whyNoTemplate('{{x}}') ?? '', /use \{\{title\}\}, \{\{summary\}\}/);
  for (const wrong of ['{"a": {{title}}}', '{"a": "{{json}}"}', '{"a": "{{title}}",}', '["{{title}}"'])
    assert.match(whyNoTemplate(wrong) ?? '', /begins like JSON, but is none/, wrong);
  for (const right of [
    '',
    'plain',
    '{{json}}',
    '{"a": {{json}}, "b": "{{host}}"}',
    '[swapctl] {{title}}',
    '{{title}}: {',
  ])
    assert.equal(whyNoTemplate(right), undefined, right);
  assert.throws(() => fillTemplate('{{nope}}', SUMMARY), SwapError);
});

test('whatever services are called, what was JSON stays JSON', () => {
  fc.assert(
    fc.property(anyCharacters, (service) => {
      const summary = summarizeRun({ services: [named(service, 'failed')] }, service);
      const { body } = fillTemplate('{"a": "{{failed}}", "b": "{{summary}}", "c": {{json}}}', summary);
      assert.equal(JSON.parse(body).a, service);
    }),
  );
});

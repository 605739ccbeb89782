import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../../../src/adapters/registry/challenge.ts';

const CASES: [string, string, ReturnType<typeof parseChallenges>][] = [
  [
    'Docker Hub',
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"',
    [
      {
        scheme: 'bearer',
        params: { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull' },
      },
    ],
  ],
  [
    'a comma within quotes',
    'Bearer scope="a,b", realm="x"',
    [{ scheme: 'bearer', params: { scope: 'a,b', realm: 'x' } }],
  ],
  ['escapes', 'Basic realm="say \\"hi\\" \\\\"', [{ scheme: 'basic', params: { realm: 'say "hi" \\' } }]],
  [
    'several schemes',
    'Negotiate, Basic realm=x , Bearer realm = "y"',
    [
      { scheme: 'negotiate', params: {} },
      { scheme: 'basic', params: { realm: 'x' } },
      { scheme: 'bearer', params: { realm: 'y' } },
    ],
  ],
  ['upper case', 'BASIC REALM="x"', [{ scheme: 'basic', params: { realm: 'x' } }]],
  ['the first of two with one name', 'Basic realm=a, realm=b', [{ scheme: 'basic', params: { realm: 'a' } }]],
  ['nothing', '', []],
  ['what is no challenge', '="x"', []],
  ['an end that is missing', 'Basic realm="x', [{ scheme: 'basic', params: {} }]],
  ['a name that every object has', 'Basic constructor=x', [{ scheme: 'basic', params: { constructor: 'x' } }]],
];

for (const [what, header, expected] of CASES)
  test(`a challenge: ${what}`, () => assert.deepEqual(parseChallenges(header), expected));

test('whatever comes is read to an end', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'Bearer ="\\,x\t') }), (header) => void parseChallenges(header)),
  );
});

test('what was written is read again', () => {
  const token = fc.string({ unit: fc.constantFrom(...'abcXYZ09-_.'), minLength: 1 });
  const params = fc.dictionary(
    token.map((name) => `k${name.toLowerCase()}`),
    fc.string({ unit: 'grapheme-ascii' }),
  );
  const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;
  fc.assert(
    fc.property(
      fc.array(fc.record({ scheme: token.map((name) => `s${name.toLowerCase()}`), params })),
      (challenges) => {
        const header = challenges
          .map(
            ({ scheme, params: given }) =>
              `${scheme} ${Object.entries(given)
                .map(([name, value]) => `${name}=${quoted(value)}`)
                .join(', ')}`,
          )
          .join(', ');
        assert.deepEqual(
          parseChallenges(header).map(({ scheme, params: read }) => ({ scheme, params: { ...read } })),
          challenges.map(({ scheme, params: given }) => ({ scheme, params: { ...given } })),
        );
      },
    ),
  );
});

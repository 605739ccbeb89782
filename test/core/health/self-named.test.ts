import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { selfNamedNote } from '../../../src/core/health/self-named.ts';
import type { Container } from '../../../src/core/model/container.ts';
import type { UserProbe } from '../../../src/core/settings/policy.ts';
import { container } from '../builders.ts';

function checked(test: string[], change: Partial<Container> = {}): Container {
  const networks = { front: { Aliases: ['studio', 'shop-studio-1'] } };
  return container({ name: 'shop-studio-1', networks, config: { Healthcheck: { Test: test } }, ...change });
}

suite('a health check that asks the container by its name', () => {
  const table: [string, Container, UserProbe | undefined, boolean][] = [
    ['by a URL', checked(['CMD', 'node', '-e', "fetch('http://studio:3000/api')"]), undefined, true],
    ['by a URL without a port', checked(['CMD-SHELL', 'curl -f https://u:p@Studio/ || exit 1']), undefined, true],
    ['by the name of the container', checked(['CMD', 'wget', '-qO-', 'http://shop-studio-1/']), undefined, true],
    ['by an option', checked(['CMD-SHELL', 'pg_isready -h studio -U studio']), undefined, true],
    ['by host and port', checked(['CMD', 'nc', '-z', 'studio', '3000']), undefined, true],
    ['by a setting', checked(['NONE']), { kind: 'cmd', command: 'curl http://studio/' }, true],
    [
      'not if it has that hostname',
      { ...checked(['CMD', 'wget', 'http://studio/']), config: hostname() },
      undefined,
      false,
    ],
    ['not if a setting replaces it', checked(['CMD', 'wget', 'http://studio/']), { kind: 'tcp', port: 80 }, false],
    ['not at its loopback address', checked(['CMD', 'wget', 'http://localhost:3000/studio']), undefined, false],
    [
      'not if the name is a program, a user or a part of one',
      checked(['CMD-SHELL', 'studio ping; x -U studio; wget //studio-db/']),
      undefined,
      false,
    ],
    ['not without a check', container(), undefined, false],
  ];
  function hostname(): Container['config'] {
    return { Hostname: 'studio', Healthcheck: { Test: ['CMD', 'wget', 'http://studio/'] } };
  }
  for (const [what, one, probe, noted] of table)
    test(what, () => {
      const note = selfNamedNote(one, probe);
      assert.equal(note !== undefined, noted, note);
      if (noted) assert.match(note ?? '', /asks (studio|shop-studio-1), and the old container has that name, too/);
    });
});

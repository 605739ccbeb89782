// The references that a push affects.

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseReference } from '../../../src/core/model/reference.ts';
import { parseTrack } from '../../../src/core/update/track.ts';
import type { PushedRepository } from '../../../src/core/webhooks/hint.ts';
import { concerns, isPushedTo } from '../../../src/core/webhooks/match.ts';

const push = (repository: string, ...tags: string[]): PushedRepository => ({ repository, tags });
const track = (text: string) => parseTrack(text, 'a test');
const DIGEST = `sha256:${'a'.repeat(64)}`;

suite('the repository of a push', () => {
  const table: [string, PushedRepository, string, boolean][] = [
    ['the same', push('ghcr.io/me/app'), 'ghcr.io/me/app:1', true],
    ['another one', push('ghcr.io/me/app'), 'ghcr.io/me/application:1', false],
    ['one below', push('ghcr.io/me/app'), 'ghcr.io/me/app/web:1', false],
    ['another host', push('ghcr.io/me/app'), 'quay.io/me/app:1', false],
    ['Docker Hub in short', push('docker.io/me/app'), 'me/app', true],
    ['Docker Hub in full', push('docker.io/me/app'), 'index.docker.io/me/app:1', true],
    ['an official image', push('docker.io/library/nginx'), 'nginx:1.27', true],
    ['by another name', { ...push('a.example/x'), also: ['b.example/y'] }, 'b.example/y:1', true],
    ['one below a project', { ...push('r.example/a/b'), below: true }, 'r.example/a/b/c/d:1', true],
    ['the project itself', { ...push('r.example/a/b'), below: true }, 'r.example/a/b:1', true],
    ['one beside a project', { ...push('r.example/a/b'), below: true }, 'r.example/a/bc:1', false],
  ];
  for (const [name, pushed, tracked, found] of table)
    test(name, () => assert.equal(isPushedTo(pushed, parseReference(tracked)), found));
});

suite('the tag of a push', () => {
  const table: [string, string[], string, string, boolean][] = [
    ['that is tracked', ['1.5'], 'app:1.5', 'digest', true],
    ['that is not tracked', ['1.6'], 'app:1.5', 'digest', false],
    ['latest, where none is written', ['latest'], 'app', 'digest', true],
    ['of which the sender says nothing', [], 'app:1.5', 'digest', true],
    ['among others', ['x', '1.5'], 'app:1.5', 'digest', true],
    ['that the policy allows', ['1.6.0'], 'app:1.5.0', 'minor', true],
    ['that the policy does not allow', ['2.0.0'], 'app:1.5.0', 'minor', false],
    ['that is older', ['1.4.0'], 'app:1.5.0', 'minor', false],
    ['that moved, with a policy', ['1.5.0'], 'app:1.5.0', 'minor', true],
    ['in a range', ['1.9.0'], 'app:1.5.0', '^1.4', true],
    ['with a policy that cannot compare: the check says so', ['1.6'], 'app:latest', 'minor', true],
    ['of who runs a fixed digest', ['1.5'], `app:1.5@${DIGEST}`, 'newest', false],
    ['of who runs a fixed digest, unsaid', [], `app@${DIGEST}`, 'digest', false],
  ];
  for (const [name, tags, tracked, policy, found] of table)
    test(name, () =>
      assert.equal(concerns(push('docker.io/library/app', ...tags), parseReference(tracked), track(policy)), found),
    );
});

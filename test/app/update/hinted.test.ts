// The services that a push affects, and why the others are not checked.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { dockerTarget } from '../../../src/app/target/docker.ts';
import { hintedServices } from '../../../src/app/update/hinted.ts';
import { NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { PushedRepository } from '../../../src/core/webhooks/hint.ts';
import { digest, type MadeUp, madeUp, NEW } from '../made-up.ts';

const ON = { 'swapctl.enable': 'true' };
const WANTED = { selectors: [], all: false, absent: true, overrides: {} };
const PUSH: PushedRepository = { repository: 'docker.io/library/app', tags: ['1'] };

async function checked(world: MadeUp, pushes = [PUSH], wanted: Partial<typeof WANTED> = {}): Promise<string[]> {
  const found = await hintedServices(world.ports, dockerTarget(world.ports), { ...WANTED, ...wanted, pushes });
  return found.map(({ service, checked: is, because }) => `${service} ${is ? 'checked' : because}`);
}

suite('a push concerns', () => {
  test('who tracks its repository and its tag, and is opted in', async () => {
    const world = madeUp();
    world.add('web', ON);
    world.add('full', ON, { image: 'index.docker.io/library/app:1' });
    world.add('other', ON, { image: 'other:1' });
    world.add('mirrored', ON, { image: 'mirror.example/app:1' });
    world.add('before', ON, { image: 'app:0' });
    world.add('pinned', ON, { image: `app@${digest('c')}` });
    world.add('silent');
    world.add('off', { 'swapctl.enable': 'false' });
    world.add('stopped', ON, { status: 'exited' });
    world.add('built', { ...ON, 'swapctl.build.git': 'https://git.example.org/me/shop.git' });
    world.add('wrong', { ...ON, 'swapctl.keep': 'x' });
    assert.deepEqual(await checked(world), [
      'before it does not track a tag that was pushed',
      'built it is built from a repository, not pulled from this registry',
      'full checked',
      'off it is not opted in: swapctl.enable is not true',
      'pinned it does not track a tag that was pushed',
      'silent it is not opted in: swapctl.enable is not true',
      'stopped stopped is not running (exited), so there is nothing to take over from',
      'web checked',
      'wrong label swapctl.keep: "x" is no count',
    ]);
  });

  test('services that the server watches by name, with any label', async () => {
    const world = madeUp();
    for (const name of ['a', 'b']) world.add(name);
    assert.deepEqual(await checked(world, [PUSH], { selectors: ['a'] as never }), [
      'a checked',
      'b it is not opted in: swapctl.enable is not true',
    ]);
    assert.deepEqual(await checked(world, [PUSH], { all: true }), ['a checked', 'b checked']);
  });

  test('who has a tag policy that allows one of its tags', async () => {
    const world = madeUp();
    world.add('minor', { ...ON, 'swapctl.track': 'minor' }, { image: 'app:1.4.0' });
    world.add('patch', { ...ON, 'swapctl.track': 'patch' }, { image: 'app:1.4.0' });
    const because = 'patch it does not track a tag that was pushed';
    assert.deepEqual(await checked(world, [{ ...PUSH, tags: ['1.5.0'] }]), ['minor checked', because]);
    assert.deepEqual(await checked(world, [{ ...PUSH, tags: [] }]), ['minor checked', 'patch checked']);
    const enable = { value: 'minor', where: 'swapctl.yml:3' };
    world.config = { ...NO_CONFIG, services: { patch: { track: enable } } };
    assert.deepEqual(await checked(world, [{ ...PUSH, tags: ['1.5.0'] }]), ['minor checked', because]);
  });

  test('services by the reference that swapctl noted for them', async () => {
    const world = madeUp();
    world.add('web', ON);
    world.becomes('web', NEW);
    assert.deepEqual(await checked(world), ['web checked']);
  });

  test('nobody, where nobody tracks its repository, and then no setting is read', async () => {
    const world = madeUp();
    world.add('web', { ...ON, 'swapctl.keep': 'x' }, { image: 'other:1' });
    assert.deepEqual(await checked(world), []);
  });
});

// A push to a registry of any kind, and the requests and output of `swapctl check` before and after it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import type { RegistryOptions } from '../../lab/registry.ts';
import { lab, point } from './registry-lab.ts';

/** Defines the test on a registry of that kind. */
export function checkSeesPush(options: RegistryOptions): void {
  test(`check sees a push, and nothing once it is rolled: ${JSON.stringify(options)}`, async (t) => {
    const { world, registry, env, push, start, asked } = await lab(t, options);
    const first = await push('1', 'stable');
    const web = await start('web', 'stable');
    await start('worker', 'stable');
    const check = (...args: string[]) => swapctl(['check', web, world.name('worker'), ...args], { env });

    const heads = options.login ? 2 : 1;
    const quiet = await asked(async () => {
      const { code, stdout, stderr } = await check();
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /current/);
    });
    assert.deepEqual(quiet, Array(heads).fill('HEAD /v2/team/app/manifests/stable'), 'one image, one question');

    const second = await push('2', 'stable');
    assert.notEqual(second, first);
    const seen = await check('--json');
    assert.equal(seen.code, 10, seen.stdout + seen.stderr);
    for (const line of seen.json()) {
      assert.equal(line.outcome, 'available', JSON.stringify(line));
      assert.equal(line.to.digest, second);
    }

    const rolled = await swapctl(['roll', web, world.name('worker')], { env });
    assert.equal(rolled.code, 0, rolled.stdout + rolled.stderr);
    const after = await asked(async () => assert.equal((await check()).code, 0));
    assert.deepEqual(after, Array(heads).fill('HEAD /v2/team/app/manifests/stable'));

    // A registry that flaps: the left image is not taken again unattended.
    await point(registry, 'stable', first);
    const back = await check('--json');
    assert.equal(back.code, 0);
    assert.deepEqual(new Set(back.json().map(({ outcome }: { outcome: string }) => outcome)), new Set(['held']));
  });
}

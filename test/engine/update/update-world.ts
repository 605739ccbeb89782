// What tests of `swapctl update` read from its answer, and from the containers.

import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceUpdate } from '../../../src/core/update/update.ts';
import { swapctl } from '../../lab/cli.ts';
import type { RegistryOptions } from '../../lab/registry.ts';
import { containerNames } from '../compose-app.ts';
import { type Lab, lab } from './registry-lab.ts';

/** Service and outcome of each line. */
export function outcomes(lines: readonly ServiceUpdate[]): Record<string, string> {
  return Object.fromEntries(lines.map(({ service, outcome }) => [service, outcome]));
}

/** The version of the app in a container; the only one of that name. */
export async function versionOf({ world }: Lab, name: string): Promise<string | undefined> {
  const names = await containerNames(world);
  assert.deepEqual(
    names.filter((one) => one === name || (one.startsWith(`${name}.`) && !one.includes('-failed-'))),
    [name],
  );
  const { State, Config } = await world.docker.getContainer(name).inspect();
  assert.ok(State.Running, `${name} runs`);
  return Config.Env.find((pair) => pair.startsWith('VERSION='))?.slice('VERSION='.length);
}

/** Defines the test on a registry of that kind. */
export function updateRollsPush(options: RegistryOptions): void {
  test(`update rolls what was pushed, and then only asks by HEAD: ${JSON.stringify(options)}`, async (t) => {
    const own = await lab(t, options);
    const { env, push, start, asked } = own;
    await push('1', 'stable');
    const [web, worker] = [await start('web', 'stable'), await start('worker', 'stable')];
    const update = (...args: string[]) => swapctl(['update', web, worker, ...args], { env });
    const second = await push('2', 'stable');

    const dry = await update('--dry-run', '--json');
    assert.equal(dry.code, 0, dry.stdout + dry.stderr);
    assert.deepEqual(outcomes(dry.json().services), { [web]: 'available', [worker]: 'available' });
    assert.equal(await versionOf(own, web), '1');

    const first = await update('--json');
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.deepEqual(outcomes(first.json().services), { [web]: 'updated', [worker]: 'updated' });
    for (const { to, report } of first.json().services) {
      assert.equal(to.digest, second);
      assert.equal(report.to.digest, second);
    }
    assert.deepEqual([await versionOf(own, web), await versionOf(own, worker)], ['2', '2']);

    const questions = await asked(async () => {
      const { code, stdout } = await update();
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^SERVICE +OUTCOME +FROM +TO +WHY$/m);
      assert.match(stdout, new RegExp(`^${web} +current `, 'm'));
    });
    const heads = options.login ? 2 : 1;
    assert.deepEqual(questions, Array(heads).fill('HEAD /v2/team/app/manifests/stable'));
  });
}

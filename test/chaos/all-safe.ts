// Many tries in one test: all of them must be safe.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { World } from '../lab/world.ts';
import { pooled, type Tried, tableOf } from './cell.ts';
import type { Try } from './tries.ts';

export const AT_ONCE = 4;

export async function tryAll(t: TestContext, world: World, tries: Try[]): Promise<Tried[]> {
  const tried: Tried[] = [];
  await pooled(tries, AT_ONCE, async (one) => void tried.push(...(await one.run(world))));
  assertAllSafe(t, tried);
  return tried;
}

export function assertAllSafe(t: TestContext, tried: readonly Tried[]): void {
  for (const line of tableOf(tried)) t.diagnostic(line);
  const unsafe = tried.flatMap((one) => (one.safe ? [] : [`${one.way}: ${one.fault} at ${one.moment}: ${one.why}`]));
  assert.deepEqual(unsafe, []);
}

// Each setup in memory, rolled by the shipped use cases without disturbance.
import test, { suite } from 'node:test';
import { courseOf } from './cell.ts';
import { SETUP_NAMES, SETUPS } from './setups.ts';

suite('undisturbed, a roll ends where it is to end, with somebody answering all the time, and leaves nothing behind', () => {
  for (const name of SETUP_NAMES)
    test(name, async (t) => {
      const calls = await courseOf(SETUPS[name]);
      t.diagnostic(`${calls.length} calls, of which ${calls.filter(({ changes }) => changes).length} change something`);
    });
});

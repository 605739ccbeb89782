// The promise many times in a row; SWAPCTL_TEST_LONG=1 for more of it.
import { rollsUnderLoad } from '../engine/rolls-under-load.ts';

const LONG = process.env.SWAPCTL_TEST_LONG === '1';

// A client that stalls on a busy machine may write to a kept connection in the moment in which the app ends it, which no roll
// can help: that is for a long run on a quiet machine.
for (const keepAlive of LONG ? ([false, 'mixed'] as const) : ([false] as const))
  rollsUnderLoad(LONG ? 10 : 3, keepAlive);

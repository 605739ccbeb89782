// The contract of the Clock port on both clocks; neither depends on the machine.
import test from 'node:test';
import { systemClock } from '../../src/adapters/host/clock.ts';
import { virtualClock } from '../memory/clock.ts';
import { BEGIN } from '../memory/machine.ts';
import { clockContract, NOT_MODELLED } from './clock.ts';
import { passing } from './passing.ts';

clockContract('virtual', (t) => {
  const clock = virtualClock(BEGIN);
  passing(t, clock);
  return clock;
});
clockContract("this machine's", systemClock);

test('what the virtual clock does not model is written down', (t) => {
  for (const line of NOT_MODELLED) t.diagnostic(`not modelled: ${line}`);
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { signalNumber } from '../../../../src/adapters/docker/engine/events.ts';

suite('the number of a signal', () => {
  for (const [name, number] of [
    ['SIGTERM', 15],
    ['QUIT', 3],
    ['sigint', 2],
    ['9', 9],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMAX-2', 62],
    ['SIGNONE', undefined],
  ] as const)
    test(`${name}: ${number}`, () => assert.equal(signalNumber(name), number));
});

// The ports of a process that holds a lock.
import assert from 'node:assert/strict';
import test from 'node:test';
import { guarded } from '../../../src/app/lock/guard.ts';
import type { TrafficDriver } from '../../../src/ports/traffic-driver.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { stageOf } from '../../matrix/stage.ts';

const signal = new AbortController().signal;

/** A driver of the kind that has its state in private fields. */
class Driver implements TrafficDriver {
  readonly #log: string[];

  constructor(log: string[]) {
    this.#log = log;
  }

  async facts(): Promise<never> {
    this.#log.push('facts');
    return assert.fail('no facts');
  }

  async route(): Promise<undefined> {
    this.#log.push('route');
  }

  async apply(): Promise<void> {
    this.#log.push('apply');
  }
}

test('a driver that is an object of a class is asked, and changes nothing before the lock is confirmed', async () => {
  const log: string[] = [];
  const { ports } = (await stageOf(SETUPS.told)).open();
  const confirm = async () => void log.push('confirm');
  const driver = guarded({ ...ports, proxies: () => new Driver(log) }, { confirm }).proxies('memory', 'edge');
  await driver.route('web', signal);
  await driver.apply('web', { kind: 'baseline' }, signal);
  assert.deepEqual(log, ['route', 'confirm', 'apply']);
});

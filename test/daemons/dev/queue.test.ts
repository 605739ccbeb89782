import assert from 'node:assert/strict';
import test from 'node:test';
import { queueOfOne } from '../../../src/daemons/dev/queue.ts';

/** Work that continues until it is ended. */
function slowWork() {
  const runs: (readonly string[])[] = [];
  const broken: unknown[] = [];
  let end = (_?: Error): void => {};
  const queue = queueOfOne<string>(
    (items) => {
      runs.push(items);
      return new Promise((resolve, reject) => {
        end = (error) => (error ? reject(error) : resolve());
      });
    },
    (error) => broken.push(error),
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const ended = (error?: Error) => {
    end(error);
    return turn();
  };
  return { queue, runs, broken, end: ended };
}

test('one runs at a time, and whatever is asked for meanwhile makes for exactly one more', async () => {
  const { queue, runs, end } = slowWork();
  queue.ask('first');
  for (let at = 0; at < 2000; at++) queue.ask(`file-${at}`);
  assert.deepEqual(runs, [['first']]);
  await end();
  assert.deepEqual(
    runs.map((items) => items.length),
    [1, 2000],
  );
  queue.ask('again');
  await end();
  await end();
  await queue.idle();
  assert.deepEqual(runs.slice(2), [['again']]);
});

test('what is raised is told once, and the next that is asked for is done', async () => {
  const { queue, runs, broken, end } = slowWork();
  queue.ask('a');
  queue.ask('b');
  await end(new Error('no'));
  assert.deepEqual(broken.map(String), ['Error: no']);
  queue.ask('c');
  await end();
  await queue.idle();
  assert.deepEqual(runs, [['a'], ['c']]);
});

import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { type Connection, stateOf, watchConnections } from '../../../src/core/traffic/connections.ts';

/** A connection with a request that was answered a minute ago. */
function connection(change: Partial<Connection> = {}): Connection {
  const silent = { sinceSent: 60_000, sinceReceived: 60_010, sinceAck: 59_960 };
  return { ends: 'a', queued: 0, unacked: 0, sent: 100, received: 50, roundTrip: 1, ...silent, ...change };
}

suite('what the kernel tells of one connection', () => {
  const table: [string, Partial<Connection>, ReturnType<typeof stateOf>][] = [
    ['the app sent last', {}, 'answered'],
    ['the client sent last', { sinceReceived: 59_990 }, 'asked'],
    ['the client takes less than the app writes', { queued: 10 }, 'asked'],
    [
      'the client has not acknowledged an answer of just now',
      { unacked: 10, sinceSent: 30, sinceReceived: 31 },
      'answered',
    ],
    ['the same in one tick', { unacked: 10, sinceSent: 30, sinceReceived: 30, sinceAck: 30 }, 'answered'],
    ['the client does not acknowledge', { unacked: 10, sinceSent: 300 }, 'asked'],
    ['no data yet', { sent: 0, received: 0 }, 'unused'],
    ['a first request without an answer', { sent: 0, sinceReceived: 60_000 }, 'asked'],
    ['a greeting of the app', { received: 0 }, 'answered'],
    ['both in one tick, and the client acknowledged the answer later', { sinceReceived: 60_000 }, 'answered'],
    ['both in one tick, and nothing after', { sinceReceived: 60_000, sinceAck: 60_000 }, 'unclear'],
    ['both in one tick, and a keep-alive probe long after', { sinceReceived: 60_000, sinceAck: 45_000 }, 'unclear'],
  ];
  for (const [name, change, state] of table)
    test(`${name}: ${state}`, () => assert.equal(stateOf(connection(change)), state));
});

suite('what a drain waits for at its first look', () => {
  const table: [string, Partial<Connection>, boolean][] = [
    ['a kept connection that is silent', {}, false],
    ['a spare one that never carried data', { sent: 0, received: 0 }, false],
    ['a new one whose request is on its way', { sent: 0, received: 0, sinceSent: 20, sinceReceived: 20 }, true],
    ['a request under way for long', { sinceReceived: 50_000 }, true],
    ['a request that has just come', { sinceReceived: 1 }, true],
    ['an answer that may go on', { sinceSent: 100, sinceReceived: 200, sinceAck: 100 }, true],
    ['a download', { queued: 90_000, sinceSent: 2 }, true],
    ['a stream of events', { sinceSent: 300, sinceAck: 260 }, true],
    ['a stream that rests', { sinceSent: 700, sinceAck: 660 }, false],
    ['one tick, a second ago', { sinceSent: 1000, sinceReceived: 1000, sinceAck: 1000 }, true],
    ['one tick, three seconds ago', { sinceSent: 3000, sinceReceived: 3000, sinceAck: 3000 }, false],
  ];
  for (const [name, change, waits] of table)
    test(`${name}: ${waits ? 'yes' : 'no'}`, () => {
      assert.equal(watchConnections()([connection(change)], 0).waitedFor.length, waits ? 1 : 0);
    });
});

suite('what rests at the last call', () => {
  const table: [string, Partial<Connection>, boolean][] = [
    ['a kept connection that is silent', {}, true],
    ['a spare one that never carried data', { sent: 0, received: 0 }, true],
    ['a new one whose request is on its way', { sent: 0, received: 0, sinceSent: 30, sinceReceived: 30 }, false],
    ['a request under way', { sinceReceived: 50_000 }, false],
    ['one tick, and nothing after', { sinceReceived: 60_000, sinceAck: 60_000 }, true],
    ['one tick, and nothing after, just now', { sinceSent: 10, sinceReceived: 10, sinceAck: 10 }, false],
    ['an answer that may not have arrived', { unacked: 9, sinceSent: 30, sinceReceived: 31, roundTrip: 40 }, false],
    ['a stream of events', { sinceSent: 300, sinceAck: 260 }, false],
  ];
  for (const [name, change, rests] of table)
    test(`${name}: ${rests ? 'yes' : 'no'}`, () => {
      assert.deepEqual(watchConnections()([connection(change)], 0).resting, rests ? ['a'] : []);
    });

  const inside: [string, number][] = [
    ['127.0.0.1:6379 127.0.0.1:40000', 0],
    ['[::ffff:127.0.0.1]:9000 [::ffff:127.0.0.1]:40000', 0],
    ['[::1]:9000 [::1]:40000', 0],
    ['172.17.0.2:9000 172.17.0.2:40000', 0],
    ['172.17.0.2:9000 172.17.0.1:40000', 1],
    ['[::ffff:172.17.0.2]:9000 [::ffff:172.17.0.1]:40000', 1],
    ['[fd00::2]:9000 [fd00::1]:40000', 1],
  ];
  for (const [ends, count] of inside)
    test(`${ends}: ${count === 1 ? 'yes' : 'no, both ends are in the container'}`, () => {
      const { open, fromOutside, resting } = watchConnections()([connection({ ends })], 0);
      assert.deepEqual([open, fromOutside, resting.length], [1, count, count]);
    });

  test('an answer that has arrived and is to be acknowledged with the next request', () => {
    const watch = watchConnections();
    watch([connection()], 0);
    const answered = { received: 60, unacked: 10, sinceSent: 30, sinceReceived: 31, sinceAck: 31 };
    assert.deepEqual(watch([connection(answered)], 50).resting, ['a']);
  });

  test('one short request after the other: between two of them only', () => {
    const watch = watchConnections();
    watch([connection()], 0);
    const next = { received: 60, sent: 120 };
    const answered = (forMs: number) => ({ ...next, sinceReceived: forMs + 10, sinceSent: forMs, sinceAck: forMs - 5 });
    const looks = [{ ...next, sinceReceived: 10 }, answered(10), answered(30)];
    const resting = looks.map((change, number) => watch([connection(change)], 50 + number * 10).resting.length);
    assert.deepEqual(resting, [0, 0, 1]);
  });
});

/** True for each observation at which the drain waits; they are 150 ms apart. */
function watched(...looks: Partial<Connection>[]): boolean[] {
  const watch = watchConnections();
  return looks.map((change, number) => watch([connection(change)], number * 150).waitedFor.length > 0);
}

suite('what it waits for look by look', () => {
  const answered = { sinceSent: 10, sinceReceived: 12, sinceAck: 10 };
  const asked = { sinceSent: 20, sinceReceived: 1, sinceAck: 1 };

  test('a client that asks again and again is not waited for, whether or not a short request is under way', () => {
    const looks = watched(
      { ...answered, received: 100 },
      { ...answered, received: 200 },
      { ...asked, received: 300 },
      { ...answered, received: 400 },
    );
    assert.deepEqual(looks, [true, false, false, false]);
  });

  test('a long request after short ones is waited for to its end', () => {
    const looks = watched(
      { ...answered, received: 100 },
      { ...answered, received: 200 },
      { sinceReceived: 140, sinceSent: 160, sinceAck: 140, received: 300 },
      { sinceReceived: 590, sinceSent: 610, sinceAck: 590, received: 300 },
      { sinceReceived: 9000, sinceSent: 9020, sinceAck: 9000, received: 300 },
      { sinceReceived: 9700, sinceSent: 600, sinceAck: 560, received: 300 },
    );
    assert.deepEqual(looks, [true, false, false, true, true, false]);
  });

  test('an upload on a kept connection is waited for, although it never stands still', () => {
    const uploads = [1, 2, 3, 4, 5].map((part) => ({ ...asked, received: 1000 * part }));
    assert.deepEqual(watched(answered, ...uploads), [true, false, false, false, true, true]);
  });

  test('a download is waited for, whatever the client does meanwhile', () => {
    const parts = [1, 2, 3].map((part) => ({ sinceSent: 1, sinceReceived: 1000 + part * 150, sent: part * 5000 }));
    assert.deepEqual(watched(...parts), [true, true, true]);
  });

  test('a new connection is waited for only once its request lasts', () => {
    const watch = watchConnections();
    const looks = [
      [],
      [{ sent: 0, received: 0, sinceSent: 9, sinceReceived: 9 }],
      [asked],
      [{ sinceReceived: 600, sinceSent: 700 }],
    ];
    const waits = looks.map((seen, number) => watch(seen.map(connection), number * 150).waitedFor.length > 0);
    assert.deepEqual(waits, [false, false, false, true]);
  });

  test('another connection of the same client at the same port is a new one', () => {
    const looks = watched({ sinceReceived: 50_000, received: 5000 }, { ...answered, received: 60 });
    assert.deepEqual(looks, [true, false]);
  });
});

suite('the moment for the stop', () => {
  const calm = (...seen: Partial<Connection>[]) => watchConnections()(seen.map(connection), 0).calm;

  test('is there when the app has answered everybody', () => assert.equal(calm({}, { sinceSent: 1 }), true));
  test('is not while a request is under way', () => assert.equal(calm({}, { sinceReceived: 5 }), false));
  test('is not while a new connection waits for its first request', () => {
    assert.equal(calm({ sent: 0, received: 0, sinceSent: 3, sinceReceived: 3 }), false);
  });
});

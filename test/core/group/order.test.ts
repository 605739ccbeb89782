// The order of a roll on several hosts, as a property of every possible course.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { type HostState, type Move, nextMove } from '../../../src/core/group/order.ts';
import { ON_FAILURE } from '../../../src/core/inventory/inventory.ts';

const ENDS = ['rolled', 'rolled', 'rolled', 'unchanged', 'failed', 'attention'] as const;

interface Course {
  readonly hosts: number;
  readonly bakeMs: number;
  readonly atOnce: number;
  readonly onFailure: (typeof ON_FAILURE)[number];
  /** The end of each host's turn. */
  readonly ends: readonly (typeof ENDS)[number][];
  readonly sick: boolean;
  /** The number of moves before the interruption. */
  readonly stopAfter: number;
  readonly backFails: boolean;
}

const courses: fc.Arbitrary<Course> = fc.record({
  hosts: fc.integer({ min: 1, max: 7 }),
  bakeMs: fc.constantFrom(0, 1000),
  atOnce: fc.integer({ min: 1, max: 4 }),
  onFailure: fc.constantFrom(...ON_FAILURE),
  ends: fc.array(fc.constantFrom(...ENDS), { minLength: 7, maxLength: 7 }),
  sick: fc.boolean(),
  stopAfter: fc.integer({ min: 0, max: 12 }),
  backFails: fc.boolean(),
});

function played(course: Course): { moves: Move[]; states: Map<string, HostState> } {
  const states = new Map<string, HostState>();
  for (let at = 0; at < course.hosts; at++) states.set(`web${at}`, 'waiting');
  const finished: string[] = [];
  const moves: Move[] = [];
  let baked = false;
  for (;;) {
    const stopped = moves.length >= course.stopAfter;
    const move = nextMove(course, { states, finished, baked, stopped });
    if (move.kind === 'end') return { moves, states };
    moves.push(move);
    assert.ok(moves.length < 40, 'it ends');
    if (move.kind === 'roll')
      for (const host of move.hosts) {
        assert.equal(states.get(host), 'waiting', 'no host has two turns');
        const end = course.ends[Number(host.slice(3))] ?? 'rolled';
        states.set(host, end);
        if (end === 'rolled') finished.push(host);
      }
    if (move.kind === 'bake') {
      baked = true;
      if (course.sick) states.set(move.host, 'sick');
    }
    if (move.kind === 'back') {
      const wasSick = states.get(move.host) === 'sick';
      assert.ok(wasSick || states.get(move.host) === 'rolled', 'only a rolled host goes back');
      states.set(move.host, course.backFails ? 'attention' : wasSick ? 'failed' : 'back');
    }
  }
}

const property = (check: (course: Course, end: ReturnType<typeof played>) => void): void =>
  fc.assert(
    fc.property(courses, (course) => check(course, played(course))),
    { numRuns: 2000 },
  );

suite('whatever happens', () => {
  test('the canary host is alone first, and nobody follows before it is rolled and baked', () => {
    property(({ bakeMs, hosts }, { moves }) => {
      const [first, second] = moves;
      if (!first) return;
      assert.deepEqual(first, { kind: 'roll', hosts: ['web0'] });
      if (bakeMs > 0 && hosts > 1 && second?.kind === 'roll') assert.fail('the others followed without a bake');
    });
  });

  test('no more hosts are rolled at once than allowed', () => {
    property(({ atOnce }, { moves }) => {
      for (const move of moves) if (move.kind === 'roll') assert.ok(move.hosts.length <= atOnce);
    });
  });

  test('after a failure no host is begun any more', () => {
    property((course, { moves }) => {
      const bad = moves.findIndex(
        (move) =>
          (move.kind === 'bake' && course.sick) ||
          (move.kind === 'roll' &&
            move.hosts.some((host) => ['failed', 'attention'].includes(course.ends[Number(host.slice(3))] ?? ''))),
      );
      if (bad < 0) return;
      assert.ok(moves.slice(bad + 1).every(({ kind }) => kind === 'back'));
    });
  });

  test('hosts go back in reverse order, all of them, and only if that is wanted or the canary is sick', () => {
    property((course, { moves, states }) => {
      const backs = moves.flatMap((move) => (move.kind === 'back' ? [move.host] : []));
      const sick = moves.some(({ kind }) => kind === 'bake') && course.sick;
      if (course.onFailure === 'halt') assert.deepEqual(backs, sick ? ['web0'] : []);
      const rolled = moves.flatMap((move) => (move.kind === 'roll' ? move.hosts : []));
      const order = backs.map((host) => rolled.indexOf(host));
      assert.deepEqual(
        order,
        [...order].sort((a, b) => b - a),
      );
      const left = [...states.values()];
      if (course.onFailure === 'back' && left.includes('failed') && !left.includes('attention'))
        assert.ok(!left.includes('rolled'), JSON.stringify(left));
    });
  });

  test('a host that needs attention ends everything at once', () => {
    property((course, { moves }) => {
      const at = moves.findIndex(
        (move) =>
          (move.kind === 'roll' && move.hosts.some((host) => course.ends[Number(host.slice(3))] === 'attention')) ||
          (move.kind === 'back' && course.backFails),
      );
      if (at >= 0) assert.equal(moves.length, at + 1);
    });
  });

  test('without failure and interruption every host has its turn', () => {
    property((course, { states }) => {
      const undisturbed =
        course.stopAfter === 12 && !course.sick && course.ends.every((end) => end === 'rolled' || end === 'unchanged');
      if (undisturbed) assert.ok(![...states.values()].includes('waiting'));
    });
  });
});

// The planner on observations without a history: it decides sensibly on each, and comes to an end.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Wanted } from '../../../src/core/proxy/route.ts';
import { simulate } from '../../../src/core/rollout/expected.ts';
import { violation } from '../../../src/core/rollout/invariants.ts';
import type { Backup, Desired, Observed, Replica, SeenRoute } from '../../../src/core/rollout/observed.ts';
import { plan } from '../../../src/core/rollout/plan.ts';
import {
  desired,
  failure,
  HEALTHY,
  NAMES,
  observed,
  PORT_TAKEN,
  ROLL,
  replica,
  UNHEALTHY,
  UNSTARTED,
  WAITING,
} from '../builders.ts';

const RUNS = Number(process.env.SWAPCTL_PROPERTY_RUNS ?? 2000);
// More than the longest roll with its undo.
const MOST_STEPS = 60;

const some = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
const IMAGES = ['sha256:old', 'sha256:new', 'sha256:other'];
const ROLLS = [ROLL, 'another-roll'];
const ROLES = ['incumbent', 'candidate', 'rehearsal', 'standIn'] as const;

function replicas(role: (typeof ROLES)[number]): fc.Arbitrary<Replica> {
  const names = {
    incumbent: [NAMES.slotName, NAMES.old, 'elsewhere'],
    candidate: [NAMES.next, NAMES.slotName],
    rehearsal: [NAMES.rehearsal],
    standIn: [NAMES.standIn],
  };
  const made = role !== 'incumbent';
  return fc
    .record({
      name: fc.constantFrom(...names[role]),
      imageId: fc.constantFrom(...IMAGES),
      state: fc.constantFrom('unstarted', 'refused', 'waiting', 'healthy', 'settled', 'sick', 'exited'),
      starts: fc.nat({ max: 3 }),
      complete: fc.boolean(),
      drained: fc.boolean(),
      shut: fc.boolean(),
      missingFiles: fc.constantFrom([], ['/run/secrets/key']),
      autoRemove: fc.boolean(),
      roll: made ? fc.constantFrom(...ROLLS) : some(fc.constantFrom(...ROLLS)),
      way: some(fc.constantFrom('start-first' as const, 'stop-first' as const, 'handover' as const)),
      tagBefore: some(fc.constantFrom(...IMAGES)),
      imageBefore: some(fc.constantFrom(...IMAGES)),
      restart: fc.constantFrom({ Name: 'no' }, { Name: 'always' }, { Name: 'unless-stopped' }),
      held: some(fc.constant({ Name: 'always' })),
      startedAt: fc.integer({ min: 1, max: 9 }),
      saves: fc.constantFrom([], ['data']),
      fillFrom: some(fc.constantFrom(...ROLLS)),
    })
    .map(({ state, startedAt, ...facts }) => {
      const verdicts = {
        unstarted: UNSTARTED,
        refused: PORT_TAKEN,
        waiting: WAITING,
        healthy: HEALTHY,
        settled: HEALTHY,
        sick: UNHEALTHY,
        exited: UNHEALTHY,
      };
      const started = state !== 'unstarted' && state !== 'refused';
      return replica({
        ...facts,
        id: role,
        current: facts.imageId === 'sha256:new',
        running: ['waiting', 'healthy', 'settled', 'sick'].includes(state),
        startedAt: started ? startedAt : 0,
        verdict: verdicts[state],
        settled: state === 'settled',
        replaces: role === 'candidate' ? 'incumbent' : undefined,
        saves: role === 'candidate' ? facts.saves : [],
        fillFrom: role === 'candidate' ? facts.fillFrom : undefined,
        ...(facts.autoRemove ? { restart: { Name: 'no' } } : {}),
      });
    });
}

const backups: fc.Arbitrary<Backup[]> = fc.uniqueArray(
  fc
    .record({
      roll: fc.constantFrom(...ROLLS, 'older-roll'),
      madeAt: fc.integer({ min: 1, max: 9 }),
      image: fc.constantFrom(...IMAGES),
    })
    .map(({ roll, madeAt, image }) => ({
      id: `backup-${roll}`,
      name: `web.swapctl-backup-${roll}`,
      roll,
      at: String(madeAt),
      madeAt,
      image,
      copies: [{ volume: 'data', copy: `copy-${roll}`, bytes: 1, files: 1 }],
    })),
  { maxLength: 3, selector: ({ roll }) => roll },
);

// The same for a planner behind a proxy.
const PROXY = { name: 'nginx:edge', route: 'web', holdMs: 10_000, canary: { percent: 10, ms: 60_000 } };

const observations: fc.Arbitrary<Observed> = fc
  .record({
    incumbent: some(replicas('incumbent')),
    candidate: some(replicas('candidate')),
    rehearsal: fc.option(replicas('rehearsal'), { nil: undefined, freq: 1 }),
    rehearsed: fc.boolean(),
    startChecks: fc.subarray(['first' as const, 'last' as const]),
    standIn: some(replicas('standIn')),
    portRedirect: fc.constantFrom(
      'none' as const,
      'shared' as const,
      'expiring' as const,
      'lasting' as const,
      'over' as const,
    ),
    forwards: fc.boolean(),
    addressRedirects: fc.array(
      fc.record({
        from: fc.constantFrom(...ROLES),
        to: fc.constantFrom(...ROLES),
        state: fc.constantFrom('leads' as const, 'over' as const),
        percent: fc.constantFrom(undefined, undefined, 10, 90),
      }),
      { maxLength: 3 },
    ),
    gates: fc.boolean(),
    failures: fc.array(
      fc.constantFrom(failure(), failure({ name: 'f2', roll: ROLL }), failure({ name: 'f3', image: 'sha256:other' })),
      { maxLength: 2 },
    ),
    dependents: fc.constantFrom(
      [],
      [{ name: 'sidecar', on: 'incumbent', inside: true }],
      [{ name: 'sidecar', on: 'candidate', inside: true }],
      [{ name: 'sidecar', on: 'gone', inside: true }],
    ),
    taggedImage: some(fc.constantFrom(...IMAGES)),
    incumbentKept: fc.boolean(),
    vanished: fc.nat({ max: 4 }),
    removedByUser: fc.nat({ max: 4 }),
    watched: fc.subarray(['candidate', 'standIn']),
    giveUp: fc.constantFrom(undefined, new SwapError('interrupted', 'interrupted')),
    backups,
    halfCopied: fc.constantFrom(undefined, { id: 'half', name: NAMES.copying, copies: ['copy-x'] }),
    looseCopies: fc.constantFrom([], [{ copy: 'copy-x', at: '0' }]),
    restored: fc.constantFrom([], [`backup-${ROLL}`]),
    hooks: fc.record({
      due: fc.constantFrom([], ['signal SIGHUP nginx']),
      failed: fc.constantFrom(undefined, new SwapError('step-failed', 'the hook failed')),
    }),
  })
  .map((change) => observed({ ...change, failures: [...new Set(change.failures)] }))
  .map(withOneName)
  .chain((seen) => fc.option(routesOf(seen), { nil: undefined }).map((route) => ({ ...seen, route })));

// Only a running container has an address.
function routesOf({ incumbent, candidate }: Observed): fc.Arbitrary<SeenRoute> {
  const running = [incumbent, candidate].flatMap((one) => (one?.running ? [one.id] : []));
  const addresses = Object.fromEntries(running.map((id) => [id, `${id}:80`]));
  const state = fc.constantFrom('off' as const, 'ready' as const, 'draining' as const);
  const servers = fc.uniqueArray(
    fc.record({ address: fc.constantFrom('incumbent:80', 'candidate:80', 'gone:80'), state, weight: fc.constant(1) }),
    { minLength: 1, selector: ({ address }) => address },
  );
  const overlay = fc
    .record({ roll: fc.constantFrom(...ROLLS), servers, held: fc.boolean() })
    .map(
      ({ held, ...one }): Wanted => (held ? { kind: 'held', longestMs: 1000, ...one } : { kind: 'servers', ...one }),
    );
  const other = fc.constantFrom([], [{ address: 'other:80', fit: true }], [{ address: 'other:80', fit: false }]);
  return fc
    .record({
      wanted: fc.oneof(fc.constant<Wanted>({ kind: 'baseline' }), overlay),
      others: other,
      foreign: rarely,
    })
    .map((one) => ({ ...one, addresses, servers: one.wanted.kind === 'baseline' ? [] : one.wanted.servers }));
}

const rarely = fc.integer({ min: 0, max: 9 }).map((number) => number === 0);

// No two containers of an engine have the same name.
function withOneName(seen: Observed): Observed {
  return seen.candidate && seen.candidate.name === seen.incumbent?.name
    ? { ...seen, candidate: { ...seen.candidate, name: NAMES.next } }
    : seen;
}

const wishes: fc.Arbitrary<Desired> = fc
  .record({
    strategy: fc.constantFrom('start-first' as const, 'stop-first' as const, 'handover' as const),
    rehearse: fc.boolean(),
    force: fc.boolean(),
    recoveryOnly: fc.boolean(),
    back: fc.boolean(),
    checksStart: fc.boolean(),
    volumes: fc.constantFrom([], ['data']),
    keep: fc.nat({ max: 2 }),
    isShared: fc.boolean(),
  })
  .map(({ strategy, rehearse, volumes, keep, isShared, ...wish }) =>
    desired({
      ...wish,
      ...(isShared ? { canary: PROXY.canary } : { proxy: PROXY }),
      choice:
        volumes.length > 0
          ? { strategy: 'stop-first', rehearse: false, because: 'a test' }
          : { strategy, rehearse, because: 'a test' },
      backup: { volumes, keep, fillFrom: undefined },
    }),
  );

test('whatever was observed, the planner comes to an end: as wished, with a refusal, or before a step that would break a promise', (t) => {
  const tally = new Map<string, number>();
  const count = (ending: string) => void tally.set(ending, (tally.get(ending) ?? 0) + 1);
  const property = fc.property(wishes, observations, (wish, first) => {
    let seen = first;
    const trace: string[] = [];
    for (let steps = 0; ; steps++) {
      const decision = plan(wish, seen);
      if (decision.kind !== 'act') {
        return count(decision.kind);
      }
      trace.push(JSON.stringify(decision.step));
      assert.ok(steps < MOST_STEPS, `no end:\n${trace.slice(-12).join('\n')}`);
      // An observation without a history may have no good exit: then the runner stops before the step (rollout/loop.ts), and reports it.
      const broken = violation(seen, decision.step);
      if (broken !== undefined) return count(`stopped: ${broken}`);
      // As in the runner (rollout/loop.ts).
      if (decision.undoing) seen = { ...seen, giveUp: seen.giveUp ?? decision.undoing };
      seen = simulate(wish, seen, decision.step);
    }
  });
  fc.assert(property, { numRuns: RUNS, includeErrorInReport: true });
  t.diagnostic([...tally].map(([ending, times]) => `${ending} ${times}`).join(', '));
  assert.ok((tally.get('converged') ?? 0) > RUNS / 20, 'many end as wished');
});

// Random services, and random faults, for fast-check.
import fc from 'fast-check';
import type { Failure } from '../memory/process.ts';
import type { Trouble } from './cell.ts';
import { ACTION_NAMES } from './people.ts';
import type { Setup } from './setups.ts';

const anySetup: fc.Arbitrary<
  Omit<Setup, 'bringsCheck' | 'hooked' | 'keptMs' | 'proxied' | 'told' | 'lacking' | 'holds' | 'canary'>
> = fc.record({
  strategy: fc.constantFrom('start-first', 'stop-first', 'handover'),
  published: fc.boolean(),
  replicas: fc.constantFrom(1, 1, 2),
  autoRemove: fc.boolean(),
  restart: fc.constantFrom('always', 'unless-stopped', 'on-failure', 'no'),
  volume: fc.boolean(),
  copies: fc.boolean(),
  keep: fc.constantFrom(0, 1, 2),
  mate: fc.boolean(),
  files: fc.boolean(),
  health: fc.constantFrom('http', 'check', 'none'),
  bad: fc.constantFrom(undefined, undefined, 'ends', 'sick', 'missing'),
  command: fc.constantFrom('roll', 'roll', 'rollback', 'update', 'rollback with volumes'),
  remembered: fc.boolean(),
  kernel: fc.boolean(),
  rehearsal: fc.boolean(),
  busyMs: fc.constantFrom(0, 0, 400),
});

/** Valid services, whose requested strategy is possible. */
export const setups: fc.Arbitrary<Setup> = anySetup.map((asked) => {
  const { copies } = asked;
  // After an update of several replicas that was undone, the image counts as left: the next update holds it.
  const replicas = asked.command === 'update' ? 1 : asked.replicas;
  const strategy = copies || (replicas === 2 && asked.strategy === 'handover') ? 'stop-first' : asked.strategy;
  const autoRemove = asked.autoRemove && !copies && strategy !== 'handover' && asked.command !== 'rollback';
  const back = asked.command.startsWith('rollback');
  const command = asked.command === 'rollback with volumes' && !copies ? 'rollback' : asked.command;
  return {
    ...asked,
    keptMs: asked.busyMs,
    hooked: asked.files,
    replicas,
    strategy,
    autoRemove,
    command,
    published: strategy === 'handover' || (strategy === 'stop-first' && asked.published && replicas === 1),
    bringsCheck: false,
    told: !asked.rehearsal,
    lacking: {},
    holds: asked.remembered,
    canary: asked.kernel && strategy !== 'stop-first' && (asked.rehearsal || strategy === 'start-first'),
    proxied: asked.health === 'check' && strategy !== 'stop-first',
    restart: autoRemove ? 'no' : asked.restart,
    volume: copies || (asked.volume && strategy === 'stop-first'),
    keep: command === 'rollback with volumes' ? 2 : asked.keep,
    mate: asked.mate && !autoRemove && !copies && replicas === 1,
    kernel: asked.kernel || strategy === 'handover',
    // An update waits for a while after a failed roll.
    remembered: asked.remembered && command !== 'update',
    bad: back ? undefined : asked.bad,
    health: asked.bad === 'sick' && asked.health === 'none' ? 'check' : asked.health,
  };
});

const FAILURES: readonly Failure[] = [404, 409, 500, 'cut before', 'answer lost', 'timeout', 'disk full'];

// A roll makes between 80 and 400 calls. Shrinking tries earlier ones.
const at = fc.integer({ min: 1, max: 300 });

/** Faults at a random call. */
export const troubles: fc.Arbitrary<Trouble> = fc.oneof(
  fc.record({
    kind: fc.constant('kill' as const),
    at,
    when: fc.constantFrom('before', 'after', 'answer lost'),
    by: fc.constantFrom('recover', 'roll', 'waiting'),
    again: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant('fault' as const), at, how: fc.constantFrom(...FAILURES) }),
  fc.record({ kind: fc.constant('person' as const), at, action: fc.constantFrom(...ACTION_NAMES) }),
  fc.record({ kind: fc.constant('interrupt' as const), at }),
);

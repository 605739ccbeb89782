// The verdict on any service with any tasks never reports a false success or a false return.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { TASK_STATES, type UpdateState } from '../../../src/core/swarm/model.ts';
import { failuresOf, isServing, isWanted, judgeBack, judgeRoll } from '../../../src/core/swarm/verdict.ts';
import { NEW, OLD, service, task } from './builders.ts';

const AIM = { from: OLD, to: NEW, since: 100 };
const IMAGES = fc.constantFrom(OLD, NEW, 'app:3');
const STATES: UpdateState[] = [
  'updating',
  'paused',
  'completed',
  'rollback_started',
  'rollback_paused',
  'rollback_completed',
];

const tasks = fc.array(
  fc.record({
    slot: fc.integer({ min: 1, max: 3 }),
    image: IMAGES,
    state: fc.constantFrom(...TASK_STATES),
    desired: fc.constantFrom('ready', 'running', 'shutdown', 'remove'),
    createdAt: fc.constantFrom(50, 200),
  }),
  { maxLength: 8 },
);
const services = fc.record({
  image: IMAGES,
  replicas: fc.constantFrom(1, 2, 3),
  update: fc.option(
    fc.constantFrom(...STATES).map((state) => ({ state, startedAt: 100, message: '' })),
    { nil: undefined },
  ),
  updateConfig: fc
    .constantFrom('pause', 'continue', 'rollback')
    .map((failureAction) => ({ ...service({}).updateConfig, failureAction: failureAction as 'pause' })),
});

test('any service, any tasks', () => {
  fc.assert(
    fc.property(services, tasks, (of, some) => {
      const seen = { service: service(of), tasks: some.map((one) => task(one as never)) };
      const slots = (image: string): number =>
        new Set(seen.tasks.filter((one) => one.image === image && isServing(one)).map(({ slot }) => slot)).size;
      const only = (image: string): boolean => seen.tasks.filter(isWanted).every((one) => one.image === image);
      const redirectAddress = judgeRoll(seen, AIM);
      if (redirectAddress.kind === 'running') {
        assert.equal(seen.service.image, NEW);
        assert.ok(slots(NEW) >= of.replicas && only(NEW));
        assert.deepEqual(failuresOf(seen.tasks, AIM), []);
        assert.ok(of.update === undefined || of.update.state === 'completed');
      }
      if (redirectAddress.kind === 'taken')
        assert.ok(![OLD, NEW].includes(seen.service.image) || of.update?.state.startsWith('rollback'));
      if (redirectAddress.kind === 'failed' && redirectAddress.by === 'swarm') assert.equal(seen.service.image, OLD);
      const back = judgeBack(seen, AIM);
      if (back.kind === 'back') assert.ok(seen.service.image === OLD && slots(OLD) >= of.replicas && only(OLD));
    }),
    { numRuns: 1000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionText } from '../../../src/core/report/decision-text.ts';
import { expectedSteps, simulate } from '../../../src/core/rollout/expected.ts';
import { plan } from '../../../src/core/rollout/plan.ts';
import { candidate, desired, failure, handover, observed, replica, stopFirst, UNHEALTHY } from '../builders.ts';

test('a decision is one line with what was seen, the step and the reason', () => {
  const seen = observed({ incumbent: replica({ drained: true }), failures: [failure()] });
  assert.equal(
    decisionText('web', seen, plan(desired({ force: true }), seen)),
    'web: saw old container web healthy settled drained, 1 failed image; step: create web.swapctl-next from the new image; reason: there is no new container yet',
  );
  const failed = observed({ candidate: candidate({ running: true, startedAt: 3, verdict: UNHEALTHY }) });
  assert.match(
    decisionText('web', failed, plan(desired(), failed)),
    /new container web\.swapctl-next failed; step: record .*; reason: the roll is undone, since its health check says unhealthy$/,
  );
  const converged = observed({ incumbent: replica({ current: true }) });
  assert.match(decisionText('web', converged, plan(desired(), converged)), /; no step: nothing is left to do$/);
  assert.match(
    decisionText('web', observed(), plan(desired(), observed({ incumbent: undefined }))),
    /; no step: refused \(attention\): no container is left for web/,
  );
});

test('every step of every strategy has a reason', () => {
  for (const wish of [desired(), stopFirst(), handover()]) {
    let seen = observed({ redirectsAddresses: true, gates: true });
    for (const step of expectedSteps(wish, seen)) {
      const line = decisionText('web', seen, { kind: 'act', step });
      assert.match(line, /^web: saw [^\n]+; step: [^\n]+; reason: [^\n]{10,}$/);
      seen = simulate(wish, seen, step);
    }
  }
});

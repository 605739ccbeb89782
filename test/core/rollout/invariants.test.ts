import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { unrest, violation } from '../../../src/core/rollout/invariants.ts';
import type { Observed } from '../../../src/core/rollout/observed.ts';
import type { Step } from '../../../src/core/rollout/step.ts';
import { candidate, HEALTHY, healthyCandidate, NAMES, observed, replica, UNHEALTHY, WAITING } from '../builders.ts';

const retired = replica({ name: NAMES.old });
const stopped = replica({ name: NAMES.old, running: false });
const standIn = healthyCandidate({ id: 'stand-in', name: NAMES.standIn, settled: true });
const served = healthyCandidate({ name: NAMES.slotName });
const stop = (container: string): Step => ({ kind: 'stop', container, name: '' });
const remove = (container: string): Step => ({ kind: 'remove', container, name: '' });
const start = (container: string): Step => ({ kind: 'start', container, name: '' });
const rename = (container: string, to: string): Step => ({ kind: 'rename', container, name: '', to });

suite('no step may', () => {
  const table: [string, Observed, Step][] = [
    ['touch a container of others', observed(), stop('stranger')],
    [
      'create a third container',
      observed({ candidate: candidate() }),
      { kind: 'create', name: NAMES.next, strategy: 'start-first' },
    ],
    [
      'create a candidate without an incumbent',
      observed({ incumbent: undefined }),
      { kind: 'create', name: NAMES.next, strategy: 'start-first' },
    ],
    ['create a second stand-in', observed({ standIn }), { kind: 'create-stand-in', name: NAMES.standIn }],
    [
      'create an existing incumbent again',
      observed({ candidate: served }),
      { kind: 'recreate-old', name: NAMES.old, image: 'x' },
    ],
    ['stop the last one that runs', observed(), stop('old')],
    [
      'stop the incumbent for a candidate that is still starting',
      observed({ candidate: candidate({ running: true, verdict: WAITING }) }),
      stop('old'),
    ],
    [
      'stop the incumbent before the candidate has settled',
      observed({ incumbent: retired, candidate: served }),
      stop('old'),
    ],
    [
      'stop the old one of a handover that nobody stands in for',
      observed({ candidate: candidate({ strategy: 'handover' }) }),
      stop('old'),
    ],
    [
      'stop it before the ports are redirected without a time limit',
      observed({ candidate: candidate({ strategy: 'handover' }), standIn, portRedirect: 'expiring' }),
      stop('old'),
    ],
    [
      'stop an incumbent that the engine would start again',
      observed({ incumbent: { ...retired, restart: { Name: 'always' } }, candidate: { ...served, settled: true } }),
      stop('old'),
    ],
    [
      'stop an unhealthy one while no other runs',
      observed({ incumbent: stopped, candidate: { ...served, verdict: UNHEALTHY } }),
      stop('new'),
    ],
    ['start two that can’t run at once', observed({ candidate: candidate({ strategy: 'stop-first' }) }), start('new')],
    [
      'give the name to one that is not healthy',
      observed({ candidate: candidate({ running: true, verdict: WAITING }) }),
      rename('old', NAMES.old),
    ],
    [
      'give the name to one that can’t be reached',
      observed({ incumbent: retired, candidate: healthyCandidate({ shut: true }) }),
      rename('new', NAMES.slotName),
    ],
    [
      'remove a running incumbent',
      observed({ incumbent: retired, candidate: { ...served, settled: true }, incumbentKept: true }),
      remove('old'),
    ],
    [
      'remove an incumbent whose image is not retained',
      observed({ incumbent: stopped, candidate: { ...served, settled: true } }),
      remove('old'),
    ],
    [
      'remove the candidate before the incumbent serves',
      observed({ incumbent: stopped, candidate: candidate() }),
      remove('new'),
    ],
    ['remove what swapctl did not make', observed({ candidate: candidate({ roll: undefined }) }), remove('new')],
    [
      'redirect ports to a container that does not answer',
      observed({ standIn: { ...standIn, verdict: UNHEALTHY } }),
      { kind: 'cover', name: 'web', standIn: 'stand-in', lasting: true },
    ],
    [
      'end the redirect without a serving container',
      observed({
        incumbent: stopped,
        candidate: candidate({ strategy: 'handover' }),
        standIn,
        portRedirect: 'lasting',
      }),
      { kind: 'uncover', name: 'web' },
    ],
    ['stop the target of the port redirect', observed({ standIn, portRedirect: 'lasting' }), stop('stand-in')],
  ];
  for (const [name, seen, step] of table) test(name, () => assert.ok(violation(seen, step)));
});

suite('a step may', () => {
  const table: [string, Observed, Step][] = [
    [
      'stop the incumbent to make room',
      observed({
        incumbent: retired,
        candidate: candidate({ ...served, strategy: 'stop-first', running: false, verdict: { kind: 'unstarted' } }),
      }),
      stop('old'),
    ],
    [
      'stop the incumbent for a settled candidate',
      observed({ incumbent: retired, candidate: { ...served, settled: true } }),
      stop('old'),
    ],
    [
      'stop an unhealthy candidate to make room for the incumbent',
      observed({ incumbent: stopped, candidate: { ...served, strategy: 'stop-first', verdict: UNHEALTHY } }),
      stop('new'),
    ],
    [
      'stop the incumbent while the stand-in answers',
      observed({
        incumbent: retired,
        candidate: candidate({ name: NAMES.slotName, strategy: 'handover' }),
        standIn,
        portRedirect: 'lasting',
      }),
      stop('old'),
    ],
    ['start two beside each other', observed({ candidate: candidate() }), start('new')],
    ['remove the candidate when the incumbent serves', observed({ candidate: candidate() }), remove('new')],
    [
      'return ports to a healthy container',
      observed({ incumbent: stopped, candidate: { ...served, verdict: HEALTHY }, standIn, portRedirect: 'lasting' }),
      { kind: 'uncover', name: 'web' },
    ],
  ];
  for (const [name, seen, step] of table) test(name, () => assert.equal(violation(seen, step), undefined));
});

test('nothing is left when one container has the name, and nothing else is there', () => {
  assert.equal(unrest(observed()), undefined);
  assert.equal(unrest(observed({ incumbent: undefined, candidate: served })), undefined);
  for (const seen of [
    observed({ incumbent: undefined }),
    observed({ incumbent: retired }),
    observed({ incumbent: retired, candidate: served }),
    observed({ rehearsal: candidate() }),
    observed({ standIn }),
    observed({ portRedirect: 'lasting' }),
  ]) {
    assert.ok(unrest(seen));
  }
});

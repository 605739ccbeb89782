import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Server, Wanted } from '../../../src/core/proxy/route.ts';
import { expectedSteps } from '../../../src/core/rollout/expected.ts';
import { violation } from '../../../src/core/rollout/invariants.ts';
import type { Desired, Observed, SeenRoute } from '../../../src/core/rollout/observed.ts';
import { plan } from '../../../src/core/rollout/plan.ts';
import { hasSwitched } from '../../../src/core/rollout/route.ts';
import { describeStep, type Step } from '../../../src/core/rollout/step.ts';
import {
  candidate,
  desired,
  healthyCandidate,
  NAMES,
  observed,
  ROLL,
  replica,
  stopFirst,
  UNHEALTHY,
  WAITING,
} from '../builders.ts';

const OLD = '10.0.0.2:80';
const NEW = '10.0.0.3:80';
const OTHER = '10.0.0.4:80';
const PROXY = { name: 'nginx:edge', route: 'web', holdMs: 0 };
const server = (address: string, state: Server['state'] = 'ready'): Server => ({ address, state, weight: 1 });
const overlay = (...servers: Server[]): Wanted => ({ kind: 'servers', roll: ROLL, servers });
const BASELINE: Wanted = { kind: 'baseline' };
const PINNED = overlay(server(OLD));
const SWITCHED = overlay(server(NEW), server(OLD, 'draining'));

function route(wanted: Wanted, change: Partial<SeenRoute> = {}): SeenRoute {
  const servers = wanted.kind === 'baseline' ? [] : wanted.servers;
  return { wanted, servers, addresses: { old: OLD, new: NEW }, others: [], foreign: false, ...change };
}

const told = (change: Partial<Desired> = {}): Desired => desired({ proxy: PROXY, ...change });

function next(seen: Observed, wish: Desired = told()): Step | string {
  const decision = plan(wish, seen);
  if (decision.kind !== 'act') return decision.kind === 'refuse' ? decision.error.code : decision.kind;
  assert.equal(violation(seen, decision.step), undefined);
  return decision.step;
}

function wantedNext(seen: Observed, wish?: Desired): Wanted {
  const step = next(seen, wish);
  assert.ok(typeof step !== 'string' && step.kind === 'route', JSON.stringify(step));
  return step.wanted;
}

const running = healthyCandidate({ tagBefore: undefined });

suite('a roll behind a proxy that swapctl drives', () => {
  test('goes by the route: kept, switched, drained, given back', () => {
    const steps = expectedSteps(told(), observed({ route: route(BASELINE, { addresses: { old: OLD } }) }));
    assert.deepEqual(steps.map(describeStep), [
      `create ${NAMES.next} from the new image`,
      'send the requests of the route web of nginx:edge to web',
      `start ${NAMES.next}`,
      `wait until ${NAMES.next} is healthy`,
      `send the requests of the route web of nginx:edge to ${NAMES.next}`,
      `rename web to ${NAMES.old}`,
      `rename ${NAMES.next} to web`,
      'watch web for the settle time',
      'retain the old image as swapctl-rollback/web:old',
      `wait until the open connections of ${NAMES.old} end`,
      `stop ${NAMES.old}`,
      'return the route web of nginx:edge to its own configuration',
      `remove ${NAMES.old}`,
    ]);
  });

  test('keeps the requests with the old container before the new one starts', () => {
    const seen = observed({ candidate: candidate(), route: route(BASELINE, { addresses: { old: OLD } }) });
    assert.deepEqual(wantedNext(seen), PINNED);
  });

  test('keeps them again if the proxy was restarted meanwhile', () => {
    const waiting = healthyCandidate({ verdict: WAITING });
    const wanted = wantedNext(observed({ candidate: waiting, route: route(BASELINE) }));
    assert.deepEqual(wanted, overlay(server(OLD), server(NEW, 'draining')));
  });

  test('switches again if the proxy was restarted after the switch', () => {
    const names = { candidate: { ...running, name: NAMES.slotName }, incumbent: replica({ name: NAMES.old }) };
    assert.deepEqual(wantedNext(observed({ ...names, route: route(BASELINE) })), SWITCHED);
  });

  test('goes on with a container that an earlier process has switched to', () => {
    const waiting = healthyCandidate({ verdict: WAITING });
    assert.deepEqual(next(observed({ candidate: waiting, route: route(SWITCHED) })), {
      kind: 'await-healthy',
      container: 'new',
      name: NAMES.next,
    });
  });

  test('leaves the other replicas ready, and drains one that is not fit', () => {
    const others = [{ address: OTHER, fit: true }];
    const pinned = overlay(server(OLD), server(OTHER));
    const healthy = observed({ candidate: running, route: route(pinned, { others }) });
    assert.deepEqual(wantedNext(healthy), overlay(server(NEW), server(OLD, 'draining'), server(OTHER)));
    const sick = observed({ candidate: running, route: route(pinned, { others: [{ address: OTHER, fit: false }] }) });
    assert.deepEqual(wantedNext(sick), overlay(server(NEW), server(OLD, 'draining'), server(OTHER, 'draining')));
  });

  test('has switched once the proxy sends requests to the new container, whatever its name is', () => {
    assert.ok(!hasSwitched(observed({ candidate: running, route: route(PINNED) })));
    assert.ok(hasSwitched(observed({ candidate: running, route: route(SWITCHED) })));
    const named = healthyCandidate({ name: NAMES.slotName });
    assert.ok(!hasSwitched(observed({ candidate: named, route: route(PINNED) })));
    assert.ok(hasSwitched(observed({ candidate: named, route: route(BASELINE) })));
    assert.ok(hasSwitched(observed({ candidate: named })), 'without a proxy the name decides');
  });

  test('goes back if it is interrupted before the switch, and is finished after it', () => {
    const giveUp = new SwapError('interrupted', 'interrupted');
    const before = next(observed({ candidate: running, giveUp, route: route(PINNED) }));
    assert.deepEqual(before, { kind: 'stop', container: 'new', name: NAMES.next });
    const after = next(observed({ candidate: running, giveUp, route: route(SWITCHED) }));
    assert.deepEqual(after, { kind: 'rename', container: 'old', name: NAMES.slotName, to: NAMES.old });
  });

  test('sends the requests back before a new container that fails is stopped, and ends the overlay before it is removed', () => {
    const failed = healthyCandidate({ tagBefore: undefined, verdict: UNHEALTHY });
    const failures = [
      {
        name: 'f',
        image: failed.imageId,
        digest: undefined,
        roll: ROLL,
        code: 'not-healthy',
        reason: 'x',
        at: '',
        tries: 1,
      },
    ] as const;
    const back = wantedNext(observed({ candidate: failed, failures, route: route(SWITCHED) }));
    assert.deepEqual(back, overlay(server(OLD), server(NEW, 'draining')));
    const down = { ...failed, running: false };
    const over = wantedNext(observed({ candidate: down, failures, route: route(PINNED, { addresses: { old: OLD } }) }));
    assert.deepEqual(over, BASELINE);
  });

  test('ends the overlay before the addresses of the old container are let go', () => {
    const down = replica({ name: NAMES.old, running: false });
    const named = healthyCandidate({ name: NAMES.slotName, settled: true });
    const addressRedirects = [{ from: 'old', to: 'new', state: 'leads' }] as const;
    const seen = observed({
      incumbent: down,
      candidate: named,
      redirectsAddresses: true,
      addressRedirects,
      route: route(SWITCHED),
    });
    assert.deepEqual(wantedNext(seen), BASELINE);
    const after = next({ ...seen, route: route(BASELINE) });
    assert.equal(typeof after !== 'string' && after.kind, 'end-forward');
  });

  test('ends an overlay of which only itself is left', () => {
    const stale = route({ ...PINNED, roll: 'dead' } as Wanted);
    assert.deepEqual(wantedNext(observed({ route: stale }), told({ recoveryOnly: true })), BASELINE);
  });

  test('is refused while another roll changes the route', () => {
    const other = route({ ...PINNED, roll: 'another' } as Wanted);
    assert.equal(next(observed({ route: other })), 'busy');
    assert.equal(next(observed({ route: { ...other, foreign: true } }), told({ recoveryOnly: true })), 'busy');
  });

  test('tells a proxy of the new address after stop-first, too', () => {
    const wish = stopFirst({ proxy: PROXY });
    const steps = expectedSteps(wish, observed({ route: route(BASELINE, { addresses: { old: OLD } }) }));
    const kinds = steps.map((step) => (step.kind === 'route' ? `route ${step.wanted.kind}` : step.kind));
    assert.deepEqual(kinds.slice(-7), [
      'start',
      'await-healthy',
      'route servers',
      'settle',
      'route baseline',
      'keep-image',
      'remove',
    ]);
  });
});

suite('a step that the route in front forbids', () => {
  const broken = (seen: Observed, step: Step) => violation(seen, step) ?? 'nothing';
  const names = {
    candidate: healthyCandidate({ name: NAMES.slotName, settled: true }),
    incumbent: replica({ name: NAMES.old }),
  };
  const stop: Step = { kind: 'stop', container: 'old', name: NAMES.old };

  test('stops a container that gets requests', () => {
    assert.match(broken(observed({ ...names, route: route(PINNED) }), stop), /sends requests to it/);
    assert.match(broken(observed({ ...names, route: route(BASELINE) }), stop), /sends requests to it/);
    assert.equal(broken(observed({ ...names, route: route(SWITCHED) }), stop), 'nothing');
  });

  test('starts a container that the proxy would find by its name', () => {
    const seen = observed({ candidate: candidate(), route: route(BASELINE, { addresses: { old: OLD } }) });
    const start: Step = { kind: 'start', container: 'new', name: NAMES.next };
    assert.match(broken(seen, start), /would find it before it is healthy/);
  });

  test('sends requests to a container that is not healthy, or by name to both', () => {
    const step = (wanted: Wanted): Step => ({ kind: 'route', name: 'web', proxy: 'p', route: 'web', to: [], wanted });
    const waiting = observed({ candidate: healthyCandidate({ verdict: WAITING }), route: route(PINNED) });
    assert.match(broken(waiting, step(SWITCHED)), /not healthy/);
    assert.match(broken(waiting, step(BASELINE)), /find both/);
  });

  test('removes a container while an overlay is in force', () => {
    const down = observed({ ...names, incumbent: replica({ name: NAMES.old, running: false }), incumbentKept: true });
    const remove: Step = { kind: 'remove', container: 'old', name: NAMES.old };
    assert.match(broken({ ...down, route: route(SWITCHED) }, remove), /own configuration/);
    assert.equal(broken({ ...down, route: route(BASELINE) }, remove), 'nothing');
  });
});

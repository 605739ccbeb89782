import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import type { ContainerStatus, ContainerSummary } from '../../../src/core/model/container.ts';
import { tagHarm, violation } from '../../../src/core/rollout/invariants.ts';
import { encodeState, type StateNote } from '../../../src/core/service/labels.ts';
import { backupName, failureName, isLockName, lockName, slotNames } from '../../../src/core/service/names.ts';
import {
  copyState,
  failureState,
  helperRole,
  madeBySwapctl,
  membersOf,
  type Refilled,
  strangersAmong,
  strangersIn,
  whyNotRefill,
} from '../../../src/core/service/ownership.ts';
import { groupServices } from '../../../src/core/service/service.ts';
import { sha256 } from '../../lab/sha256.ts';
import { anyCharacters } from '../../lab/text.ts';
import { candidate, observed, replica, summary } from '../builders.ts';

const NAMES = slotNames('web');
const IMAGE = `sha256:${'1'.repeat(64)}`;

function made(name: string, note: Partial<StateNote>, status: ContainerStatus = 'created'): ContainerSummary {
  return summary({
    id: name,
    name,
    status,
    labels: encodeState({ service: 'web', slot: 'web', role: 'replica', ...note }),
  });
}

/** One of each kind that a roll of web makes. */
const REAL: ContainerSummary[] = [
  made(NAMES.next, { replaces: 'id-of-web' }, 'running'),
  made(NAMES.rehearsal, { role: 'rehearsal' }, 'running'),
  made(NAMES.standIn, { role: 'stand-in' }, 'running'),
  made(NAMES.helper, { role: 'helper' }, 'exited'),
  made(NAMES.copying, { role: 'copying' }, 'exited'),
  made(NAMES.reading, { role: 'copying' }),
  made(backupName('web', 'r1'), { role: 'backup', roll: 'r1' }),
  made(lockName('web', sha256), { role: 'lock' }),
];

suite('what swapctl made', () => {
  for (const one of REAL) test(one.name, () => assert.ok(madeBySwapctl(one)));

  test('is nothing that lacks the labels, or has those of another kind, slot or name', () => {
    const status = fc.constantFrom<ContainerStatus>('created', 'running', 'exited', 'paused');
    const role = fc.constantFrom('replica', 'rehearsal', 'stand-in', 'helper', 'copying', 'failed', 'backup', 'lock');
    const forged = fc.record({ real: fc.constantFrom(...REAL), status, role, slot: fc.constantFrom('web', 'db', '') });
    let worlds = 0;
    fc.assert(
      fc.property(forged, ({ real, status, role, slot }) => {
        worlds++;
        const original = real.labels['swapctl.state.role'];
        const labels = { ...real.labels, 'swapctl.state.role': role, 'swapctl.state.slot': slot };
        const one = summary({ ...real, status, labels });
        const isInert = ['backup', 'lock'].includes(role) || real.name === NAMES.reading;
        const fits = role === original && slot === 'web' && (!isInert || status === 'created');
        assert.equal(madeBySwapctl(one) !== undefined, fits);
        assert.equal(madeBySwapctl(summary({ ...real, labels: {} })), undefined);
        assert.equal(helperRole(summary({ ...one, name: 'web' })), undefined, 'nor what has another name');
      }),
      { numRuns: 3000 },
    );
    assert.ok(worlds >= 3000);
  });
});

suite('a container with only the name of one of swapctl', () => {
  const web = summary({ id: 'id-of-web', name: 'web' });

  test('is no member of the slot, and stands in the way of a roll', () => {
    for (const name of Object.values(NAMES).filter((one) => one !== 'web')) {
      const stranger = summary({ id: 'stranger', name });
      assert.deepEqual(membersOf([web, stranger], 'web'), [web], name);
      assert.deepEqual(strangersIn([web, stranger], 'web'), [stranger], name);
      assert.match(strangersAmong([web, stranger])[0]?.error.message ?? '', /was not made by swapctl/);
      assert.deepEqual(
        groupServices([web, stranger]).map(({ key }) => key),
        ['web', name],
      );
    }
  });

  test('is the one that served where its candidate or the lock of the roll says so', () => {
    const old = summary({ id: 'id-of-web', name: NAMES.old });
    assert.deepEqual(membersOf([old], 'web'), []);
    const next = made(NAMES.next, { replaces: 'id-of-web' });
    assert.deepEqual(membersOf([old, next], 'web'), [old, next]);
    assert.deepEqual(membersOf([old, made(NAMES.next, { replaces: 'another' })], 'web').length, 1);
    assert.deepEqual(
      membersOf([old, made(lockName('web', sha256), { role: 'lock', incumbents: ['id-of-web'] })], 'web'),
      [old],
    );
  });
});

suite('before anything goes', () => {
  test('a candidate was made to take the place of the very container that serves', () => {
    const other = observed({ candidate: candidate({ replaces: 'another' }) });
    const rename = { kind: 'rename', container: 'old', name: 'web', to: NAMES.old } as const;
    assert.match(violation(other, rename) ?? '', /was not made to take the place/);
    const unnamed = observed({ candidate: replica({ id: 'x', name: NAMES.next }) });
    assert.match(violation(unnamed, { kind: 'stop', container: 'old', name: 'web' }) ?? '', /was not made/);
  });

  test('a tag goes to an id', () => {
    assert.equal(tagHarm({ kind: 'point-tag', reference: 'app:1', image: IMAGE }), undefined);
    assert.match(tagHarm({ kind: 'point-tag', reference: 'app:1', image: 'evil:latest' }) ?? '', /no id of an image/);
  });

  test('a volume with a copy says so itself, and of which slot', () => {
    const labels = encodeState({ role: 'backup', service: 'web', slot: 'web', roll: 'r' });
    assert.equal(copyState({ name: 'any', labels }, 'web')?.roll, 'r');
    assert.equal(copyState({ name: 'any', labels }, 'db'), undefined);
    assert.equal(copyState({ name: backupName('data', 'r'), labels: {} }, 'web'), undefined);
  });

  test('a volume remembers a failed image if its name and its labels agree', () => {
    const failure = { code: 'not-healthy', reason: 'it ended', health: [], log: [] } as const;
    const state = { role: 'failed', service: 'web', slot: 'web', roll: 'r1', image: IMAGE, failure } as const;
    const labels = encodeState(state);
    const name = failureName('web', 'r1');
    assert.equal(failureState({ name, labels })?.image, IMAGE);
    const others = [
      { name: 'data', labels },
      { name: failureName('web', 'r2'), labels },
      { name: failureName('db', 'r1'), labels },
      { name, labels: {} },
      { name, labels: encodeState({ ...state, role: 'backup' }) },
      { name, labels: encodeState({ ...state, failure: undefined }) },
      { name, labels: encodeState({ ...state, slot: 'db' }) },
    ];
    for (const one of others) assert.equal(failureState(one), undefined, JSON.stringify(one));
  });

  test('a volume is refilled only from a copy, for the container that writes to it, while no other does', () => {
    const own = { id: 'old', name: 'web', running: false };
    const other = { id: 'db', name: 'db', running: true };
    const good: Refilled = { volume: 'data', copy: 'copy', isCopy: true, writers: [own] };
    assert.equal(whyNotRefill(good, 'old'), undefined);
    assert.equal(whyNotRefill({ ...good, writers: [own, { ...other, running: false }] }, 'old'), undefined);
    assert.match(whyNotRefill({ ...good, isCopy: false }, 'old') ?? '', /does not say that it is a copy/);
    assert.match(whyNotRefill({ ...good, writers: [other] }, 'old') ?? '', /does not write to the volume data/);
    assert.match(whyNotRefill({ ...good, writers: [own, other] }, 'old') ?? '', /db is writing to the volume data/);
  });
});

test('what remembers a failed image has a name that an engine takes, another one for each replica', () => {
  const slot = fc.stringMatching(/^[a-z0-9][a-zA-Z0-9_.-]{0,400}$/);
  fc.assert(
    fc.property(slot, anyCharacters, (project, roll) => {
      const [one, two] = [failureName(`${project}-web-1`, roll), failureName(`${project}-web-2`, roll)];
      for (const name of [one, two]) assert.match(name, /^[A-Za-z0-9][A-Za-z0-9_.-]{1,249}$/);
      assert.notEqual(one, two);
    }),
  );
});

test('a lock has a name that an engine takes, whatever a project is called', () => {
  fc.assert(
    fc.property(anyCharacters, anyCharacters, (project, other) => {
      const name = lockName(`${project}/web`, sha256);
      assert.match(name, /^[A-Za-z0-9][A-Za-z0-9_.-]*\.swapctl-lock$/);
      assert.ok(isLockName(name, `${project}/web`));
      if (/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(project) && project.length < 100)
        assert.equal(name, `${project}.web.swapctl-lock`);
      if (project !== other && wellFormed(project + other) && !/[./]/.test(project + other))
        assert.notEqual(name, lockName(`${other}/web`, sha256));
    }),
  );
});

function wellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text;
}

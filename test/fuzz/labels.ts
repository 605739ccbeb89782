// Labels and names of containers, volumes and images.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { failureRecords } from '../../src/core/health/failures.ts';
import { ownLabels } from '../../src/core/model/own-labels.ts';
import { parseReference } from '../../src/core/model/reference.ts';
import { isUserSet } from '../../src/core/recreate/user-set.ts';
import { wantedVolumes } from '../../src/core/rollout/backup.ts';
import type { FailureNote, HistoryEntry } from '../../src/core/service/labels.ts';
import { encodeState } from '../../src/core/service/labels.ts';
import {
  copyName,
  failureName,
  isLockName,
  keepReference,
  lockName,
  reservedName,
  slotNames,
} from '../../src/core/service/names.ts';
import { madeBySwapctl, slotNamesOf, strangersAmong } from '../../src/core/service/ownership.ts';
import { findService, groupServices } from '../../src/core/service/service.ts';
import { SETTINGS } from '../../src/core/settings/table.ts';
import { dependenciesOf } from '../../src/core/update/order.ts';
import { container, summary } from '../core/builders.ts';
import { decoded, explainedOf, own, policyOf } from '../core/own.ts';
import { anyText } from '../lab/hostile.ts';
import { sha256 } from '../lab/sha256.ts';
import { jsonTexts, repeated, type Target, target, texts } from './target.ts';

const STATE = 'swapctl.state.';
const STATE_KEYS =
  'role slot service roll at generation follows image digest strategy replaces tag-before image-before user-set saves fill-from copies history failure holder incumbents base';
const ROLES = ['replica', 'rehearsal', 'stand-in', 'failed', 'lock', 'helper', 'backup', 'copying', ''];
const ID = `sha256:${'1'.repeat(64)}`;

const COPY = { volume: 'data', copy: 'data.swapctl-backup-r', bytes: 1, files: 1 };
const ENTRY: HistoryEntry = { at: '2026-01-01T00:00:00Z', follows: 'app:1', id: ID, event: 'rolled' };
const FAILURE: FailureNote = { code: 'not-healthy', reason: 'it ended', health: ['x'], log: ['y'] };
const USER_SET = { labels: ['a'], env: ['B'], fields: ['Cmd'] };

const stateText = fc.oneof(
  anyText,
  fc.constantFrom(...ROLES, 'web', ID),
  jsonTexts([COPY], [ENTRY], FAILURE, USER_SET, ['data'], ['id-of-web']),
);
const stateLabels = fc
  .array(fc.tuple(fc.constantFrom(...STATE_KEYS.split(' ')), stateText), { maxLength: 12 })
  .map((pairs) => ({
    [`${STATE}role`]: 'replica',
    [`${STATE}slot`]: 'web',
    ...Object.fromEntries(pairs.map(([key, value]) => [STATE + key, value])),
  }));

const names = texts(
  ['web', 'shop', '-', '_', '.', '/', '1', ...Object.values(slotNames('')), '.swapctl-lock', '.swapctl-backup-', 'ä'],
  ['web.swapctl-next', 'web.swapctl-failed-111111111111', 'shop-web-1'],
);

const written = fc.record({
  role: fc.constantFrom('replica', 'backup', 'lock', 'failed'),
  texts: fc.array(anyText, { minLength: 4, maxLength: 4 }),
  generation: fc.nat(),
  copies: fc.array(fc.record({ volume: anyText, copy: anyText, bytes: fc.nat(), files: fc.nat() }), { maxLength: 3 }),
  saves: fc.array(anyText, { maxLength: 3 }),
});

const settingsText = texts(
  [
    'true',
    'false',
    '1s',
    '5m',
    '-',
    'all',
    'data',
    ',',
    ';',
    ':',
    '/',
    '0',
    '8080',
    'regex:',
    'semver:',
    '~1',
    ' ',
    'every ',
  ],
  [
    'every 15m jitter 2m',
    '5m-24h',
    'Mon-Fri 02:00-04:00 Europe/Berlin',
    '8080/healthz',
    'https://x.example/a.git#main:web',
  ],
);
const settings = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(SETTINGS)), anyText), settingsText), { maxLength: 4 })
  .map((pairs) => Object.fromEntries(pairs.map(([key, value]) => [`swapctl.${key}`, value])));

const COMPOSE =
  'project service container-number oneoff depends_on config-hash project.config_files project.working_dir';
const composeLabels = fc
  .array(
    fc.tuple(fc.constantFrom(...COMPOSE.split(' ')), texts(['web', ':', ',', 'true', '/', 'service_healthy', '0'])),
    { maxLength: 6 },
  )
  .map((pairs) => Object.fromEntries(pairs.map(([key, value]) => [`com.docker.compose.${key}`, value])));

export const LABELS: readonly Target[] = [
  target('state labels', fc.tuple(stateLabels, names), ([labels, name]) => {
    const state = decoded(labels);
    if (!state) return;
    for (const { at, follows, id } of state.history)
      for (const one of [at, follows, id]) assert.equal(typeof one, 'string');
    for (const { volume, copy, bytes, files } of state.copies) {
      assert.ok(typeof volume === 'string' && typeof copy === 'string');
      assert.ok(Number.isSafeInteger(bytes) && Number.isSafeInteger(files));
    }
    for (const id of [state.tagBefore, state.imageBefore]) assert.match(id ?? ID, /^(sha256:)?[0-9a-f]{64}$/);
    if (isUserSet(state.userSet)) state.userSet.env.map((one) => one.trim());
    const one = summary({ name, labels });
    if (madeBySwapctl(one)) assert.ok(reservedName(name));
    for (const { state } of failureRecords([{ name, labels }])) assert.equal(name, failureName(state.slot, state.roll));
    slotNamesOf([one]);
    strangersAmong([one]);
  }),
  target(
    'state labels, there and back',
    written,
    ({ role, texts: [slot = '', service = '', roll = '', at = ''], ...rest }) => {
      const note = { role: role as 'replica', slot, service, roll, at, ...rest };
      const state = decoded(encodeState(note));
      if (slot === '') return assert.equal(state, undefined);
      assert.deepEqual([state?.slot, state?.service, state?.roll, state?.at], [slot, service || slot, roll, at]);
      assert.equal(JSON.stringify([state?.copies, state?.saves]), JSON.stringify([rest.copies, rest.saves]));
      assert.equal(state?.generation, rest.generation);
    },
  ),
  target('own labels', fc.tuple(names, stateLabels, composeLabels, fc.boolean()), ([name, state, compose, gone]) => {
    const labels = { ...state, ...compose };
    const found = ownLabels({ name, imageId: ID, labels }, gone ? undefined : labels);
    const foreign = Object.keys(found).filter((key) => labels[key as keyof typeof labels] !== found[key]);
    assert.deepEqual(foreign, []);
    if (!gone) assert.deepEqual(Object.keys(found), [], 'an image brings all of them');
  }),
  target('settings labels', settings, (labels) => {
    const policy = policyOf(labels);
    JSON.stringify([policy, explainedOf(labels, {}, { defaults: {}, service: {} })]);
    wantedVolumes(container(), own({}), policy);
  }),
  target('labels of compose', fc.tuple(composeLabels, names, names), ([labels, name, selector]) => {
    const services = groupServices([summary({ labels, name })]);
    dependenciesOf(services[0]?.key ?? '', [], own(labels), [name]);
    findService(services, selector);
  }),
  target(
    'names of locks, copies and kept images',
    fc.tuple(names, names),
    ([name, other]) => {
      const lock = lockName(name, sha256);
      assert.match(lock, /^[A-Za-z0-9][A-Za-z0-9_.-]{0,250}\.swapctl-lock$/);
      assert.ok(isLockName(lock, name));
      const reference = keepReference(name, ID, sha256);
      assert.ok(parseReference(reference).repository.length < 255);
      const same = Buffer.from(name).toString() === Buffer.from(other).toString();
      assert.equal(keepReference(other, ID, sha256) === reference, same);
      assert.equal(copyName(name, 'r', sha256) === copyName(other, 'r', sha256), same);
    },
    {
      work: (text) => [lockName(text, sha256), keepReference(text, ID, sha256), reservedName(text)],
      texts: repeated('.swapctl-', '/-', '-', '.'),
    },
  ),
];

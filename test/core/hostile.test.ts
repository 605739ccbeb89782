// Any user writes labels, options and files: every input gives a value or an error that names the mistake.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import fc from 'fast-check';
import { SwapError } from '../../src/core/model/error.ts';
import { parseReference } from '../../src/core/model/reference.ts';
import { inlineFiles } from '../../src/core/recreate/compose.ts';
import { composeHashLabel } from '../../src/core/recreate/compose-hash.ts';
import { isUserSet } from '../../src/core/recreate/user-set.ts';
import { wantedVolumes } from '../../src/core/rollout/backup.ts';
import { findService, groupServices } from '../../src/core/service/service.ts';
import { castRoles } from '../../src/core/service/slot.ts';
import { SETTINGS } from '../../src/core/settings/table.ts';
import { parseDuration } from '../../src/core/text/duration.ts';
import { sanitizeText } from '../../src/core/text/sanitize.ts';
import { dependenciesOf } from '../../src/core/update/order.ts';
import { parseTrack } from '../../src/core/update/track.ts';
import { parseWindows } from '../../src/core/update/window.ts';
import { anyJson, anyText, survives } from '../lab/hostile.ts';
import { container, summary } from './builders.ts';
import { decoded, explainedOf, own, policyOf } from './own.ts';

const STATE = 'swapctl.state.';
const STATE_KEYS =
  'role slot service roll at generation follows image digest way replaces user-set history failure saves copies';

const jsonText = fc.oneof(
  anyText,
  anyJson.map((value) => JSON.stringify(value)),
);
const stateLabels = fc
  .array(fc.tuple(fc.constantFrom(...STATE_KEYS.split(' ')), jsonText), { maxLength: 16 })
  .map((pairs) => ({
    [`${STATE}role`]: 'replica',
    [`${STATE}slot`]: 'web',
    ...Object.fromEntries(pairs.map(([key, value]) => [STATE + key, value])),
  }));
const settings = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(SETTINGS)), anyText), anyText), { maxLength: 4 })
  .map((pairs) => Object.fromEntries(pairs.map(([key, value]) => [`swapctl.${key}`, value])));

suite('whatever it holds, there is a value or an error with a code', () => {
  test('state labels', () => {
    survives(stateLabels, (labels) => {
      const state = decoded(labels);
      if (!state) return;
      const { history, failure, copies, saves, userSet } = state;
      for (const { at, follows, id } of history) [at, follows, id].map((one) => one.trim());
      for (const { volume, copy, bytes } of copies) [volume.trim(), copy.trim(), bytes.toFixed()].join();
      [...saves, ...(failure?.log ?? []), ...(failure?.health ?? []), failure?.reason ?? ''].map((one) => one.trim());
      if (isUserSet(userSet)) userSet.env.map((one) => one.trim());
      castRoles('web', [{ id: 'a', name: 'web', roll: state.roll, replaces: state.replaces }], 'r');
    });
  });

  test('labels that steer', () => {
    survives(settings, (labels) => {
      const policy = policyOf(labels);
      JSON.stringify([policy, explainedOf(labels, {}, { defaults: {}, service: {} })]);
      wantedVolumes(container(), own({}), policy);
    });
  });

  test('durations, references, windows, tracks', () => {
    for (const read of [parseDuration, parseWindows, parseTrack] as const)
      survives(anyText, (text) => read(text, 'a test'));
    survives(anyText, parseReference);
  });

  test('labels of compose, and what services are called', () => {
    const KEYS = ['project', 'service', 'container-number', 'oneoff', 'depends_on'].map(
      (key) => `com.docker.compose.${key}`,
    );
    const labels = fc
      .array(fc.tuple(fc.constantFrom(...KEYS), anyText), { maxLength: 5 })
      .map((pairs) => Object.fromEntries(pairs));
    survives(fc.tuple(labels, anyText, anyText), ([labels, name, selector]) => {
      const services = groupServices([summary({ labels, name })]);
      dependenciesOf(services[0]?.key ?? '', [], own(labels), [name]);
      findService(services, selector);
    });
  });

  test('compose files and what compose says of services', () => {
    survives(fc.array(anyJson), (documents) => inlineFiles(documents, 'web').paths.map((path) => path.trim()));
    survives(
      anyJson.filter((value) => typeof value === 'object' && value !== null),
      (service) =>
        composeHashLabel('x', service as object as Record<string, unknown>, { before: {}, after: {} }, (text) => text),
    );
  });
});

test('an unknown label is refused with what was probably meant', () => {
  const said = (error: unknown) => error instanceof SwapError && error.hint === 'did you mean swapctl.backup.volumes?';
  assert.throws(() => policyOf({ 'swapctl.backup.volume': 'true' }), said);
});

test('no error shows what a terminal would obey, once it is made harmless', () => {
  survives(settings, (labels) => {
    try {
      policyOf(labels);
    } catch (error) {
      if (!(error instanceof SwapError)) throw error;
      for (const text of [error.message, error.hint ?? ''])
        assert.doesNotMatch(sanitizeText(text), /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      throw error;
    }
  });
});

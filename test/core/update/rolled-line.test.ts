// The update line of a finished roll with work left for the user.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Checked } from '../../../src/core/update/newer.ts';
import { rolledLine, stopsOthers } from '../../../src/core/update/update.ts';

const FROM = { image: 'app:1', digest: 'sha256:old' };
const CHECKED: Checked = { service: 'web', outcome: 'available', from: FROM, because: 'it is newer' };

test('a service that is updated and leaves something to do is updated, and says so', () => {
  const attention = [{ code: 'attention' as const, message: 'nginx still connects', hint: 'reload nginx' }];
  const report = { service: 'web', outcome: 'rolled' as const, timings: { total: 1000 }, attention };
  const line = rolledLine(CHECKED, report);
  assert.deepEqual([line.outcome, line.error?.code], ['updated', 'attention']);
  assert.equal(line.because, 'rolled in 1.0 s; nginx still connects');
  assert.equal(stopsOthers(line), undefined, 'those that depend on it are updated as well');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNotifier } from '../../../src/app/report/notify.ts';
import { EngineError } from '../../../src/core/model/engine-error.ts';
import { fail } from '../../../src/core/model/error.ts';
import type { Delivery, Run, Summary } from '../../../src/core/report/summary.ts';
import { type Config, NO_CONFIG } from '../../../src/core/settings/config.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { notifier } from '../../adapters/notify/telling.ts';

const AVAILABLE: Run = {
  services: [{ service: 'db', outcome: 'available', because: 'x', to: { digest: 'sha256:bb' } }],
};
const UPDATED: Run = { services: [{ service: 'web', outcome: 'updated', because: 'x' }] };
const NAMED: Config = { ...NO_CONFIG, notifications: [notifier('slack', { url: 'x' })] };
const signal = new AbortController().signal;

/** A notifier with a sequence of answers, the notifications it got, and the notes. */
function telling(
  given: { config?: () => Config; answers?: Delivery['outcome'][]; facts?: () => Promise<unknown> } = {},
) {
  const titles: string[] = [];
  const notes: string[] = [];
  const answers = [...(given.answers ?? [])];
  const ports = {
    config: given.config ?? (() => NAMED),
    engine: { facts: given.facts ?? (async () => ({ name: 'host1' })) },
    notify: async ({ title }: Summary) => {
      titles.push(title);
      const outcome = answers.shift() ?? 'sent';
      return [
        { kind: 'slack', to: 'https://hooks.example.org/…', outcome, ...(outcome === 'failed' ? { error: 'no' } : {}) },
      ];
    },
    report: (progress: { kind: string; text?: string }) => void notes.push(`${progress.kind}: ${progress.text}`),
  } as unknown as Ports;
  return { notify: createNotifier(ports), titles, notes };
}

test('people are told where it happened, and what came of it is the answer', async () => {
  const { notify, titles, notes } = telling();
  assert.deepEqual(await notify(UPDATED, { signal }), [
    { kind: 'slack', to: 'https://hooks.example.org/…', outcome: 'sent' },
  ]);
  assert.deepEqual([titles, notes], [['swapctl on host1: 1 updated'], []]);
});

test('what stays as it is is told once', async () => {
  const { notify, titles } = telling();
  for (const run of [AVAILABLE, AVAILABLE, UPDATED]) await notify(run, { signal });
  assert.deepEqual(titles, ['swapctl on host1: 1 available', 'swapctl on host1: 1 updated']);
});

test('who was not reached is told again the next time, and a note says so', async () => {
  const { notify, titles, notes } = telling({ answers: ['failed'] });
  for (const run of [AVAILABLE, AVAILABLE, AVAILABLE]) await notify(run, { signal });
  assert.equal(titles.length, 2);
  assert.deepEqual(notes, ['note: slack (https://hooks.example.org/…) got no notification: no']);
});

test('a file with a mistake in it is noted, and raises nothing', async () => {
  const { notify, notes } = telling({ config: () => fail('config', 'swapctl.yml:1:1: no') });
  assert.deepEqual(await notify(UPDATED, { signal }), []);
  assert.deepEqual(notes, ['note: no notification sent: swapctl.yml:1:1: no']);
});

test('an engine that is away keeps nobody from being told', async () => {
  const { notify, titles } = telling({ facts: () => Promise.reject(new EngineError(0, 'away')) });
  await notify(UPDATED, { signal });
  assert.deepEqual(titles, ['swapctl: 1 updated']);
});

test('that there is nobody to tell is noted where somebody asked for it', async () => {
  const { notify, titles, notes } = telling({ config: () => NO_CONFIG });
  await notify(UPDATED, { signal });
  assert.deepEqual(notes, []);
  await notify(UPDATED, { signal, asked: true });
  assert.deepEqual([titles, notes], [[], ['note: no notification sent: none is configured in swapctl.yml']]);
});

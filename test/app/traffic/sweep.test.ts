import assert from 'node:assert/strict';
import test from 'node:test';
import { createApp } from '../../../src/app/app.ts';
import { SwapError } from '../../../src/core/model/error.ts';
import type { Ports } from '../../../src/ports/ports.ts';

test('rules that can not be taken away now keep nobody from recovering, and are told', async () => {
  const notes: string[] = [];
  const swept: string[] = [];
  const ports = {
    engine: {
      list: async () => [],
      volumes: async () => [],
      bridges: async () => [],
      facts: async () => ({ product: 'docker' }),
    },
    kernel: {
      layer: async () => ({ available: true }),
      clearOrphans: async () => {
        throw new SwapError('step-failed', 'nft refused the rules: no such process');
      },
      sweepAddressRedirects: async () => swept.push('forwards'),
    },
    report: (progress: { kind: string; text?: string }) => void notes.push(progress.text ?? ''),
  } as unknown as Ports;
  const items = await createApp(ports).recover([], new AbortController().signal);
  assert.deepEqual(
    items.map(({ found, outcome }) => `${found} ${outcome}`),
    ['1 nftables rule that led nowhere removed'],
  );
  assert.match(notes.join(), /could not be removed: nft refused/);
});

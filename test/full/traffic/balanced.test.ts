import { balanced } from '../../engine/traffic/balanced.ts';

for (const strategy of ['start-first', 'handover'] as const)
  for (const drains of [true, false]) balanced({ strategy, drains });

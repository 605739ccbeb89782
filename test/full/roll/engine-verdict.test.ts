import { engineVerdict } from '../../engine/roll/engine-verdict.ts';

engineVerdict({ strategy: 'start-first', engine: 'auto', intervalMs: 2000, expected: ['healthy'] });
// The second check of an hour's interval would not come within any test.
engineVerdict({ strategy: 'start-first', engine: 'false', intervalMs: 3_600_000, expected: ['starting'] });
engineVerdict({ strategy: 'handover', engine: 'auto', intervalMs: 2000, expected: ['healthy', 'healthy'] });

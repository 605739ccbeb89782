// The short form; test/full/roll/engine-verdict-more.test.ts has the handover.
import { engineVerdict } from './engine-verdict.ts';

engineVerdict({ strategy: 'start-first', engine: 'auto', intervalMs: 5000, expected: ['healthy'] });
// The second check of an hour's interval would not come within any test.
engineVerdict({ strategy: 'start-first', engine: 'false', intervalMs: 3_600_000, expected: ['starting'] });

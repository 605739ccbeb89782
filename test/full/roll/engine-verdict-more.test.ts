// The rest of test/engine/roll/engine-verdict.test.ts.
import { engineVerdict } from '../../engine/roll/engine-verdict.ts';

engineVerdict({ strategy: 'handover', engine: 'auto', intervalMs: 5000, expected: ['healthy', 'healthy'] });

// The rest of test/engine/recreate/vanished.test.ts.
import { vanishedNeedsAreSeen } from '../../engine/recreate/vanished.ts';

vanishedNeedsAreSeen({
  'the folder of a bind mount': ['stop-first'],
  'the folder of a mount': ['stop-first'],
  'what a volume is mounted from': ['stop-first'],
  'a device': ['stop-first'],
});

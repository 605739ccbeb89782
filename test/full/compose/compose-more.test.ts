// The rest of test/engine/compose/compose.test.ts: names and files that compose gives, services that it builds, and the older compose.
import { composeBuilds, composeKeepsContainers, composeSeesNothing } from '../../engine/compose/compose-suite.ts';

composeSeesNothing('2.26');
for (const version of ['2.26', '2.40'] as const) {
  composeKeepsContainers(version);
  composeBuilds(version);
}

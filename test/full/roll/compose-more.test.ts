// The rest of test/engine/compose/compose.test.ts: the older compose, and services that compose builds.
import { composeBuilds, composeSuite } from '../../engine/compose/compose-suite.ts';

composeSuite('2.26');
composeBuilds('2.26');
composeBuilds('2.40');

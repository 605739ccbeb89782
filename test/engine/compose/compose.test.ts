// Compose 2.40; test/full/compose/compose-more.test.ts has the rest.
import { composeSeesNothing } from './compose-suite.ts';

composeSeesNothing('2.40');

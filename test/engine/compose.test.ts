// Compose 2.40; test/full/compose-2.26.test.ts has the older one.
import { composeSuite } from './compose-suite.ts';

composeSuite('2.40');

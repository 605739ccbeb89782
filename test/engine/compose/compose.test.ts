// Compose 2.40; test/full/roll/compose-more.test.ts has the older one, and services that compose builds.
import { composeSuite } from './compose-suite.ts';

composeSuite('2.40');

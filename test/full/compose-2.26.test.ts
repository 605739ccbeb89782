import { composeSuite } from '../engine/compose-suite.ts';

composeSuite('2.26');

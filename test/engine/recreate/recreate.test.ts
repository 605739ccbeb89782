// Runs on the engine of DOCKER_HOST, or the default one; test/full/recreate/recreate-more.test.ts has the rest.
import { engineUnderTest } from '../../lab/engine.ts';
import { recreateSuite } from './suite.ts';

recreateSuite('the engine under test', async () => engineUnderTest(), { parts: ['fields'] });

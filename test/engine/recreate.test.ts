// Runs on the engine of DOCKER_HOST, or the default one; test/full/recreate-random.test.ts has the random containers.
import { engineUnderTest } from '../lab/engine.ts';
import { recreateSuite } from './recreate/suite.ts';

recreateSuite('the engine under test', async () => engineUnderTest(), { only: 'known' });

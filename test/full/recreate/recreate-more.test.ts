// Runs on the engine of DOCKER_HOST, or the default one.
import { recreateSuite } from '../../engine/recreate/suite.ts';
import { engineUnderTest } from '../../lab/engine.ts';

recreateSuite('the engine under test', async () => engineUnderTest(), { parts: ['targeted', 'files', 'random'] });

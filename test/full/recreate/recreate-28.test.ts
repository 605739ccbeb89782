// Every field on a second engine, whose API is ten versions younger; npm run test:engines runs recreate-more.test.ts on it, too.
// SWAPCTL_TEST_ENGINES=default leaves it out.
import { recreateSuite } from '../../engine/recreate/suite.ts';
import { startEngine } from '../../lab/engines.ts';

const why =
  process.env.SWAPCTL_TEST_ENGINES === 'default'
    ? 'SWAPCTL_TEST_ENGINES=default'
    : process.getuid?.() !== 0 && 'starting an engine takes root';

recreateSuite('engine 28', () => startEngine('sid'), { skip: why, parts: ['fields'] });

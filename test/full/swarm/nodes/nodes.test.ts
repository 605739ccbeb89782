// Swarm services on several real nodes: three managers and two workers. One file, since all of it shares one Swarm.
import assert from 'node:assert/strict';
import { after, before, suite } from 'node:test';
import { missingRoot } from '../../../lab/missing.ts';
import { type SwarmOfNodes, startSwarm } from '../../../lab/swarm-nodes.ts';
import { badImages } from '../bad-images.ts';
import { interrupted } from '../interrupted.ts';
import { disturbed } from './disturbed.ts';
import { many } from './many.ts';
import { refused } from './refused.ts';
import { stack } from './stack.ts';
import { traffic } from './traffic.ts';

const LONG = process.env.SWAPCTL_TEST_LONG === '1';
/** SWAPCTL_TEST_SWARM=sid: on Docker 28.5. */
const KIND = process.env.SWAPCTL_TEST_SWARM === 'sid' ? 'sid' : 'trixie';

suite('Swarm of several nodes', { skip: missingRoot() ?? false }, () => {
  let made: SwarmOfNodes;
  before(async () => {
    made = await startSwarm(KIND);
  });
  after(() => made.stop());
  const swarm = (): SwarmOfNodes => made;
  traffic(swarm);
  // The rest takes about ten minutes.
  if (!LONG) return;
  refused(swarm);
  disturbed(swarm);
  stack(swarm);
  many(swarm);
  const [manager, other] = [0, 1].map((at) => () => swarm().nodes[at]?.engine ?? assert.fail());
  if (!manager || !other) return;
  badImages(manager);
  interrupted(manager, other);
});

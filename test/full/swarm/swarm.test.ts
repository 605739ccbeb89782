// Swarm services on one real manager. One file, since all of it shares the one engine that is in a Swarm.
import { after, before, suite } from 'node:test';
import type { OtherEngine } from '../../lab/engines.ts';
import { missingRoot } from '../../lab/missing.ts';
import { startManager } from '../../lab/swarm.ts';
import { badImages } from './bad-images.ts';
import { contract } from './contract.ts';
import { interrupted } from './interrupted.ts';
import { rolls } from './rolls.ts';

suite('Swarm', { skip: missingRoot() ?? false }, () => {
  let engine: OtherEngine;
  before(async () => {
    engine = await startManager();
  });
  after(() => engine.stop());
  const manager = (): OtherEngine => engine;
  rolls(manager);
  badImages(manager);
  interrupted(manager);
  contract(manager);
});

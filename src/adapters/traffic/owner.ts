import { createHash } from 'node:crypto';
import type { EngineFacts } from '../../ports/ports.ts';

const LENGTH = 8;

/** The end of the names of an engine's tables: several engines may share one network namespace. */
export function ownerOf(id: EngineFacts['id']): string {
  return createHash('sha256').update(id).digest('hex').slice(0, LENGTH);
}

/** The engine's data for the kernel layer. */
export type EngineHere = Pick<EngineFacts, 'local' | 'id'>;

/** The owner of rules, which stays known while the engine does not answer; each answer of the engine refreshes it. */
export interface KnownOwner {
  look(): Promise<EngineHere>;
  owner(): Promise<string>;
}

export function knownOwner(ask: () => Promise<EngineHere>): KnownOwner {
  let known: string | undefined;
  const look = async (): Promise<EngineHere> => {
    const facts = await ask();
    known = ownerOf(facts.id);
    return facts;
  };
  return { look, owner: async () => known ?? ownerOf((await look()).id) };
}

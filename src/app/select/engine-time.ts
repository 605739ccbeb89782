import type { Ports } from '../../ports/ports.ts';

type Clocks = Pick<Ports, 'engine' | 'clock'>;

/** The engine's clock, in milliseconds since the epoch: it stamps containers, and may differ from the clock of this machine. */
export async function engineClock({ engine, clock }: Clocks): Promise<() => number> {
  const { clockOffsetMs } = await engine.facts();
  return () => clock.now() + clockOffsetMs;
}

/** The present time by the engine's clock. */
export async function engineNow(clocks: Clocks): Promise<number> {
  return (await engineClock(clocks))();
}

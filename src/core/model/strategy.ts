/** The order in which a slot's containers are swapped. */
export type Strategy = 'start-first' | 'stop-first' | 'handover';

export const STRATEGIES: readonly Strategy[] = ['start-first', 'stop-first', 'handover'];

/** What a user may ask for; `auto` lets the planner pick. */
export type StrategySetting = 'auto' | Strategy;

/** The order of the steps of a roll. */
export type Strategy = 'start-first' | 'stop-first' | 'handover';

export const STRATEGIES: readonly Strategy[] = ['start-first', 'stop-first', 'handover'];

/** The values of the setting; `auto` lets the planner choose. */
export type StrategySetting = 'auto' | Strategy;

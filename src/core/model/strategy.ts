/** The order in which a slot's containers are swapped. */
export type Way = 'start-first' | 'stop-first' | 'handover';

export const WAYS: readonly Way[] = ['start-first', 'stop-first', 'handover'];

/** What a user may ask for; `auto` lets the planner pick. */
export type Strategy = 'auto' | Way;

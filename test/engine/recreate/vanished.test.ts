// The planner asks at the same point for each strategy, so one kind of need covers all.
import { needsAreNoHindrance, vanishedNeedsAreSeen } from './vanished.ts';

needsAreNoHindrance();
vanishedNeedsAreSeen({ 'the file of a bind mount': ['start-first', 'stop-first', 'handover'] });

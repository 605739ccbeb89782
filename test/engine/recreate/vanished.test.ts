// The planner asks in the same place for each strategy, so that one kind of need shows it for all.
import { needsAreNoHindrance, vanishedNeedsAreSeen } from './vanished.ts';

needsAreNoHindrance();
vanishedNeedsAreSeen({ 'the file of a bind mount': ['start-first', 'stop-first', 'handover'] });

import { needsAreNoHindrance, vanishedNeedsAreSeen } from './vanished.ts';

needsAreNoHindrance();
vanishedNeedsAreSeen();

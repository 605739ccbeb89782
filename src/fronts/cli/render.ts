// Results as lines for people, one view a file. A view gets sanitized data (see session.ts, show).
export { checkView } from './views/check.ts';
export { configCheckView, configShownView, deliveriesView } from './views/config.ts';
export { findingsView } from './views/doctor.ts';
export { historyView } from './views/history.ts';
export { plansView } from './views/plan.ts';
export { recoveredView } from './views/recover.ts';
export { reportsView } from './views/roll.ts';
export { statusView } from './views/status.ts';
export { createdTokenView, tokensView } from './views/token.ts';
export { updateView } from './views/update.ts';

import type { HintedService } from '../../../app/app.ts';
import type { ReportedError } from '../../../core/report/reported-error.ts';
import type { HookTrial } from '../../../core/webhooks/hint.ts';
import type { HookKind } from '../../../core/webhooks/kinds.ts';

/** The effect that a message would have (a contract: scripts rely on it). */
export interface TestedHook extends HookTrial {
  readonly hook: string;
  readonly kind: HookKind;
  /** The services that track the repositories of the message; absent if the message is no push. */
  readonly services?: readonly HintedService[];
  /** Why the services are unknown. */
  readonly error?: ReportedError;
}

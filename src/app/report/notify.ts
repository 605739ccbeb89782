import { EngineError } from '../../core/model/engine-error.ts';
import { messageOf, SwapError } from '../../core/model/error.ts';
import {
  type Delivery,
  type Notified,
  needsNotification,
  notifiedAfter,
  type Run,
  summarizeRun,
} from '../../core/report/summary.ts';
import type { Ports } from '../../ports/ports.ts';

/**
 * Sends the notifications of one run after the other, and remembers them as long as the process lives. A failure is noted, and
 * nothing is raised: the work is already done.
 */
export function createNotifier(
  ports: Pick<Ports, 'config' | 'engine' | 'notify' | 'report'>,
): (run: Run, how: { readonly signal: AbortSignal; readonly asked?: boolean }) => Promise<Delivery[]> {
  let notified: Notified = new Map();
  return async (all, { signal, asked = false }) => {
    // A roll of another process was notified by that process.
    const run = { services: all.services.filter(({ report }) => report?.by === undefined) };
    try {
      const { notifications, notify } = ports.config();
      if (notifications.length === 0) {
        if (asked) ports.report({ kind: 'note', text: 'no notification sent: none is configured in swapctl.yml' });
        return [];
      }
      if (!needsNotification(run, notify, notified)) {
        notified = notifiedAfter(notified, run);
        return [];
      }
      const deliveries = await ports.notify(summarizeRun(run, await nameOf(ports.engine)), notifications, signal);
      for (const one of deliveries.filter(({ outcome }) => outcome === 'failed'))
        ports.report({ kind: 'note', text: `${one.kind} (${one.to}) got no notification: ${one.error}` });
      // A receiver that was out of reach gets the news next time.
      if (deliveries.some(({ outcome }) => outcome === 'sent')) notified = notifiedAfter(notified, run);
      return deliveries;
    } catch (error) {
      if (!(error instanceof SwapError)) throw error;
      ports.report({ kind: 'note', text: `no notification sent: ${messageOf(error)}` });
      return [];
    }
  };
}

async function nameOf(engine: Ports['engine']): Promise<string | undefined> {
  try {
    return (await engine.facts()).name || undefined;
  } catch (error) {
    // An unreachable engine deserves a notification, too.
    if (!(error instanceof EngineError)) throw error;
    return undefined;
  }
}

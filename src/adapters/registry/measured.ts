import type { Clock } from '../../ports/host.ts';
import type { Report } from '../../ports/ports.ts';
import type { Ask } from './authorize.ts';
import { type Answer, headerOf } from './http/http.ts';

/** Reports every request to a registry: its outcome, its time, and the pulls that the registry still permits. */
export function measured(ask: Ask, clock: Pick<Clock, 'monotonic'>, report: Report): Ask {
  return async (question) => {
    const { registry } = question;
    const began = clock.monotonic();
    const tell = (outcome: 'answered' | 'refused' | 'failed', remaining?: number): void =>
      report({
        kind: 'asked',
        registry,
        outcome,
        ms: clock.monotonic() - began,
        ...(remaining === undefined ? {} : { remaining }),
      });
    try {
      const answer = await ask(question);
      tell(answer.status < 400 ? 'answered' : 'refused', remainingPulls(answer));
      return answer;
    } catch (raised) {
      tell('failed');
      throw raised;
    }
  };
}

// `RateLimit-Remaining: 76;w=21600`, as Docker Hub counts pulls.
function remainingPulls({ headers }: Answer): number | undefined {
  const [, count] = /^\s*(\d{1,9})\s*(?:;|$)/.exec(headerOf(headers, 'ratelimit-remaining') ?? '') ?? [];
  return count === undefined ? undefined : Number(count);
}

import { fail, messageOf } from '../../core/model/error.ts';
import type { Schedules } from '../../ports/host.ts';

/** Cron expressions, by croner. */
export function cronSchedules(): Schedules {
  return {
    next: async (expression, after, zone) => {
      const { Cron } = await import('croner');
      try {
        const cron = new Cron(expression, { mode: '5-part', ...(zone ? { timezone: zone } : {}) });
        return cron.nextRun(new Date(after))?.getTime();
      } catch (error) {
        const why = messageOf(error).replace(/^CronPattern: /, '');
        return fail('config', `${JSON.stringify(expression)} is no cron expression: ${why}`, {
          hint: 'its five fields are minute, hour, day of the month, month, day of the week: 0 4 * * 1-5',
          cause: error,
        });
      }
    },
  };
}

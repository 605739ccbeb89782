import { messageOf, SwapError } from '../../core/model/error.ts';
import type { Mistake } from '../../core/settings/config.ts';
import { NOTIFIERS } from '../../core/settings/config.ts';
import { clashing, settingOf } from '../../core/settings/table.ts';
import type { Schedules } from '../../ports/host.ts';
import { hookMistakes } from './hooks.ts';
import { inventoryGaps } from './inventory.ts';
import { asText, EACH_KEY, issuesOf } from './schema.ts';
import { serverGaps } from './server.ts';
import type { Source } from './source.ts';
import type { Wrong } from './wrong.ts';

/** All mistakes in a document, by line; `schedules` validates cron expressions. */
export async function mistakesIn(document: unknown, source: Source, schedules: Schedules): Promise<Mistake[]> {
  const wrong = [
    ...shapeOf(document),
    ...clashesIn(document),
    ...gapsIn(document),
    ...serverGaps(document).map(({ path, message }) => ({ path: ['server', ...path], of: 'key' as const, message })),
    ...hookMistakes(mapping(document).hooks),
    ...inventoryGaps(mapping(document)),
    ...(await cronIn(document, schedules)),
  ];
  return wrong
    .map(({ path, of, message }) => ({ ...source.place(path, of), message }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function shapeOf(document: unknown): Wrong[] {
  return issuesOf(document).flatMap((issue): Wrong[] => {
    const { path, message } = issue;
    if (issue.code !== 'unrecognized_keys')
      return [{ path, of: issue.code === 'invalid_key' ? 'key' : 'value', message }];
    const each = message.split(EACH_KEY);
    return issue.keys.map((key, at) => ({ path: [...path, key], of: 'key', message: each[at] ?? message }));
  });
}

/** The places of settings in a document. */
function settingsIn(document: unknown): { path: readonly string[]; settings: Record<string, unknown> }[] {
  const { defaults, services } = mapping(document);
  const entries = Object.entries(mapping(services));
  return [
    { path: ['defaults'], settings: mapping(defaults) },
    ...entries.map(([name, entry]) => ({ path: ['services', name], settings: mapping(entry) })),
  ];
}

function clashesIn(document: unknown): Wrong[] {
  return settingsIn(document).flatMap(({ path, settings }) => {
    const [first, ...others] = clashing(Object.keys(settings));
    const message = `only one of ${[first, ...others].join(' and ')} can be given`;
    return others.map((key) => ({ path: [...path, key], of: 'key' as const, message }));
  });
}

// A notifier's value may come from a file, so no schema of single keys can find a missing one.
function gapsIn(document: unknown): Wrong[] {
  const { notifications } = mapping(document);
  if (!Array.isArray(notifications)) return [];
  return notifications.flatMap((entry: unknown, at) => {
    const { kind, ...values } = mapping(entry);
    const notifier = Object.entries(NOTIFIERS).find(([name]) => name === kind)?.[1];
    if (!notifier) return [];
    const path = ['notifications', at];
    const missing = notifier.needs.filter((key) => !(key in values) && !(`${key}-file` in values));
    const twice = [...notifier.needs, ...notifier.takes].filter((key) => key in values && `${key}-file` in values);
    return [
      ...missing.map((key) => ({ path, of: 'value' as const, message: `${kind} needs ${key}, or ${key}-file` })),
      ...twice.map((key) => ({
        path: [...path, `${key}-file`],
        of: 'key' as const,
        message: `only one of ${key} and ${key}-file can be given`,
      })),
    ];
  });
}

async function cronIn(document: unknown, schedules: Schedules): Promise<Wrong[]> {
  const found = settingsIn(document).map(async ({ path, settings }): Promise<Wrong[]> => {
    const message = await whyNoSchedule(settings.schedule, schedules);
    return message === undefined ? [] : [{ path: [...path, 'schedule'], of: 'value', message }];
  });
  return (await Promise.all(found)).flat();
}

async function whyNoSchedule(value: unknown, schedules: Schedules): Promise<string | undefined> {
  const schedule = scheduleOf(value);
  if (schedule?.kind !== 'cron') return undefined;
  try {
    const next = await schedules.next(schedule.expression, 0, schedule.zone);
    return next === undefined ? `schedule: ${JSON.stringify(schedule.expression)} never comes due` : undefined;
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return `schedule: ${[messageOf(error), error.hint].filter(Boolean).join('; ')}`;
  }
}

// The table of settings reports a text that is no schedule at all.
function scheduleOf(value: unknown) {
  const text = asText(value, { kind: 'text' });
  if (text === undefined) return undefined;
  try {
    return settingOf('schedule')?.read(text, 'schedule').schedule;
  } catch {
    return undefined;
  }
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

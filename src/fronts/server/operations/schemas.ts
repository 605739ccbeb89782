import { z } from 'zod';
import { fail, messageOf } from '../../../core/model/error.ts';
import { PULL_POLICIES } from '../../../core/model/image.ts';
import { NO_LABELS } from '../../../core/model/own-labels.ts';
import { REFERENCE } from '../../../core/model/reference.ts';
import { readPolicy } from '../../../core/settings/read.ts';
import { DURATION } from '../../../core/text/duration.ts';

// The shapes of requests: these schemas validate them, and the OpenAPI document is made of them.

const service = z.string().min(1).max(300).describe('A service: project/service, a container name, or an id');
const image = z
  .string()
  .min(1)
  .max(1000)
  .regex(REFERENCE, 'not an image reference')
  .describe('Roll to this image instead of the tracked reference');
const digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .describe('Roll to exactly this digest, even if the tag has moved');
const notify = z.boolean().describe('Send the notifications configured in swapctl.yml');
const pull = z.enum(PULL_POLICIES).describe('When to pull the image (default: always, except for local builds)');
const force = z.boolean().describe('Roll an unchanged or rejected image');

const duration = z
  .string()
  .regex(DURATION, 'not a duration of at most 24h, such as 500ms, 30s, 1m30s or 2h')
  .describe('500ms, 30s, 1m30s or 2h; at most 24h');

/** The settings that a request may override, by the label key without `swapctl.`. */
const settings = z
  .strictObject({
    settle: duration.optional(),
    'drain.timeout': duration.optional(),
    'drain.idle': z.enum(['true', 'false']).optional(),
    'health.timeout': duration.optional(),
    strategy: z.enum(['auto', 'start-first', 'stop-first', 'handover']).optional(),
    rehearsal: z.enum(['true', 'false']).optional(),
    keep: z
      .string()
      .regex(/^\d{1,2}$/)
      .optional(),
  })
  .superRefine((given, context) => {
    try {
      readPolicy(NO_LABELS, given as Record<string, string>);
    } catch (error) {
      // Named as on the command line.
      context.addIssue({ code: 'custom', message: messageOf(error).replace(/^--/, '') });
    }
  })
  .describe('Override the labels of the same names');

export const rollBody = z.strictObject({
  service,
  image: image.optional(),
  digest: digest.optional(),
  pull: pull.optional(),
  force: force.optional(),
  notify: notify.optional(),
  settings: settings.optional(),
});

export const rollbackBody = z.strictObject({
  confirm: z.string().max(300).optional().describe('The key of the service again, as a confirmation'),
  image: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe('An image of the history: a reference, or the start of a digest'),
  withVolumes: z.boolean().optional().describe('Also restore the volume backup that belongs to that image'),
  notify: notify.optional(),
  settings: settings.optional(),
});

const services = z.array(service).max(500);

export const checkBody = z.strictObject({
  services: services.optional().describe('The services to check (default: all that run)'),
});

export const updateBody = z.strictObject({
  services: services.optional().describe('The services to update (default: all with swapctl.enable=true)'),
  all: z.boolean().optional().describe('Include all services except those with swapctl.enable=false'),
  dryRun: z.boolean().optional().describe('Report the decisions without changing anything'),
  settings: settings.optional(),
});

const flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .optional();

export const planQuery = z.strictObject({
  image: image.optional(),
  digest: digest.optional(),
  pull: pull.optional(),
  strategy: z.enum(['auto', 'start-first', 'stop-first', 'handover']).optional(),
  force: flag.describe('Plan a roll of an unchanged or rejected image'),
  explain: flag.describe('Include every setting and the origin of its value'),
});

export const planBody = z.strictObject({
  image: image.optional(),
  digest: digest.optional(),
  pull: pull.optional(),
  force: force.optional(),
  explain: z.boolean().optional().describe('Include every setting and the origin of its value'),
  settings: settings.optional(),
});

export const jobsQuery = z.strictObject({
  service: service.optional(),
  state: z.enum(['queued', 'running', 'done']).optional(),
  kind: z.enum(['roll', 'rollback', 'check', 'update']).optional(),
  limit: z.coerce.number().int().min(1).max(500).optional(),
});

export const noQuery = z.strictObject({});

/** A value in the form of its schema. Raises `usage` with all of its mistakes. */
export function validated<T extends z.ZodType>(
  schema: T,
  value: unknown,
  what: string,
  hint = 'GET /openapi.json describes it',
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.') || what}: ${message}`);
  return fail('usage', `the ${what} is wrong: ${wrong.join('; ')}`, { hint });
}

/** The settings of a request without those that it does not override. */
export function settingsOf(settings: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])),
  );
}

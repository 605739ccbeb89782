import type { z } from 'zod';
import { noSuchJob } from '../../../app/jobs/book.ts';
import type { Asked, Job } from '../../../app/jobs/job.ts';
import { errorOf } from '../../../app/jobs/raised.ts';
import { type Action, allows } from '../../../core/access/scope.ts';
import { fail } from '../../../core/model/error.ts';
import { askedTarget } from '../../../core/update/roll-target.ts';
import type { Asker } from './asker.ts';
import { audited, mayChange } from './begin.ts';
import { keyFor, mustAllow } from './may.ts';
import {
  type checkBody,
  type jobsQuery,
  type rollBody,
  type rollbackBody,
  settingsOf,
  type updateBody,
} from './schemas.ts';

// The operations on jobs that every protocol offers. Each raises `forbidden` for a caller without the right.

/** The roll that a request asks for. */
export async function rollAsked(
  asker: Asker,
  { service, notify, settings, image, digest, ...request }: z.output<typeof rollBody>,
  traceparent: string | undefined,
): Promise<Asked> {
  await mayAct(asker, service, 'roll');
  const target = askedTarget({ image, digest });
  const whole = { ...request, target, overrides: settingsOf(settings), traceparent };
  return { kind: 'roll', service, actor: asker.caller.name, request: whole, notify };
}

/** The rollback that a request asks for. Raises `unconfirmed` unless it names the key of the service again. */
export async function rollbackAsked(
  asker: Asker,
  service: string,
  { confirm, notify, settings, image, ...request }: z.output<typeof rollbackBody>,
  traceparent: string | undefined,
): Promise<Asked> {
  const key = await mayAct(asker, service, 'rollback');
  if (confirm !== key)
    return fail('unconfirmed', `to roll ${key} back, the request has to name it again`, {
      hint: `send ${JSON.stringify({ confirm: key })}`,
    });
  const whole = { ...request, earlier: image, overrides: settingsOf(settings), traceparent };
  return { kind: 'rollback', service: key, actor: asker.caller.name, request: whole, notify };
}

export async function checkAsked(asker: Asker, { services = [] }: z.output<typeof checkBody>): Promise<Asked> {
  await mayAll(asker, services, 'check');
  return { kind: 'check', services, actor: asker.caller.name };
}

export async function updateAsked(
  asker: Asker,
  { services = [], settings, ...request }: z.output<typeof updateBody>,
): Promise<Asked> {
  await mayAll(asker, services, 'roll');
  const overrides = settingsOf(settings);
  return { kind: 'update', services, actor: asker.caller.name, request: { ...request, overrides } };
}

/** The jobs that the caller may read, the newest first. */
export async function listJobs(
  asker: Asker,
  { service, state, kind, limit = 100 }: z.output<typeof jobsQuery>,
): Promise<{ readonly rolls: readonly Job[]; readonly complete: boolean }> {
  const { jobs, complete } = await asker.site.world.book.list();
  const wanted = jobs.filter(
    (job) =>
      mayRead(asker, job) &&
      (service === undefined || job.service === service) &&
      (state === undefined || job.state === state) &&
      (kind === undefined || job.kind === kind),
  );
  return { rolls: wanted.slice(0, limit), complete };
}

/** Cancels a job. Raises `not-found`, and `too-late` after the switch. */
export async function cancelJob(asker: Asker, id: string): Promise<Job> {
  const job = await readableJob(asker, id);
  const action: Action = job.kind === 'rollback' ? 'rollback' : job.kind === 'check' ? 'check' : 'roll';
  const note = { what: 'cancel', service: job.service, job: id };
  try {
    mustAllow(asker.caller, action, job.service);
    mayChange(asker);
    const cancelled = await asker.site.world.book.cancel(id);
    audited(asker, { ...note, outcome: 'accepted' });
    return cancelled;
  } catch (raised) {
    audited(asker, { ...note, outcome: 'denied', code: errorOf(raised).code });
    throw raised;
  }
}

/** The job of that id, if the caller may read it; otherwise as if it did not exist. */
export async function readableJob(asker: Asker, id: string): Promise<Job> {
  const job = await asker.site.world.book.find(id);
  return job && mayRead(asker, job) ? job : noSuchJob(id);
}

function mayRead({ caller }: Asker, { service, actor }: Job): boolean {
  return allows(caller.scopes, 'read', service) || actor === caller.name;
}

async function mayAll(asker: Asker, services: readonly string[], action: Action): Promise<void> {
  if (services.length === 0) return mustAllow(asker.caller, action);
  for (const service of services) await mayAct(asker, service, action);
}

// A forbidden attempt is in the audit log.
async function mayAct(asker: Asker, service: string, action: Action): Promise<string> {
  try {
    return await asker.site.world.use((app) => keyFor(app, asker.caller, service, action));
  } catch (raised) {
    const { code } = errorOf(raised);
    if (code === 'forbidden') audited(asker, { what: action, service, outcome: 'denied', code });
    throw raised;
  }
}

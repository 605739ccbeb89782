import { type HostPlan, whyNotTogether } from '../../core/group/agreed.ts';
import { fail } from '../../core/model/error.ts';
import type { ReportedError } from '../../core/report/reported-error.ts';
import type { ServicePlan } from '../../core/report/status.ts';
import { askedTarget, wordsOf } from '../../core/update/roll-target.ts';
import type { RollRequest } from '../app.ts';
import { reportedError } from '../report/reported.ts';
import type { OpenHost } from './world.ts';

/** The one image that all hosts of a group are to run. */
export interface Agreed {
  readonly image: string;
  readonly digest: string;
  /** The request to each host. */
  readonly request: RollRequest;
  /** The hosts that run it already. */
  readonly unchanged: readonly string[];
}

/** Finishes or undoes an interrupted roll of a service on every host. Raises the first failure, with the name of its host. */
export async function recoverBefore(hosts: readonly OpenHost[], selector: string, request: RollRequest): Promise<void> {
  await Promise.all(hosts.map(({ host, app }) => named(host, () => app.held.recover(selector, request))));
}

/**
 * Resolves the image of a service once, on the first host, and asks every host whether it can run it. Nothing is changed. Raises the
 * first refusal, with the name of its host.
 */
export async function agree(hosts: readonly OpenHost[], selector: string, request: RollRequest): Promise<Agreed> {
  const plans = await plansOf(hosts, selector, request);
  const why = whyNotTogether(plans);
  if (why) return refuse(why.host, why);
  const [first] = plans;
  const { image = '', digest } = first?.plan ?? {};
  if (digest === undefined)
    return fail('refused', `the digest of ${image || selector} is unknown until a host pulls it`, {
      hint: 'name it with --digest, or roll the hosts one by one with --on HOST',
    });
  const unchanged = plans.filter(isUnchanged).map(({ host }) => host);
  return { image, digest, request: { ...request, target: askedTarget({ image, digest }) }, unchanged };
}

/** The plans of all hosts for the image that the first of them resolves. */
export async function plansOf(
  hosts: readonly OpenHost[],
  selector: string,
  request: RollRequest,
): Promise<readonly HostPlan[]> {
  const [first, ...others] = hosts;
  if (!first) return fail('usage', 'the group has no hosts');
  const plan = await planOn(first, selector, request);
  // An image that exists only on the engine has to be the same on all hosts by itself.
  const together = plan.local || plan.digest === undefined ? request : atDigest(request, plan.digest);
  const more = await Promise.all(
    others.map(async (one) => ({ host: one.host, plan: await planOn(one, selector, together) })),
  );
  return [{ host: first.host, plan }, ...more];
}

function atDigest(request: RollRequest, digest: string): RollRequest {
  return { ...request, target: askedTarget({ ...wordsOf(request.target), digest }) };
}

function planOn({ host, app }: OpenHost, selector: string, request: RollRequest): Promise<ServicePlan> {
  return named(host, async () => {
    const [plan] = await app.plan([selector], request);
    return plan ?? fail('not-found', `there is no service ${selector}`);
  });
}

function refuse(host: string, { code, message, hint }: ReportedError): never {
  return fail(code, `${host}: ${message}`, hint === undefined ? {} : { hint });
}

function isUnchanged({ plan }: HostPlan): boolean {
  return plan.slots.length > 0 && plan.slots.every(({ verdict }) => verdict === 'unchanged');
}

/**
 * Finds the earlier image for all hosts: that of the first host. A host that already runs it stays as it is. Changes nothing. Raises
 * `no-history` for a host without such an image.
 */
export async function agreeBack(
  [first, ...others]: readonly OpenHost[],
  selector: string,
  request: RollRequest,
): Promise<Agreed> {
  if (!first) return fail('usage', 'the group has no hosts');
  const target = await named(first.host, () => first.app.held.previous(selector, request.earlier));
  const digest = target.digest ?? target.id;
  const done = await Promise.all(
    others.map(({ host, app }) =>
      named(host, async () => {
        const { entries } = await app.history(selector);
        const now = entries.find(({ current }) => current);
        if (now && (now.id === target.id || (now.digest !== undefined && now.digest === target.digest))) return [host];
        await app.held.previous(selector, digest);
        return [];
      }),
    ),
  );
  return { image: target.follows, digest, request: { ...request, earlier: digest }, unchanged: done.flat() };
}

async function named<T>(host: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (raised) {
    return refuse(host, reportedError(raised));
  }
}

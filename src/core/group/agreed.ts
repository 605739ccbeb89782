import { canonical, parseReference } from '../model/reference.ts';
import type { ReportedError } from '../report/reported-error.ts';
import type { ServicePlan } from '../report/status.ts';

/** The plan of one host for a roll that has not begun. */
export interface HostPlan {
  readonly host: string;
  readonly plan: ServicePlan;
}

/** Why hosts must not be rolled together; undefined: they agree on the image, and none of them refuses it. */
export function whyNotTogether(plans: readonly HostPlan[]): (ReportedError & { readonly host: string }) | undefined {
  const refused = plans.flatMap(({ host, plan }) =>
    plan.slots.flatMap(({ error }) => (error ? [{ host, ...error }] : [])),
  );
  const [first] = plans;
  if (refused[0] || !first) return refused[0];
  const other = plans.find(
    ({ plan }) =>
      plan.service !== '' && canonical(parseReference(plan.image)) !== canonical(parseReference(first.plan.image)),
  );
  if (other)
    return {
      host: other.host,
      code: 'refused',
      message: `${other.plan.service} follows ${other.plan.image} on ${other.host} and ${first.plan.image} on ${first.host}`,
      hint: 'a group rolls one image; name it with --image, or roll the hosts one by one with --on HOST',
    };
  const differs = plans.find(({ plan }) => plan.digest !== first.plan.digest);
  if (!differs) return undefined;
  return {
    host: differs.host,
    code: 'refused',
    message: `${differs.plan.image} is another image on ${differs.host} than on ${first.host}`,
    hint: 'push the image to a registry that all hosts reach, or roll the hosts one by one with --on HOST',
  };
}

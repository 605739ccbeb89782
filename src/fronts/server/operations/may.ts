import type { App } from '../../../app/app.ts';
import type { Principal } from '../../../core/access/principal.ts';
import { type Action, allows } from '../../../core/access/scope.ts';
import { fail, SwapError } from '../../../core/model/error.ts';

/** Raises `forbidden` if the scopes of a caller do not permit the action. */
export function mustAllow({ name, scopes }: Principal, action: Action, service?: string): void {
  if (allows(scopes, action, service)) return;
  const what = service === undefined ? `"${action}" for all services` : `"${action}" for ${service}`;
  fail('forbidden', `${name} may not do that: it has no scope ${what}`, { hint: HINT });
}

const HINT = 'the token file, or server.clients in swapctl.yml, lists the scopes of each caller';

/** The key of a service, for an action that the caller may do to it. Whoever may not see all services is told of none. */
export async function keyFor(app: App, caller: Principal, selector: string, action: Action): Promise<string> {
  try {
    const key = await app.find(selector);
    mustAllow(caller, action, key);
    return key;
  } catch (raised) {
    const seesAll = allows(caller.scopes, 'read');
    if (!(raised instanceof SwapError) || raised.code === 'engine-unreachable' || seesAll) throw raised;
    const message = `${caller.name} has no scope "${action}" for a service of that name, or there is no such service`;
    return fail('forbidden', message, { hint: HINT });
  }
}

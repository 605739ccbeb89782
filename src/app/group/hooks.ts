import type { HostHookRun } from '../../core/group/report.ts';
import { type HostHook, shownHostHook } from '../../core/inventory/hooks.ts';
import { messageOf } from '../../core/model/error.ts';
import type { GroupWorld } from './world.ts';

const TIMEOUT_MS = 300_000;
const MOST_WORDS = 300;

/** The facts of the roll that a hook gets. */
export interface HookFacts {
  readonly host: string;
  readonly service: string;
  readonly image: string;
  readonly digest: string;
}

/** Runs the hooks of a host one after the other, until one fails. */
export async function runHostHooks(
  world: GroupWorld,
  when: 'before' | 'after',
  facts: HookFacts,
): Promise<{ readonly runs: readonly HostHookRun[]; readonly failed: HostHookRun | undefined }> {
  const hooks = when === 'before' ? world.group.beforeHost : world.group.afterHost;
  const runs: HostHookRun[] = [];
  for (const hook of hooks) {
    const run = await runHook(world, when, hook, facts);
    runs.push(run);
    if (run.error !== undefined) return { runs, failed: run };
  }
  return { runs, failed: undefined };
}

async function runHook(
  world: GroupWorld,
  when: 'before' | 'after',
  hook: HostHook,
  facts: HookFacts,
): Promise<HostHookRun> {
  const shown = { when, hook: shownHostHook(hook) };
  world.report({ kind: 'debug', text: `${facts.host}: run the hook "${shown.hook}"` });
  try {
    await perform(world, when, hook, facts);
    return shown;
  } catch (raised) {
    return { ...shown, error: messageOf(raised).trim().slice(0, MOST_WORDS) };
  }
}

function perform(
  { post, run, group: { name: group } }: GroupWorld,
  when: 'before' | 'after',
  hook: HostHook,
  { host, service, image, digest }: HookFacts,
): Promise<void> {
  if (hook.kind === 'call')
    return post(hook.url, { event: `${when}-host`, group, host, service, image, digest }, TIMEOUT_MS);
  const env = {
    SWAPCTL_EVENT: `${when}-host`,
    SWAPCTL_GROUP: group,
    SWAPCTL_ON_HOST: host,
    SWAPCTL_SERVICE: service,
    SWAPCTL_IMAGE: image,
    SWAPCTL_DIGEST: digest,
  };
  return run(hook.program, hook.args, { env, timeoutMs: TIMEOUT_MS });
}

import { isAway } from '../../../core/model/engine-error.ts';
import { fail, messageOf } from '../../../core/model/error.ts';
import { groupServices } from '../../../core/service/service.ts';
import type { Hook } from '../../../core/settings/hooks.ts';
import { shownHook } from '../../../core/settings/hooks.ts';
import { listed, ownOf } from '../../select/own.ts';
import { settingsOf } from '../../select/settings.ts';
import { stopRenewing } from '../../traffic/address-redirect.ts';
import { isGivenAway } from '../../traffic/linger.ts';
import type { SlotRun } from '../slot-run.ts';

const TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 100;
const MOST_WORDS = 300;

/** Runs the hooks of a service one after the other; a failed hook does not stop the others. */
export async function runSwitchHooks(run: SlotRun): Promise<void> {
  const ended = new AbortController();
  const guarding = guardAddresses(run, ended.signal);
  try {
    for (const hook of run.policy.onSwitch) await note(run, hook);
    run.memory.hooks.done = true;
  } finally {
    ended.abort();
    await guarding;
  }
}

async function note(run: SlotRun, hook: Hook): Promise<void> {
  const text = shownHook(hook);
  const { results } = run.memory.hooks;
  try {
    await perform(run, hook);
    results.set(text, undefined);
  } catch (raised) {
    // The step repeats once the engine is back.
    if (isAway(raised)) throw raised;
    results.set(text, messageOf(raised).trim().slice(0, MOST_WORDS));
    run.ports.report({ kind: 'note', text: `${run.names.slotName}: the hook "${text}" failed: ${results.get(text)}` });
  }
}

async function perform(run: SlotRun, hook: Hook): Promise<void> {
  if (hook.kind === 'call') return call(run, hook.url);
  const id = await reach(run, hook);
  const { engine } = run.ports;
  if (hook.kind === 'signal') return engine.kill(id, hook.signal);
  const { exitCode, output } = await engine.exec(id, hook.command, { timeoutMs: TIMEOUT_MS });
  if (exitCode !== 0) fail('step-failed', `it ended with ${exitCode}${output.trim() ? `: ${output.trim()}` : ''}`);
}

// The id of a hook's container, once it is certain that the hook may reach it.
async function reach(run: SlotRun, { container: name, byLabel }: Exclude<Hook, { kind: 'call' }>): Promise<string> {
  const found = await run.ports.engine.container(name);
  // The engine also accepts a prefix of an id.
  if (found?.name !== name) return fail('not-found', `there is no container ${name}`);
  if (found.status !== 'running') return fail('refused', `${name} does not run (${found.status})`);
  if (byLabel && name !== run.names.slotName && !(await lets(run, found.id))) {
    const message = `${name} does not let the labels of ${run.names.slotName} reach it`;
    return fail(
      'refused',
      `${message}; set swapctl.hooks.from=${run.names.slotName} on it, or the hook in swapctl.yml`,
    );
  }
  return found.id;
}

async function lets(run: SlotRun, id: string): Promise<boolean> {
  const { ports, names } = run;
  const container = await ports.engine.container(id);
  if (!container) return false;
  const all = await listed(ports.engine);
  const services = groupServices(all);
  const service = services.find(({ slots }) => slots.some(({ members }) => members.some((one) => one.id === id)));
  const own = await ownOf(run, container);
  return settingsOf(ports, service?.key ?? container.name, own).hooksFrom.includes(names.slotName);
}

async function call({ ports, service, names, desired }: SlotRun, url: string): Promise<void> {
  const { follows: image, digest } = desired.image;
  await ports.post(url, { event: 'switched', service, container: names.slotName, image, digest }, TIMEOUT_MS);
}

// A redirect of a stopped container's address must not outlive that address.
async function guardAddresses(run: SlotRun, ended: AbortSignal): Promise<void> {
  const { clock, kernel, engine, report } = run.ports;
  while (!ended.aborted) {
    try {
      for (const [from, end] of [...run.memory.redirected])
        if (await isGivenAway(run.ports, from, end)) {
          await stopRenewing(run, from);
          await kernel.endAddressRedirect(from, (id) => engine.container(id));
          run.memory.redirected.delete(from);
        }
    } catch (error) {
      report({
        kind: 'debug',
        text: `${run.names.slotName}: its redirected addresses can't be watched: ${messageOf(error)}`,
      });
    }
    await clock.sleep(LOOK_EVERY_MS, ended);
  }
}

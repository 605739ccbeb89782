import type { Container } from '../core/container.ts';
import { messageOf } from '../core/error.ts';
import type { Step } from '../core/step.ts';
import type { Forward } from '../core/traffic.ts';
import type { ForwardEnd } from '../ports.ts';
import type { SlotRun } from './slot-run.ts';

// Beyond the settle and drain times: a swapctl that dies must not leave connections led for long.
const MARGIN_MS = 30_000;
// Proxies that learn of a container's end from the engine's events take up to this long to act on it (Traefik's
// providersThrottleDuration is 2 s).
const LINGER_MS = 2000;
const LOOK_EVERY_MS = 100;

/**
 * Leads new connections to a container's addresses to another. Where that fails the roll goes on without: clients then meet
 * the first one until it turns them away.
 */
export async function forward(
  run: SlotRun,
  step: Extract<Step, { kind: 'forward' }>,
  from: Container | undefined,
  to: Container,
): Promise<void> {
  const { kernel, engine, report } = run.ports;
  const { settleMs, drainMs } = run.policy;
  const { container, name } = step;
  try {
    // One that is down shows no addresses any more.
    const end = from?.status === 'running' ? from : run.memory.forwarded.get(container);
    if (!end) return note(run, step, 'impossible');
    await kernel.forward(end, to, await engine.bridges(), settleMs + drainMs + MARGIN_MS);
    run.memory.forwarded.set(container, end);
    note(run, step, 'over');
  } catch (error) {
    note(run, step, 'impossible');
    report({ kind: 'debug', text: `new connections to ${name} are not led to ${to.name}: ${messageOf(error)}` });
  }
}

function note(
  run: SlotRun,
  { container: from, to }: Extract<Step, { kind: 'forward' }>,
  state: Forward['state'],
): void {
  run.memory.forwards.push({ from, to, state });
}

/** Leads new connections no more; what was led goes on. */
export async function endForward(run: SlotRun, step: Extract<Step, { kind: 'end-forward' }>): Promise<void> {
  const { kernel, report, engine } = run.ports;
  if (step.linger) await linger(run, step.from);
  const left = await kernel.endForward(step.from, (id) => engine.container(id));
  if (left === 0) return;
  const text = `${left} connection${left > 1 ? 's' : ''} that began at the address of ${step.name} go${left > 1 ? '' : 'es'} on; what leads there ends with ${left > 1 ? 'them' : 'it'}`;
  report({ kind: 'note', text });
}

// Only where somebody has used the old address at all, and only until the engine gives it to another container.
async function linger(run: SlotRun, from: string): Promise<void> {
  const { clock, kernel, engine } = run.ports;
  const end = run.memory.forwarded.get(from);
  const led = (await kernel.forwarding()).find((one) => from.startsWith(one.from));
  if (!end || !led?.connections) return;
  const addresses = addressesOf(end);
  const until = clock.now() + LINGER_MS;
  while (clock.now() < until) {
    const all = await engine.list();
    if (all.some((container) => container.id !== from && container.addresses.some((one) => addresses.includes(one))))
      return;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

function addressesOf({ networks }: ForwardEnd): string[] {
  const endpoints = Object.values(networks);
  return endpoints.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address].filter(isText));
}

function isText(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

import type { Container } from '../model/container.ts';
import type { Strategy } from '../model/strategy.ts';
import type { Policy } from '../settings/policy.ts';
import { type KernelLayer, whyNoHandover } from '../traffic/kernel-layer.ts';
import { type Exclusive, exclusives } from './exclusive.ts';
import { whyOneAtATime } from './reason.ts';
import type { Served } from './served-ports.ts';

/** The chosen strategy, and one sentence that gives the reason and the setting that changes it. */
export interface Choice {
  readonly strategy: Strategy;
  /** True: a rehearsal proves the image before the incumbent stops. */
  readonly rehearse: boolean;
  readonly because: string;
}

export type StrategyDecision =
  | ({ readonly kind: 'strategy' } & Choice)
  | { readonly kind: 'refuse'; readonly message: string; readonly hint: string };

/** The facts outside the container that decide. */
export interface Circumstances {
  /** Its volumes are to be backed up, so nothing may write to them meanwhile. */
  readonly copies?: boolean;
  /** Published ports that other containers in its network serve. */
  readonly served?: Served | undefined;
}

/** Chooses the strategy for one container. `start-first` is refused if the engine could not run the two side by side. */
export function chooseStrategy(
  container: Container,
  policy: Policy,
  kernel: KernelLayer,
  { copies = false, served }: Circumstances = {},
): StrategyDecision {
  const unanswered = served && probesOthers(policy, served);
  if (unanswered) return unanswered;
  if (copies) return forCopies(policy);
  const all = exclusives(container);
  const held = all.filter(
    (thing) => thing.hard || (policy.volumes === 'exclusive' && thing.kind === 'volume') || thing.kind === 'device',
  );
  if (policy.strategy === 'start-first') return askedStartFirst(held);
  if (policy.strategy === 'stop-first') return stopFirst(held, policy, 'swapctl.strategy=stop-first asks for it');
  const portsOnly = held.length > 0 && held.every((thing) => thing.kind === 'port');
  if (policy.strategy === 'handover') return askedHandover(held, kernel, served);
  if (held.length === 0)
    return { kind: 'strategy', strategy: 'start-first', rehearse: false, because: startFirstReason(all) };
  const ports = held.find((thing) => thing.kind === 'port');
  if (ports && served) return stopFirst(held, policy, `${ports.what}, ${servedReason(served)}`);
  const impossible = whyNoHandover(kernel);
  if (portsOnly && impossible === undefined)
    return handover(
      `${ports?.what}, which a stand-in answers while the container is replaced; swapctl.strategy=stop-first changes it`,
    );
  return stopFirst(held, policy, whyOneAtATime(held, impossible));
}

// A rehearsal would write to the volumes before their backup.
function forCopies({ strategy }: Policy): StrategyDecision {
  if (strategy === 'auto' || strategy === 'stop-first') {
    const because =
      'swapctl.backup.volumes asks for a copy of its volumes, which is made after the old container has stopped';
    return { kind: 'strategy', strategy: 'stop-first', rehearse: false, because };
  }
  return {
    kind: 'refuse',
    message: `${strategy} is impossible: its volumes are backed up first, and no container may write to them meanwhile`,
    hint: `take the label swapctl.strategy=${strategy} away, or set swapctl.backup.volumes=false`,
  };
}

// The stand-in replaces a rehearsal: traffic moves only after it is healthy.
function handover(because: string): StrategyDecision {
  return { kind: 'strategy', strategy: 'handover', rehearse: true, because };
}

// Dependents are re-created in the network of the candidate only once the candidate is healthy.
function probesOthers({ probe }: Policy, { ports, by, certain }: Served): StrategyDecision | undefined {
  if (!certain || probe === undefined || probe.kind === 'cmd' || !ports.includes(`${probe.port}/tcp`)) return undefined;
  const label = `swapctl.health.${probe.kind}`;
  return {
    kind: 'refuse',
    message: `${label} asks port ${probe.port}, which ${list(by)} in its network ${verb(by, 'serve')}, not the container itself`,
    hint: `check the container itself by its image's HEALTHCHECK or swapctl.health.cmd, and set ${label} on ${list(by)}`,
  };
}

function servedReason(served: Served): string {
  const reason = `${whoServes(served)}, so a stand-in alone could not answer; clients wait from its stop until ${list(served.by)} ${verb(served.by, 'answer')} again`;
  return served.certain ? reason : `${reason}; if it serves the ports itself, let its image EXPOSE them`;
}

function whoServes({ by, certain }: Served): string {
  return `which ${list(by)} in its network ${certain ? verb(by, 'serve') : 'may serve'}`;
}

function list(names: readonly string[]): string {
  return names.join(', ');
}

function verb({ length }: readonly string[], plural: string): string {
  return length === 1 ? `${plural}s` : plural;
}

// For a device the user decides, as with start-first; for a volume, swapctl.volumes=shared does the same.
function askedHandover(held: readonly Exclusive[], kernel: KernelLayer, served: Served | undefined): StrategyDecision {
  const hint = 'take the label swapctl.strategy=handover away, or set it to stop-first';
  const why = whyNoHandover(kernel);
  if (why !== undefined) return { kind: 'refuse', message: `handover is impossible: ${why}`, hint };
  const ports = held.find((thing) => thing.kind === 'port');
  if (ports && served) {
    const message = `handover is impossible: it ${ports.what}, ${whoServes(served)}, and a stand-in has only itself`;
    const own = served.certain ? '' : '; if it serves the ports itself, let its image EXPOSE them';
    return { kind: 'refuse', message, hint: `${hint}${own}` };
  }
  const other = held.find((thing) => thing.kind !== 'port' && (thing.hard || thing.kind === 'volume'));
  if (!other && ports) return handover('swapctl.strategy=handover asks for it');
  const message = other
    ? `handover is impossible: it also ${other.what}`
    : 'there is nothing to hand over: it publishes no fixed host port';
  return { kind: 'refuse', message, hint };
}

function askedStartFirst(held: readonly Exclusive[]): StrategyDecision {
  const impossible = held.find((thing) => thing.hard);
  if (!impossible)
    return {
      kind: 'strategy',
      strategy: 'start-first',
      rehearse: false,
      because: 'swapctl.strategy=start-first asks for it',
    };
  return {
    kind: 'refuse',
    message: `start-first is impossible: it ${impossible.what}, which two containers can't have at once`,
    hint: 'take the label swapctl.strategy=start-first away, or set it to stop-first',
  };
}

function startFirstReason(all: readonly Exclusive[]): string {
  if (all.length > 0) return 'swapctl.volumes=shared says that a second writer on its volumes is harmless';
  return 'it holds nothing that two containers could not have at once; swapctl.strategy=stop-first changes it';
}

// A rehearsal runs beside the incumbent without its exclusive resources, so it proves nothing if the app needs them (a volume, a
// device, the host's network): then only a restart of the incumbent can undo the roll.
function stopFirst(held: readonly Exclusive[], policy: Policy, because: string): StrategyDecision {
  const rehearse = policy.rehearsal && held.every((thing) => thing.rehearsable);
  return { kind: 'strategy', strategy: 'stop-first', rehearse, because };
}

import { fail, messageOf } from '../../../core/model/error.ts';
import { isRouteName } from '../../../core/proxy/place.ts';
import type { ObservedRoute, ProxyFacts } from '../../../core/proxy/route.ts';
import type { ProxyAccess } from '../../../ports/proxy-access.ts';
import type { TrafficDriver } from '../../../ports/traffic-driver.ts';
import { resolverOf } from '../access/resolve.ts';
import { mustBeSafe, refusedBy } from '../checked.ts';
import { Backend } from './backend.ts';
import { applyBaseline } from './baseline.ts';
import { type Found, findHaproxy } from './find.ts';
import { applyOverlay } from './overlay.ts';
import { CommandRefused, Runtime } from './runtime.ts';
import { observedRoute, setByHand } from './state.ts';
import type { Hold } from './waits.ts';

// A slot has no place for the id of a roll, so only this process knows it.
const UNKNOWN_ROLL = 'unknown';

/** HAProxy, driven by its Runtime API: a route is a backend. Nothing is reloaded, and no file is written. */
export function haproxyDriver(access: ProxyAccess): TrafficDriver {
  const slotRolls = new Map<string, string>();
  const find = (signal: AbortSignal): Promise<Found> => findHaproxy(access, signal);
  return {
    facts: async (signal, route) => {
      const found = await find(signal);
      await mustBeValid(access, found, signal);
      const holds = route === undefined ? [...found.holds.values()] : [found.holds.get(route) ?? HOLDS_NOTHING];
      const facts = factsOf(await runtimeOf(access, found, signal).ask('show info'), leastOf(holds));
      const members = route === undefined ? [] : await backendOf(access, found, route, signal).backend.members();
      return { ...facts, warnings: [...facts.warnings, ...setByHand(members ?? []).map(byHand)] };
    },
    route: async (name, signal) => {
      if (!isRouteName(name)) return undefined;
      const { backend } = backendOf(access, await find(signal), name, signal);
      return look(backend, slotRolls.get(name));
    },
    apply: async (name, wanted, signal) => {
      mustBeSafe(name, wanted);
      const found = await find(signal);
      if (wanted.kind === 'held') mustHold(name, found.holds.get(name), wanted.longestMs);
      const { backend, configured } = backendOf(access, found, name, signal);
      if ((await look(backend, undefined)) === undefined) return noSuchBackend(name);
      if (wanted.kind !== 'baseline') slotRolls.set(name, wanted.roll);
      await orUndone(backend, name, () =>
        wanted.kind === 'baseline'
          ? applyBaseline(backend, resolverOf(access, signal))
          : applyOverlay(backend, wanted, configured),
      );
      if (wanted.kind !== 'baseline') await backend.tidy(false);
      else slotRolls.delete(name);
    },
  };
}

function runtimeOf(access: ProxyAccess, { socket }: Found, signal: AbortSignal): Runtime {
  return new Runtime(access, socket, signal);
}

function backendOf(access: ProxyAccess, found: Found, name: string, signal: AbortSignal) {
  const configured = found.config.backends.get(name) ?? [];
  return { backend: new Backend(runtimeOf(access, found, signal), name, configured), configured };
}

async function look(backend: Backend, slotRoll: string | undefined): Promise<ObservedRoute | undefined> {
  const members = await backend.members();
  return members && observedRoute(members, slotRoll ?? UNKNOWN_ROLL);
}

async function orUndone(backend: Backend, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const undone = await backend.undo().then(
      () => undefined,
      (reason: unknown) => messageOf(reason),
    );
    if (!(error instanceof CommandRefused)) throw error;
    const after =
      undone === undefined ? 'the servers of the backend are as before' : `taking it back failed: ${undone}`;
    refusedBy('HAProxy', name, error.message, after);
  }
}

async function mustBeValid(access: ProxyAccess, found: Found, signal: AbortSignal): Promise<void> {
  const { code, output } = await access.run([found.program, '-c', ...found.arguments], signal);
  if (code === 0 || found.arguments.length === 0) return;
  const alerts = output.split('\n').filter((line) => /ALERT/.test(line));
  fail('proxy-config', `HAProxy's configuration is broken: ${(alerts[0] ?? output).trim()}`, {
    hint: 'HAProxy runs with the configuration that it loaded before; repair the file first',
    log: alerts,
  });
}

const HOLDS_NOTHING: Hold = { kind: 'requests', longestMs: 0 };

function leastOf(holds: readonly Hold[]): Hold {
  return holds.reduce((least, one) => (one.longestMs < least.longestMs ? one : least), holds[0] ?? HOLDS_NOTHING);
}

function factsOf(info: string, { kind, longestMs }: Hold): ProxyFacts {
  const version = /^Version: (\S+)/m.exec(info)?.[1] ?? 'unknown';
  return {
    driver: 'haproxy',
    version,
    countsInFlight: true,
    weights: true,
    ...(longestMs > 0 && canAdd(version) ? { hold: kind, longestHoldMs: longestMs } : { hold: 'no' }),
    keepsIdleClients: true,
    keepsStreams: true,
    minMsBetween: 0,
    warnings: canAdd(version)
      ? []
      : [
          `HAProxy ${version} can't add servers (2.6 and newer can): its backends need spare servers named swapctl1 and so on`,
        ],
  };
}

function byHand(name: string): string {
  return `the server ${name} was set to maintenance or drain by hand: after the roll it is ready, as the configuration has it`;
}

function canAdd(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  return major > 2 || (major === 2 && minor >= 6);
}

function mustHold(name: string, hold: Hold = HOLDS_NOTHING, longestMs: number): void {
  if (longestMs <= hold.longestMs) return;
  const most = hold.longestMs === 0 ? 'not at all' : `at most for ${hold.longestMs / 1000} s`;
  const seconds = Math.ceil(longestMs / 1000);
  fail('proxy-refused', `the backend ${name} of HAProxy can hold requests ${most}, not for ${longestMs / 1000} s`, {
    hint: `add to it: option redispatch, timeout queue ${seconds}s, retries ${seconds + 1}; or lower swapctl.proxy.hold`,
  });
}

function noSuchBackend(name: string): never {
  return fail('proxy-config', `HAProxy has no backend ${name}`, {
    hint: 'name the backend of the service with swapctl.proxy.route',
  });
}

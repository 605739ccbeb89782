import type { Container, ContainerSummary, HealthConfig } from '../model/container.ts';
import { SwapError } from '../model/error.ts';
import type { OwnLabels } from '../model/own-labels.ts';
import type { Desired, Replica } from '../rollout/observed.ts';
import type { Step } from '../rollout/step.ts';
import type { Policy } from '../settings/policy.ts';
import { engineDeadlineMs, intervalMs } from './health.ts';
import type { EngineVerdict, Noticed } from './noticed.ts';

/**
 * Proxies that find containers by labels route to those that the engine calls healthy. The engine probes seldom, so swapctl's own
 * probe succeeds first; if the incumbent retired then, such a proxy would have no container at all.
 */

/** The delay with which proxies act on the engine's events (Traefik's providersThrottleDuration is 2 s). */
export const PROXY_LAG_MS = 2000;

/**
 * Decides if the incumbent waits for the engine's verdict on its successor; `all`: the containers of the engine; `self`:
 * swapctl's own.
 */
export function engineVerdictFor(
  { config, health, networks, id }: Container,
  own: OwnLabels,
  policy: Pick<Policy, 'engineVerdict'>,
  all: readonly ContainerSummary[],
  self: string | undefined,
): EngineVerdict | undefined {
  if (policy.engineVerdict === 'false') return undefined;
  if (policy.engineVerdict === 'true') return { because: 'swapctl.health.engine=true asks for it' };
  // A proxy does not find a service that the engine calls unhealthy. It does find one without a check, whose successor may have
  // one.
  if (health !== undefined && health.status !== 'healthy') return undefined;
  const others = all.filter((one) => one.id !== id && one.id !== self);
  const hint = discoveryHint(own, config.Env ?? []) ?? readerHint(Object.keys(networks), others);
  return hint === undefined ? undefined : { because: hint };
}

// The labels by which proxies find containers, and their names for people.
const LABELS: readonly (readonly [RegExp, string])[] = [
  [/^traefik\./, 'traefik.*'],
  [/^caddy(_\d+)?($|\.)/, 'caddy*'],
  [/^com\.github\.nginx-proxy\./, 'com.github.nginx-proxy.*'],
];
const VARIABLES = /^(VIRTUAL_(HOST|PATH|PORT)(_MULTIPORTS)?)=/;

function discoveryHint(own: OwnLabels, env: readonly string[]): string | undefined {
  const label = LABELS.find(([pattern]) => Object.keys(own).some((key) => pattern.test(key)));
  if (label !== undefined) return `a proxy finds it by its labels ${label[1]}`;
  const variable = env.map((pair) => VARIABLES.exec(pair)?.[1]).find((name) => name !== undefined);
  return variable === undefined ? undefined : `a proxy finds it by its variable ${variable}`;
}

function readerHint(networks: readonly string[], others: readonly ContainerSummary[]): string | undefined {
  const reader = others.find(
    (one) => one.status === 'running' && one.readsEngine && one.networks.some((name) => networks.includes(name)),
  );
  return reader && `${reader.name} can read the engine and shares a network with it`;
}

/** The maximum time until the engine's verdict on a container, and until proxies act on it, once swapctl calls it healthy. */
export function verdictWithinMs({ config }: Pick<Container, 'config'>): number {
  return intervalMs(config.Healthcheck ?? {}) + PROXY_LAG_MS;
}

/** `healthySince`: when this process first saw the engine's healthy verdict; times in milliseconds of the engine's clock. */
export function noticedNow(
  { health, config, startedAt }: Pick<Container, 'health' | 'config' | 'startedAt'>,
  healthySince: number | undefined,
  now: number,
): Noticed {
  if (!health) return 'none';
  if (health.status === 'unhealthy') return 'unhealthy';
  if (health.status === 'healthy')
    return healthySince !== undefined && now >= healthySince + PROXY_LAG_MS ? 'noticed' : 'waiting';
  // An engine that runs no checks (Podman without systemd) never reaches a verdict.
  return now < startedAt + givesUpAfter(config.Healthcheck ?? {}) ? 'waiting' : 'none';
}

/**
 * Keeps a serving container until the engine's verdict on its successor: a proxy that reads the verdict does not route to the
 * successor yet.
 */
export function awaitEngine(
  { engineVerdict }: Pick<Desired, 'engineVerdict'>,
  { id: container, name, noticed, verdictWithinMs: mostMs }: Replica,
  serving: Replica | undefined,
): Step | undefined {
  if (!engineVerdict || !serving?.running || noticed !== 'waiting') return undefined;
  return { kind: 'await-engine', container, name, ...engineVerdict, mostMs };
}

/** True: the incumbent has to stay, since the engine calls its successor unhealthy by its own check; swapctl.health.* may differ. */
export function isRefused(
  { engineVerdict }: Pick<Desired, 'engineVerdict'>,
  { noticed }: Replica,
  incumbent: Replica | undefined,
): boolean {
  return engineVerdict !== undefined && incumbent?.running === true && noticed === 'unhealthy';
}

export function refusal(what: string): SwapError {
  return new SwapError(
    'not-healthy',
    `the engine calls ${what} unhealthy, so that no proxy that reads this routes to it`,
  );
}

function givesUpAfter(check: HealthConfig): number {
  return engineDeadlineMs(check) + PROXY_LAG_MS;
}

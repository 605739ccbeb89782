// All cells: each proxy with each app, number of replicas, HEALTHCHECK and strategy.
import type { ProxySetup } from './proxies.ts';

export const APPS = ['drains', 'exits'] as const;
/** `first`: every 30 s, by the new image alone; the old one has no HEALTHCHECK. */
export const HEALTHS = ['30s', 'none', '1s', 'first'] as const;
export const STRATEGIES = ['start-first', 'handover', 'rollback'] as const;

export type AppKind = (typeof APPS)[number];
export type Health = (typeof HEALTHS)[number];
export type Strategy = (typeof STRATEGIES)[number];

/** One service behind one proxy; it is rolled in each of the strategies. */
export interface Cell {
  readonly proxy: ProxySetup;
  readonly app: AppKind;
  readonly replicas: number;
  readonly health: Health;
  readonly published: boolean;
  readonly strategies: readonly Strategy[];
}

export interface Choice {
  readonly proxies: readonly ProxySetup[];
  readonly apps: readonly AppKind[];
  readonly replicas: readonly number[];
  readonly healths: readonly Health[];
  /** A slow HEALTHCHECK also for proxies that do not ask the engine, to which it is as good as none. */
  readonly slowForAll: boolean;
  readonly strategies: readonly Strategy[];
}

export function cellsOf({ proxies, apps, replicas, healths, slowForAll, strategies }: Choice): Cell[] {
  // A handover needs published ports; a service without them is rolled start-first, and goes back the same way.
  const without = { published: false, strategies: strategies.filter((one) => one !== 'handover') };
  const published = { published: true, strategies: strategies.filter((one) => one === 'handover') };
  const shapes = replicas.flatMap((count) =>
    // A fixed host port belongs to one container.
    (count === 1 ? [without, published] : [without]).map((group) => ({ replicas: count, ...group })),
  );
  const measured = shapes.filter((shape) => shape.strategies.length > 0);
  const healthsOf = (proxy: ProxySetup) =>
    healths.filter((health) => isQuick(health) || proxy.socket === true || slowForAll);
  return proxies.flatMap((proxy) =>
    apps.flatMap((app) =>
      healthsOf(proxy).flatMap((health) => measured.map((shape) => ({ proxy, app, health, ...shape }))),
    ),
  );
}

const isQuick = (health: Health) => health === 'none' || health === '1s';

const AROUND_S = 16;
// Measured with the defaults of swapctl, per replica.
const ROLL_S: Record<Health, number> = { '30s': 35, none: 20, '1s': 16, first: 35 };

/** About how long these take, in minutes. */
export function minutesFor(cells: readonly Cell[], rolls: number): number {
  const seconds = cells.map(({ strategies, replicas, health }) => {
    // A rollback needs a roll before it, measured or not.
    const count = strategies.includes('rollback') ? 2 : 1;
    return AROUND_S + rolls * count * replicas * ROLL_S[health];
  });
  return Math.ceil(seconds.reduce((sum, one) => sum + one, 0) / 60);
}

// The services that are rolled: how they are set up, what is asked of swapctl, and where that ends undisturbed.
import type { Strategy } from '../../src/core/model/strategy.ts';
import type { ProxyFacts } from '../../src/core/proxy/route.ts';

/** One service, its newer image, and what swapctl is called for. */
export interface Setup {
  readonly strategy: Strategy;
  /** Whether it publishes a fixed host port. */
  readonly published: boolean;
  readonly replicas: 1 | 2;
  readonly autoRemove: boolean;
  readonly restart: 'no' | 'always' | 'on-failure' | 'unless-stopped';
  /** Whether it writes to a volume, and whether that is copied before each change. */
  readonly volume: boolean;
  readonly copies: boolean;
  readonly keep: 0 | 1 | 2;
  /** Whether another container lives in its network. */
  readonly mate: boolean;
  /** Whether compose copied a file into it. */
  readonly files: boolean;
  /** The one-shot of its compose file that has to end before it starts. */
  readonly waitsFor?: string;
  /** How swapctl asks whether it is healthy: from outside, by the image's check inside, or not at all. */
  readonly health: 'http' | 'check' | 'none';
  /** What is wrong with the newer image; `hook`: nothing, but a hook fails, and that takes the roll back. */
  readonly bad: 'ends' | 'sick' | 'missing' | 'hook' | undefined;
  /** Whether it has a hook that does nothing. */
  readonly hooked: boolean;
  readonly command: 'roll' | 'rollback' | 'rollback with volumes' | 'update';
  /** Whether a proxy finds it by its labels and routes to what the engine calls healthy. */
  readonly proxied: boolean;
  /** Whether a proxy in front is told of the roll. */
  readonly told: boolean;
  /** The capabilities of that proxy, unless it has all. */
  readonly lacking: Partial<ProxyFacts>;
  /** Whether that proxy holds requests while nobody serves. */
  readonly holds: boolean;
  /** True: the newer image gets a share of the requests, or of the connections, first. */
  readonly canary: boolean;
  /** Whether the older image has no health check of its own. */
  readonly bringsCheck: boolean;
  /** Whether an earlier image failed here. */
  readonly remembered: boolean;
  /** Whether the kernel layer is within reach. */
  readonly kernel: boolean;
  readonly rehearsal: boolean;
  /** For how long a request is under way in what served first, and a connection is kept to it between requests, in milliseconds. */
  readonly busyMs: number;
  readonly keptMs: number;
}

const PLAIN: Setup = {
  strategy: 'start-first',
  published: false,
  replicas: 1,
  autoRemove: false,
  restart: 'always',
  volume: false,
  copies: false,
  keep: 0,
  mate: false,
  files: false,
  health: 'http',
  bad: undefined,
  hooked: false,
  command: 'roll',
  proxied: false,
  told: false,
  lacking: {},
  holds: false,
  canary: false,
  bringsCheck: false,
  remembered: false,
  kernel: true,
  rehearsal: true,
  busyMs: 0,
  keptMs: 0,
};

const STOP_FIRST: Setup = { ...PLAIN, strategy: 'stop-first', volume: true };
const HANDOVER: Setup = { ...PLAIN, strategy: 'handover', published: true };
// The proxy needs no kernel layer.
const TOLD: Setup = { ...PLAIN, told: true, kernel: false };
const COPIED: Setup = { ...STOP_FIRST, copies: true };

/** As test/chaos/ways.ts has them on real engines, and more. */
export const SETUPS = {
  'start-first': { ...PLAIN, remembered: true, hooked: true },
  'start-first, failed hook': { ...PLAIN, bad: 'hook' },
  'start-first, no kernel layer': { ...PLAIN, kernel: false, health: 'check' },
  'start-first, bad image': { ...PLAIN, bad: 'ends' },
  'start-first, sick image': { ...PLAIN, bad: 'sick', health: 'check' },
  'start-first, no check': { ...PLAIN, health: 'none', restart: 'on-failure' },
  'start-first, canary': { ...PLAIN, canary: true },
  'start-first, canary, failed hook': { ...PLAIN, canary: true, bad: 'hook' },
  'start-first, proxied': { ...PLAIN, proxied: true },
  'start-first, proxied, first check': { ...PLAIN, proxied: true, bringsCheck: true },
  'start-first, proxied, no kernel layer': { ...PLAIN, proxied: true, kernel: false, health: 'check' },
  told: TOLD,
  'told, kernel layer': { ...TOLD, kernel: true, hooked: true },
  'told, bad image': { ...TOLD, bad: 'ends' },
  'told, failed hook': { ...TOLD, bad: 'hook' },
  'told, scaled': { ...TOLD, replicas: 2 },
  'told, stop-first': { ...TOLD, strategy: 'stop-first', volume: true },
  'told, canary': { ...TOLD, canary: true },
  'told, as by nginx': { ...TOLD, lacking: { countsInFlight: false, keepsIdleClients: false, hold: 'no' } },
  'told, as by Traefik': { ...TOLD, lacking: { countsInFlight: false, hold: 'no', minMsBetween: 2000 } },
  'told, held': { ...TOLD, strategy: 'stop-first', volume: true, holds: true, busyMs: 200 },
  'told, stop-first, scaled': { ...TOLD, strategy: 'stop-first', volume: true, replicas: 2 },
  'told, handover': { ...TOLD, kernel: true, strategy: 'handover', published: true },
  'stop-first': STOP_FIRST,
  rehearsed: { ...PLAIN, strategy: 'stop-first', published: true },
  'rehearsed, bad image': { ...PLAIN, strategy: 'stop-first', published: true, bad: 'sick' },
  handover: { ...HANDOVER, hooked: true },
  'handover, busy': { ...HANDOVER, busyMs: 900, restart: 'unless-stopped' },
  'handover, proxied': { ...HANDOVER, proxied: true },
  'handover, kept connection': { ...HANDOVER, keptMs: 900 },
  'handover, canary': { ...HANDOVER, canary: true },
  'handover, bad image': { ...HANDOVER, bad: 'ends' },
  rollback: { ...PLAIN, command: 'rollback' },
  update: { ...PLAIN, command: 'update', health: 'check' },
  compose: { ...PLAIN, files: true },
  scaled: { ...PLAIN, replicas: 2, files: true },
  'scaled, bad image': { ...PLAIN, replicas: 2, bad: 'missing' },
  'scaled, stop-first': { ...STOP_FIRST, replicas: 2 },
  dependents: { ...PLAIN, mate: true },
  'dependents, stop-first': { ...STOP_FIRST, mate: true, restart: 'no' },
  'bad image': { ...STOP_FIRST, bad: 'ends' },
  copied: COPIED,
  'copied, kept': { ...COPIED, keep: 1 },
  'copied, bad image': { ...COPIED, bad: 'ends' },
  'rollback with volumes': { ...COPIED, keep: 2, command: 'rollback with volumes' },
  '--rm': { ...STOP_FIRST, autoRemove: true, restart: 'no' },
  '--rm, start-first': { ...PLAIN, autoRemove: true, restart: 'no' },
  '--rm, scaled': { ...STOP_FIRST, autoRemove: true, restart: 'no', replicas: 2 },
  '--rm, bad image': { ...STOP_FIRST, autoRemove: true, restart: 'no', bad: 'ends' },
} satisfies Record<string, Setup>;

export type SetupName = keyof typeof SETUPS;
export const SETUP_NAMES = Object.keys(SETUPS) as SetupName[];

/** How a roll to a bad image ends. */
export const BAD_ENDS = /^(not-healthy|cannot-start|known-bad|step-failed)$/;

/** Whether there may be a time in which nobody answers. */
export function hasGap({ strategy, replicas }: Setup): boolean {
  return strategy === 'stop-first' && replicas === 1;
}

export function goesBack({ command }: Setup): boolean {
  return command === 'rollback' || command === 'rollback with volumes';
}

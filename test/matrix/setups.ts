// The rolled services: their setup, the command, and the undisturbed result.
import type { Strategy } from '../../src/core/model/strategy.ts';
import type { ProxyFacts } from '../../src/core/proxy/route.ts';

/** One service, its newer image, and the command of swapctl. */
export interface Setup {
  readonly strategy: Strategy;
  /** True: it publishes a fixed host port. */
  readonly published: boolean;
  readonly replicas: 1 | 2;
  readonly autoRemove: boolean;
  readonly restart: 'no' | 'always' | 'on-failure' | 'unless-stopped';
  /** If it writes to a volume, and if that is backed up before each change. */
  readonly volume: boolean;
  readonly copies: boolean;
  readonly keep: 0 | 1 | 2;
  /** True: another container lives in its network. */
  readonly mate: boolean;
  /** True: compose copied a file into it. */
  readonly files: boolean;
  /** The one-shot of its compose file that must end before it starts. */
  readonly waitsFor?: string;
  /** Its health check: from outside, by the image's check inside, or none. */
  readonly health: 'http' | 'check' | 'none';
  /** The fault of the newer image; `hook`: none, but a hook fails, which undoes the roll. */
  readonly bad: 'ends' | 'sick' | 'missing' | 'hook' | undefined;
  /** True: it has a hook without an effect. */
  readonly hooked: boolean;
  readonly command: 'roll' | 'rollback' | 'rollback with volumes' | 'update';
  /** True: a proxy finds it by its labels and routes to containers that the engine calls healthy. */
  readonly proxied: boolean;
  /** True: swapctl drives a proxy in front. */
  readonly told: boolean;
  /** The capabilities of that proxy, unless it has all. */
  readonly lacking: Partial<ProxyFacts>;
  /** Whether that proxy holds requests while nobody serves. */
  readonly holds: boolean;
  /** True: it sends a share of the requests to the newer image first. */
  readonly canary: boolean;
  /** True: only the newer image has a health check. */
  readonly bringsCheck: boolean;
  /** True: an earlier image failed here. */
  readonly remembered: boolean;
  /** True: the kernel layer is available. */
  readonly kernel: boolean;
  readonly rehearsal: boolean;
  /** The time of a request in progress at the first container, and of an idle connection to it, in milliseconds. */
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

/** As test/chaos/scenarios.ts has them on real engines, and more. */
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

/** The errors of a roll to a bad image. */
export const BAD_ENDS = /^(not-healthy|cannot-start|known-bad|step-failed)$/;

/** True: there may be a time without an answer. */
export function hasGap({ strategy, replicas }: Setup): boolean {
  return strategy === 'stop-first' && replicas === 1;
}

export function goesBack({ command }: Setup): boolean {
  return command === 'rollback' || command === 'rollback with volumes';
}

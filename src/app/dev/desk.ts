import type { BuildSpec, BuiltImage } from '../../core/build/build.ts';
import type { Change, DevExec, Developed, SyncedFile, WatchedTree } from '../../core/build/develop.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import type { Ports } from '../../ports/ports.ts';
import { buildImage } from '../image/build.ts';
import { reported } from '../report/reported.ts';
import type { RollOptions } from '../rollout/roll-slot.ts';
import { type DevelopRequest, developedOf } from './developed.ts';
import { execInside, signalInside, syncFiles } from './inside.ts';
import { keepBefore, letGoBefore, rollToImage } from './replace.ts';
import { repositoryOf } from './repository.ts';
import { restartService } from './restart.ts';

/** How a developed service is rolled. */
export interface DevRoll {
  readonly overrides: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Whether this is the way back to what ran before. */
  readonly back?: boolean;
}

/** The use cases of development: a service is its key, as `developed` tells it. */
export interface DevDesk {
  /** What services are built from, and what is done when files change. */
  developed(selectors: readonly string[], request: DevelopRequest): Promise<Developed[]>;
  /** The repository that compose's files name for services; undefined where their settings do. Raises `config` where nothing does. */
  repository(selectors: readonly string[]): Promise<string | undefined>;
  /** Builds an image; `what` is built, for people. Raises `build-failed`, `refused`, `config`, `interrupted`. */
  build(spec: BuildSpec, what: string, signal: AbortSignal): Promise<BuiltImage>;
  /** Rolls a service to an image of the engine, by id; what went wrong is in the report. */
  replace(service: string, image: string, roll: DevRoll): Promise<ServiceReport>;
  /** Starts a service anew with what was synced below some paths in it; what went wrong is in the report. */
  restart(service: string, targets: readonly string[], roll: DevRoll): Promise<ServiceReport>;
  /** Copies files into the running replicas, and removes what is gone. Raises `step-failed`. */
  sync(service: string, files: readonly SyncedFile[]): Promise<void>;
  /** Runs a command in the running replicas; resolves with what it said if it failed. */
  exec(service: string, exec: DevExec, signal: AbortSignal): Promise<string | undefined>;
  /** Sends a signal to the running replicas; resolves with why one did not survive it, if so. */
  signal(service: string, signal: string): Promise<string | undefined>;
  /** Calls back with every change in some trees until the signal aborts; resolves once it sees them. */
  watch(
    trees: readonly WatchedTree[],
    options: { readonly pollMs: number | undefined; readonly signal: AbortSignal },
    onChange: (change: Change) => void,
  ): Promise<void>;
  /** The files of a tree that count. */
  files(tree: WatchedTree): Promise<string[]>;
  /** Keeps the image that a service runs, or lets go of it, for the way back. */
  keep(service: string, image: string | undefined): Promise<void>;
}

export function devDesk(ports: Ports): DevDesk {
  return {
    developed: (selectors, request) => developedOf(ports, selectors, request),
    repository: (selectors) => repositoryOf(ports, selectors),
    build: (spec, what, signal) => buildImage(ports, spec, what, signal),
    replace: (service, image, roll) => reported(service, () => rollToImage(ports, service, image, rollOptions(roll))),
    restart: (service, targets, roll) =>
      reported(service, () => restartService(ports, service, targets, rollOptions(roll))),
    sync: (service, files) => syncFiles(ports, service, files),
    exec: (service, exec, signal) => execInside(ports, service, exec, signal),
    signal: (service, signal) => signalInside(ports, service, signal),
    watch: (trees, options, onChange) => ports.sources.watch(trees, options, onChange),
    files: (tree) => ports.sources.list(tree),
    keep: (service, image) => (image === undefined ? letGoBefore(ports, service) : keepBefore(ports, service, image)),
  };
}

function rollOptions({
  overrides,
  signal,
  back = false,
}: DevRoll): Omit<RollOptions, 'target' | 'force' | 'image' | 'pull'> {
  return { overrides, signal, event: back ? 'rolled-back' : 'rolled', condemn: false };
}

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

/** The options for the roll of a service in development. */
export interface DevRoll {
  readonly overrides: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** True: this is the rollback to the image before development. */
  readonly back?: boolean;
}

/** The use cases of development: `developed` gives the keys of services. */
export interface DevDesk {
  /** The sources and rules of services. */
  developed(selectors: readonly string[], request: DevelopRequest): Promise<Developed[]>;
  /** The repository that compose's files name for services; undefined if their settings do. Raises `config` if neither does. */
  repository(selectors: readonly string[]): Promise<string | undefined>;
  /** Builds an image; `what` names it in messages. Raises `build-failed`, `refused`, `config`, `interrupted`. */
  build(spec: BuildSpec, what: string, signal: AbortSignal): Promise<BuiltImage>;
  /** Rolls a service to an image of the engine, by id; an error is in the report. */
  replace(service: string, image: string, roll: DevRoll): Promise<ServiceReport>;
  /** Restarts a service with the files synced below some paths in it; an error is in the report. */
  restart(service: string, targets: readonly string[], roll: DevRoll): Promise<ServiceReport>;
  /** Copies files into the running replicas, and removes deleted ones. Raises `step-failed`. */
  sync(service: string, files: readonly SyncedFile[]): Promise<void>;
  /** Runs a command in the running replicas; resolves with its output if it failed. */
  exec(service: string, exec: DevExec, signal: AbortSignal): Promise<string | undefined>;
  /** Sends a signal to the running replicas; resolves with the reason if one did not survive it. */
  signal(service: string, signal: string): Promise<string | undefined>;
  /** Reports every change in some trees until the signal aborts; resolves once the watch is active. */
  watch(
    trees: readonly WatchedTree[],
    options: { readonly pollMs: number | undefined; readonly signal: AbortSignal },
    onChange: (change: Change) => void,
  ): Promise<void>;
  /** The watched files of a tree. */
  files(tree: WatchedTree): Promise<string[]>;
  /** Retains the image of a service for the end of development, or releases it. */
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

function rollOptions({ overrides, signal, back = false }: DevRoll): Omit<RollOptions, 'target' | 'force' | 'pull'> {
  return { overrides, signal, event: back ? 'rolled-back' : 'rolled', rejectLeft: false };
}

import type { Progress } from '../core/report/progress.ts';
import type { Config } from '../core/settings/config.ts';
import type { TraceSettings } from '../core/trace/settings.ts';
import type { Builder, Compose, Git, Sources } from './build.ts';
import type { Engine } from './engine.ts';
import type { Clock, Host, Schedules } from './host.ts';
import type { Kernel } from './kernel.ts';
import type { Notify, Post } from './notify.ts';
import type { Registry } from './registry.ts';
import type { Swarm } from './swarm.ts';
import type { Traffic } from './traffic.ts';
import type { OpenTrafficDriver } from './traffic-driver.ts';

export type { GitTree } from '../core/build/git.ts';
export type {
  Bridge,
  EngineFacts,
  PullLayer,
  RegistryReach,
  RegistryRules,
} from '../core/model/engine.ts';
export type { Login, LoginFor, RemoteImage } from '../core/model/registry.ts';
export type { FindProcess, PortRedirectRequest, Process, RedirectEnd, RedirectStart } from '../core/traffic/routes.ts';
export type { Kernel, SeenAddressRedirect } from './kernel.ts';

/** The sink of progress; results never go there. */
export type Report = (progress: Progress) => void;

/** The configuration, which can be read again while it is in use. */
export interface Configuration {
  /** The settings of swapctl.yml. Raises `config` with the mistakes in it, so that a use case that needs no settings can continue. */
  readonly config: () => Config;
  /** Reads swapctl.yml again. Raises `config` with the mistakes in it; the previous settings then stay. */
  readonly reloadConfig: () => Promise<void>;
}

/** The ports that the use cases need. */
export interface Ports extends Configuration {
  readonly engine: Engine;
  readonly swarm: Swarm;
  readonly registry: Registry;
  readonly traffic: Traffic;
  readonly kernel: Kernel;
  /** Raises `config` for an unknown driver. */
  readonly proxies: OpenTrafficDriver;
  readonly clock: Clock;
  readonly host: Host;
  readonly compose: Compose;
  readonly builder: Builder;
  readonly git: Git;
  readonly sources: Sources;
  readonly schedules: Schedules;
  readonly notify: Notify;
  readonly post: Post;
  /** The receiver of traces; undefined: there is none. */
  readonly traces?: TraceSettings | undefined;
  readonly report: Report;
}

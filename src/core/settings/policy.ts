import type { GitSource } from '../build/git.ts';
import type { StrategySetting } from '../model/strategy.ts';
import type { ProxyPlace } from '../proxy/place.ts';
import type { Backoff, Schedule } from '../update/schedule.ts';
import type { Track } from '../update/track.ts';
import type { Window } from '../update/window.ts';
import type { Canary } from './canary.ts';
import type { Hook } from './hooks.ts';

/** How one service is to be rolled. Times in milliseconds. */
export interface Policy {
  readonly strategy: StrategySetting;
  /** `shared`: a second writer on its volumes is harmless. */
  readonly volumes: 'exclusive' | 'shared';
  /** True: stop-first proves the image without the exclusive things first. */
  readonly rehearsal: boolean;
  /** True: clients are kept from a new container until it is healthy. */
  readonly gate: boolean;
  /** How long a new container is watched after it took over, with the old one still at hand. */
  readonly settleMs: number;
  /** How long at the most open connections of the old container are waited for. */
  readonly drainMs: number;
  /** True: a drain ends when only idle connections are left. */
  readonly drainIdle: boolean;
  /** True: idle connections are closed before the old container stops. */
  readonly drainClose: boolean;
  /** How long at the most the old container's addresses are redirected once it is down, while clients still connect to them. */
  readonly lingerMs: number;
  /** The proxy in front that switches and drains the service; undefined: none is told. */
  readonly proxy: ProxyPlace | undefined;
  /** The route of that proxy; undefined: the name of the service. */
  readonly proxyRoute: string | undefined;
  /** The port that the proxy sends requests to; undefined: the only exposed one. */
  readonly proxyPort: number | undefined;
  /** How long at the most requests wait in the proxy while the container is replaced; 0: they do not. */
  readonly proxyHoldMs: number;
  /** The share of requests that the proxy sends to a new container first; undefined: all at once. */
  readonly canary: Canary | undefined;
  /** Hooks that run between the old container's stop and its removal. */
  readonly onSwitch: readonly Hook[];
  /** `undo`: a roll goes back if one of them fails. */
  readonly onSwitchFailure: 'report' | 'undo';
  /** Names of the containers whose labels may ask for hooks that reach this one. */
  readonly hooksFrom: readonly string[];
  /** How long a new container may take to become healthy; undefined: derived from its health check. */
  readonly healthTimeoutMs: number | undefined;
  readonly probe: UserProbe | undefined;
  /** `true`: the old container stays until the engine, too, calls the new one healthy. */
  readonly engineVerdict: 'auto' | 'true' | 'false';
  /** The verdict on a new container that does not listen on a published port on which the old one does. */
  readonly lostPorts: 'fail' | 'warn' | 'off';
  /** How many old images are kept as the way back. */
  readonly keep: number;
  /** Which of its volumes are copied before a new container starts, and how many copies are kept. */
  readonly backup: BackupPolicy;
  readonly backupKeep: number;
  /** An image on the engine whose program rm may empty its volumes. */
  readonly eraser: string | undefined;
  /** Which tags of its repository are followed. */
  readonly track: Track;
  /** True: it is updated unattended; undefined: the user did not say. */
  readonly enable: boolean | undefined;
  /** True: a newer image is only reported. */
  readonly monitorOnly: boolean;
  readonly schedule: Schedule;
  /** When it may be rolled by itself; none: always. */
  readonly windows: readonly Window[];
  readonly minAgeMs: number;
  readonly minIntervalMs: number;
  readonly backoff: Backoff | undefined;
  /** The rules of `swapctl dev` as the user wrote them; undefined: compose's rules, or all is rebuilt. */
  readonly devRules: string | undefined;
  /** The repository to build it from, instead of pulling it from a registry. */
  readonly git: GitSource | undefined;
  /** Services that are rolled before it, as the user names them. */
  readonly dependsOn: readonly string[];
}

/** Volumes as their user names them: by name, by the name in the compose file, or by where they are mounted. */
export type BackupPolicy =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly names: readonly string[] };

/** A health check given by the user, for images that have none. */
export type UserProbe =
  | { readonly kind: 'cmd'; readonly command: string }
  /** `host`: what it says in the Host header, instead of the container's address. */
  | { readonly kind: 'http'; readonly port: number; readonly path: string; readonly host?: string }
  | { readonly kind: 'tcp'; readonly port: number };

import type { GitSource } from '../build/git.ts';
import type { StrategySetting } from '../model/strategy.ts';
import type { ProxyPlace } from '../proxy/place.ts';
import type { Backoff, Schedule } from '../update/schedule.ts';
import type { Track } from '../update/track.ts';
import type { Window } from '../update/window.ts';
import type { Canary } from './canary.ts';
import type { Hook } from './hooks.ts';

/** The settings for the rolls of one service. Times in milliseconds. */
export interface Policy {
  readonly strategy: StrategySetting;
  /** `shared`: a second writer on its volumes does no harm. */
  readonly volumes: 'exclusive' | 'shared';
  /** True: stop-first first proves the image in a rehearsal, without the exclusive resources. */
  readonly rehearsal: boolean;
  /** True: a gate blocks clients from a new container until it is healthy. */
  readonly gate: boolean;
  /** How long to watch a new container after the switch, with the old one still there. */
  readonly settleMs: number;
  /** The maximum time to wait for open connections of the old container to close. */
  readonly drainMs: number;
  /** True: a drain ends when only idle connections are left. */
  readonly drainIdle: boolean;
  /** True: swapctl closes idle connections before the old container stops. */
  readonly drainClose: boolean;
  /** The maximum time to redirect the old container's addresses after its stop, while clients still connect to them. */
  readonly lingerMs: number;
  /** The proxy in front that switches and drains the service; undefined: none. */
  readonly proxy: ProxyPlace | undefined;
  /** The route of that proxy; undefined: the name of the service. */
  readonly proxyRoute: string | undefined;
  /** The port that the proxy sends requests to; undefined: the only exposed one. */
  readonly proxyPort: number | undefined;
  /** Of a proxy's container: services whose labels may name it; undefined: those of its compose project. */
  readonly proxyAllow: readonly string[] | undefined;
  /** The maximum time that requests wait in the proxy while the container is replaced; 0: they do not wait. */
  readonly proxyHoldMs: number;
  /** The share of requests that the proxy sends to a new container first; undefined: all of them. */
  readonly canary: Canary | undefined;
  /** Hooks that run between the old container's stop and its removal. */
  readonly onSwitch: readonly Hook[];
  /** `undo`: the roll is undone if a hook fails. */
  readonly onSwitchFailure: 'report' | 'undo';
  /** Names of the containers whose labels may request hooks that reach this one. */
  readonly hooksFrom: readonly string[];
  /** The maximum time for a new container to become healthy; undefined: derived from its health check. */
  readonly healthTimeoutMs: number | undefined;
  readonly probe: UserProbe | undefined;
  /** `true`: the old container stays until the engine, too, reports the new one as healthy. */
  readonly engineVerdict: 'auto' | 'true' | 'false';
  /** The verdict on a new container that does not listen on a published port of the old one. */
  readonly lostPorts: 'fail' | 'warn' | 'off';
  /** The number of retained images. */
  readonly keep: number;
  /** The volumes to back up before a new container starts, and the number of backups to keep. */
  readonly backup: BackupPolicy;
  readonly backupKeep: number;
  /** An image on the engine whose program rm may empty its volumes. */
  readonly eraser: string | undefined;
  /** The tags of its repository to track. */
  readonly track: Track;
  /** True: it is updated unattended; undefined: the user did not say. */
  readonly enable: boolean | undefined;
  /** True: a newer image is only reported. */
  readonly monitorOnly: boolean;
  readonly schedule: Schedule;
  /** The windows for unattended rolls; none: always. */
  readonly windows: readonly Window[];
  readonly minAgeMs: number;
  readonly minIntervalMs: number;
  readonly backoff: Backoff | undefined;
  /** The rules of `swapctl dev` as the user wrote them; undefined: compose's rules, or a rebuild on every change. */
  readonly devRules: string | undefined;
  /** The repository to build it from, instead of a pull from a registry. */
  readonly git: GitSource | undefined;
  /** Services to roll before it, as the user names them. */
  readonly dependsOn: readonly string[];
}

/** Volumes as the user names them: by name, by the name in the compose file, or by mount path. */
export type BackupPolicy =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly names: readonly string[] };

/** A health check given by the user, for images that have none. */
export type UserProbe =
  | { readonly kind: 'cmd'; readonly command: string }
  /** `host`: the value of the Host header, instead of the container's address. */
  | { readonly kind: 'http'; readonly port: number; readonly path: string; readonly host?: string }
  | { readonly kind: 'tcp'; readonly port: number };

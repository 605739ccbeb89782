import { openBuilder } from '../adapters/build/builder.ts';
import { installedCompose } from '../adapters/build/compose.ts';
import { installedGit } from '../adapters/build/git.ts';
import { openSources } from '../adapters/build/sources.ts';
import { checkConfig, openReloadable, schemaOfConfig, showConfig } from '../adapters/config/open.ts';
import { trustedUsers, whyUntrusted } from '../adapters/config/trusted.ts';
import { type Choice, type GivenLogin, knownLogins, openCredentials, openEngine } from '../adapters/docker/open.ts';
import { systemClock } from '../adapters/host/clock.ts';
import { machineName } from '../adapters/host/host.ts';
import { openSystem } from '../adapters/host/open.ts';
import { cronSchedules } from '../adapters/host/schedules.ts';
import { type NotifyOptions, openNotify, openPost } from '../adapters/notify/open.ts';
import { openRegistry } from '../adapters/registry/open.ts';
import { onCalls } from '../adapters/trace/calls.ts';
import { trafficDrivers } from '../adapters/traffic/drivers.ts';
import { nftKernel } from '../adapters/traffic/nftables/nft-kernel.ts';
import { socketCloser } from '../adapters/traffic/socket-closer.ts';
import { diagnoseSockets } from '../adapters/traffic/socket-diagnostics.ts';
import { fail } from '../core/model/error.ts';
import { testSummary } from '../core/report/summary.ts';
import type { ConfigDesk } from '../core/settings/config.ts';
import { traceSettings } from '../core/trace/settings.ts';
import type { Notify } from '../ports/notify.ts';
import type { Configuration, Ports, Report } from '../ports/ports.ts';
import { openProxies } from './proxies.ts';

/** The options that select the engine, and the sink of progress. */
export interface Reach {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  /** The source of the two, for messages, if it is not the command line. */
  readonly origin?: string | undefined;
  /** The TLS and ssh credentials of the engine, if they are not in files and environment of this machine. */
  readonly access?: Pick<Choice, 'ssh' | 'tls'> & { readonly logins?: readonly GivenLogin[] };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder, for Docker's contexts and logins. */
  readonly home: string;
  /** The configuration file, if the user named one. */
  readonly config?: string | undefined;
  /** The current folder. */
  readonly folder: string;
  readonly report: Report;
  /** An open configuration, instead of the file: a new connection must not change it. */
  readonly configuration?: Configuration | undefined;
}

interface Reporting {
  users: number;
  readonly stop: () => void;
}

const REPORTING = new Map<Report, Reporting>();

/**
 * Reports every engine, registry and nft call of this process from now on, once to each sink: a server has several connections
 * with one sink. The result stops the reports.
 */
export function reportCalls(report: Report): () => void {
  const begin = (): Reporting => ({
    users: 0,
    stop: onCalls(systemClock().now, (call) => report({ kind: 'call', ...call })),
  });
  const own = REPORTING.get(report) ?? begin();
  own.users += 1;
  REPORTING.set(report, own);
  return () => {
    own.users -= 1;
    if (own.users > 0) return;
    own.stop();
    REPORTING.delete(report);
  };
}

/** Opens the configuration file that the options name, or the one at a usual path. */
export function openConfig({
  config: file,
  env,
  folder,
}: Pick<Reach, 'config' | 'env' | 'folder'>): Promise<Configuration> {
  return openReloadable({ file, env, folder }, cronSchedules());
}

/**
 * Connects the ports to their adapters: this machine, and the engine that the options name. Raises `engine-unreachable`, and
 * `config` for a named configuration file that does not exist.
 */
export async function openPorts(reach: Reach): Promise<Ports> {
  const { host, context, origin, env, home, report, access: { logins: given = [], ...trust } = {} } = reach;
  const schedules = cronSchedules();
  const configuration = reach.configuration ?? (await openConfig(reach));
  // The engine and swapctl share one reader of logins, so both ask a registry as the same user.
  const loginFor = openCredentials({ env, home, given });
  const { engine, swarm } = await openEngine({ host, context, origin, ...trust }, loginFor);
  const kernel = nftKernel(() => engine.facts());
  const compose = installedCompose(env);
  const builder = openBuilder({ engine, env: dockerEnv(reach) });
  const sources = openSources();
  const outside = { logins: () => knownLogins(env, home), isTrusted: trustIn(env), options: optionsOf(reach) };
  const system = openSystem(engine, outside, { diagnose: diagnoseSockets, closer: socketCloser });
  const rules = async () => ({ ...(await engine.facts()).registries, hosts: configuration.config().registries });
  const registry = openRegistry({ loginFor, env, clock: system.clock, rules, report });
  const build = { compose, builder, git: installedGit({ env, home }), sources };
  return {
    engine,
    swarm,
    registry,
    kernel,
    // A new driver is a line here.
    proxies: openProxies(trafficDrivers(engine)),
    ...build,
    report,
    schedules,
    notify: notifiers(env),
    post: openHookPost(env),
    traces: traceSettings(env),
    ...configuration,
    ...system,
  };
}

// Nobody owns a file that is not there.
function trustIn(env: Reach['env']): (path: string) => Promise<boolean> {
  return (path) =>
    whyUntrusted(path, trustedUsers(env)).then(
      (why) => why === undefined,
      () => false,
    );
}

// The docker program must use the engine that the options name.
function dockerEnv({ host, context, env }: Pick<Reach, 'host' | 'context' | 'env'>): Reach['env'] {
  if (host) return { ...env, DOCKER_HOST: host, DOCKER_CONTEXT: undefined };
  return context ? { ...env, DOCKER_HOST: undefined, DOCKER_CONTEXT: context } : env;
}

/** The configuration file that the options name, or the one at a usual path. */
export function openConfigDesk(reach: Pick<Reach, 'config' | 'env' | 'folder'>): ConfigDesk {
  const lookup = { file: reach.config, env: reach.env, folder: reach.folder };
  return {
    check: () => checkConfig(lookup, cronSchedules()),
    show: () => showConfig(lookup, cronSchedules()),
    schema: schemaOfConfig,
    hooks: async () => (await openConfig(reach)).config().hooks,
    server: async () => (await openConfig(reach)).config().server,
    testNotify: async (signal) => {
      const { path, notifications } = (await openConfig(reach)).config();
      if (notifications.length === 0)
        return fail('config', `${path ?? 'swapctl.yml'} has no notifications`, { hint: 'add one under notifications' });
      return notifiers(reach.env)(testSummary(machineName()), notifications, signal);
    },
  };
}

// The options with which another run uses the same engine and configuration.
function optionsOf({ host, context, config }: Reach): string[] {
  const given = { '--host': host, '--context': context, '--config': config };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

// Notifiers trust the same certificates as registries.
function notifiers(env: Reach['env']): Notify {
  return openNotify(outward(env));
}

/** Posts documents to URLs that the user has configured. */
export function openHookPost(env: Reach['env']): ReturnType<typeof openPost> {
  return openPost(outward(env));
}

function outward(env: Reach['env']): NotifyOptions {
  const authorities = async () => (await import('../adapters/registry/settings.ts')).trustedAuthorities(env);
  return { env, clock: systemClock(), authorities };
}

import path from 'node:path';
import { checkConfig } from '../adapters/config/open.ts';
import { machineName, ownContainer, thisProgram } from '../adapters/host/host.ts';
import { cronSchedules } from '../adapters/host/schedules.ts';
import { presentOf, writeUnits } from '../adapters/host/units.ts';
import { fail } from '../core/model/error.ts';
import { type InstallDesk, STARTERS, type UnitFile, type UnitWish, unitPlan } from '../core/update/units.ts';

/** The settings that installed commands share with this one. */
export interface InstallReach {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
  /** The configuration file, if the user named one. */
  readonly config?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current folder. */
  readonly folder: string;
  /** Absolute paths of node and this program; by default the running ones. */
  readonly program?: readonly string[];
}

/** The variables that select docker's engine and logins; none is secret. */
const DOCKER_ENV = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'];
const ETC = '/etc/swapctl/swapctl.yml';

/** Makes cron or systemd run this program, with the engine and configuration that it would use here and now. */
export function openInstallDesk(reach: InstallReach): InstallDesk {
  const { env, program = thisProgram() } = reach;
  return {
    plan: async (wish) => {
      await checkCron(wish);
      const { config, notes } = await configOf(reach);
      const given = { '--host': reach.host, '--context': reach.context, '--config': config };
      const options = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
      const docker = DOCKER_ENV.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
      const place = { command: [...program, ...options], env: Object.fromEntries(docker), host: machineName() };
      const plan = unitPlan(wish, place);
      return { ...plan, notes: [...notes, ...programNotes(program), ...(await rivals(plan.files))] };
    },
    write: async (files, options) => {
      if (ownContainer() !== undefined)
        return fail('refused', 'running in a container: files written here would not reach the host', {
          hint: 'use --print, and write it to the host; or run swapctl watch as a container',
        });
      return writeUnits(files, options);
    },
  };
}

async function checkCron({ scheduler, schedule }: UnitWish): Promise<void> {
  // Other schedules are read, and refused, when the file is made.
  if (scheduler === 'cron' && schedule !== undefined && /^\S+( +\S+){4}$/.test(schedule.trim()))
    await cronSchedules().next(schedule.trim(), 0, undefined);
}

// Neither cron nor systemd starts in this folder.
async function configOf({
  config,
  env,
  folder,
}: InstallReach): Promise<{ config: string | undefined; notes: string[] }> {
  const found = await checkConfig({ file: config, env, folder }, cronSchedules());
  if (found.path === undefined) return { config: undefined, notes: [] };
  const full = path.resolve(folder, found.path);
  const wrong = found.mistakes.length > 0 ? [`${full} has mistakes: swapctl config check lists them`] : [];
  const unread = found.notes.map((note) => `${note} (for variables there is /etc/swapctl/env, with systemd)`);
  return { config: full === ETC ? undefined : full, notes: [...wrong, ...unread] };
}

function programNotes(program: readonly string[]): string[] {
  const passing = program.find((file) => file.includes('/_npx/'));
  return passing === undefined ? [] : [`${passing} is in npx's cache and may go away: npm install -g swapctl`];
}

async function rivals(files: readonly UnitFile[]): Promise<string[]> {
  const own = files.map((file) => file.path);
  const others = await presentOf(STARTERS.filter((starter) => !own.includes(starter)));
  return others.map((other) => `${other} starts swapctl, too: remove it if this is to replace it`);
}

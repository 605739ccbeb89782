import type { Container } from '../model/container.ts';
import type { UserProbe } from '../settings/policy.ts';

/**
 * The note about a health check that asks the container by a name which the incumbent has as well, while that one still runs: the
 * engine's DNS may name either. Undefined for all others. A hostname is in the container's own /etc/hosts.
 */
export function selfNamedNote(container: Container, probe: UserProbe | undefined): string | undefined {
  const asked = hostsIn(commandOf(container, probe));
  const name = namesOf(container).find((one) => asked.has(one));
  if (name === undefined) return undefined;
  return (
    `the health check asks ${name}, and the old container has that name, too: its answer may pass for the new container's; ` +
    'let the check ask 127.0.0.1'
  );
}

function commandOf({ config }: Container, probe: UserProbe | undefined): string {
  if (probe) return probe.kind === 'cmd' ? probe.command : '';
  return (config.Healthcheck?.Test ?? []).slice(1).join(' ');
}

const HOSTS = [/\/\/(?:[^\s/@]*@)?([\w.-]+)/g, /(?:^|\s)(?:-h|--host)[ =]?([\w.-]+)/g, /(?<![\w./@-])([\w.-]+)[: ]\d/g];

function hostsIn(command: string): Set<string> {
  return new Set(HOSTS.flatMap((host) => [...command.matchAll(host)].map(([, name = '']) => name.toLowerCase())));
}

function namesOf({ id, name, config, networks }: Container): string[] {
  const aliases = Object.values(networks).flatMap(({ Aliases }) => Aliases ?? []);
  const own = [config.Hostname, id.slice(0, 12)];
  return [...aliases, name].filter((one) => !own.includes(one)).map((one) => one.toLowerCase());
}

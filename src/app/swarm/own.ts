import type { SwarmService } from '../../core/swarm/model.ts';
import type { Ports } from '../../ports/ports.ts';

const SERVICE_ID = 'com.docker.swarm.service.id';

/** The id of the Swarm service of which this process is a task; undefined for any other process. */
export async function ownService({ engine, host }: Pick<Ports, 'engine' | 'host'>): Promise<string | undefined> {
  if (host.containerId === undefined) return undefined;
  return (await engine.container(host.containerId))?.config.Labels?.[SERVICE_ID];
}

/** Why a process does not roll its own service: Swarm would stop it before it could judge the roll. */
export function whyOwn({ name }: Pick<SwarmService, 'name'>): { readonly message: string; readonly hint: string } {
  return {
    message: `swapctl itself runs in ${name}, and Swarm would stop it in the middle of the roll`,
    hint: `docker service update --image REFERENCE ${name}, or run swapctl roll outside of the service`,
  };
}

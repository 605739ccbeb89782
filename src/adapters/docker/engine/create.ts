import type Dockerode from 'dockerode';
import type { CreateRequest, Endpoint } from '../../../core/model/container.ts';
import { primaryNetwork } from '../../../core/recreate/networks.ts';
import { compareApi } from '../connect/negotiate.ts';

/**
 * Creates a container and resolves with its id. From API 1.44 the call names all networks; before that it names one, and the
 * others are connected before the start (T12). If that fails, the container is removed again.
 */
export async function createContainer(docker: Dockerode, request: CreateRequest, apiVersion: string): Promise<string> {
  const atOnce = compareApi(apiVersion, '1.44') >= 0;
  const primary = await primaryName(docker, request);
  const first = atOnce ? request.networks : only(request.networks, primary);
  const mac = atOnce ? undefined : request.networks[primary]?.MacAddress;
  const body = {
    name: request.name,
    ...request.config,
    ...(mac ? { MacAddress: mac } : {}),
    HostConfig: request.host,
    NetworkingConfig: { EndpointsConfig: first },
  };
  const container = await docker.createContainer(body as unknown as Dockerode.ContainerCreateOptions);
  if (!atOnce) await connectOthers(docker, container, request.networks, primary);
  return container.id;
}

// The mode may name the network by its id, the endpoints go by names.
async function primaryName(docker: Dockerode, { host, networks }: CreateRequest): Promise<string> {
  const name = primaryNetwork({ host, networks });
  if (name in networks || Object.keys(networks).length === 0) return name;
  const network = (await docker.getNetwork(name).inspect()) as { Name: string };
  return network.Name;
}

async function connectOthers(
  docker: Dockerode,
  container: Dockerode.Container,
  networks: CreateRequest['networks'],
  primary: string,
): Promise<void> {
  try {
    for (const [name, endpoint] of Object.entries(networks)) {
      if (name === primary) continue;
      await docker
        .getNetwork(name)
        .connect({ Container: container.id, EndpointConfig: endpoint as Dockerode.EndpointSettings });
    }
  } catch (error) {
    await container.remove({ force: true });
    throw error;
  }
}

function only(networks: Readonly<Record<string, Endpoint>>, name: string): Record<string, Endpoint> {
  const endpoint = networks[name];
  return endpoint ? { [name]: endpoint } : {};
}

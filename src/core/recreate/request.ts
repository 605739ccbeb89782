import type { Container, ContainerConfig, CreateRequest, MountRequest } from '../model/container.ts';
import { COMPOSE_HASH, COMPOSE_IMAGE, COMPOSE_REPLACE, isComposeLabel, isStateLabel } from '../model/label-keys.ts';
import { encodeState, type StateNote } from '../service/labels.ts';
import { type HostChange, hostRequest, rehearsalHost, standInHost } from './host.ts';
import { endpointRequests } from './networks.ts';
import { type UserSet, userConfig } from './user-set.ts';

export interface Successor extends HostChange {
  readonly name: string;
  readonly follows: string;
  readonly userSet: UserSet;
  readonly state: StateNote;
  /** The image label that compose would write for the new image; undefined if the incumbent has no such label. */
  readonly composeImage: string | undefined;
  /** The hash label that compose would write; undefined if the label stays the same. */
  readonly composeHash: string | undefined;
  /** The name to keep resolvable during the overlap; undefined if there is none. */
  readonly alias: string | undefined;
}

/** The create call for the container that is to replace `container`. Pure; only the engine knows whether it is valid. */
export function replicaRequest(container: Container, to: Successor): CreateRequest {
  const config = userConfig(container.config, to.userSet);
  return {
    name: to.name,
    config: { ...configBase(container, config), Image: to.follows, Labels: replicaLabels(config, to) },
    host: hostRequest(container, to),
    networks: endpointRequests(container, { alias: to.alias, detached: false, successors: to.successors }),
  };
}

/**
 * The create call for a rehearsal: no ports, no static addresses, no aliases, and none of compose's labels, since compose would
 * take it for a replica (T45).
 */
export function rehearsalRequest(container: Container, to: Successor): CreateRequest {
  const replica = withoutComposeLabels(replicaRequest(container, to));
  return {
    ...replica,
    host: rehearsalHost(replica.host),
    networks: endpointRequests(container, { alias: undefined, detached: true, successors: to.successors }),
  };
}

/** The create call for a stand-in: reachable as the slot is, but at host ports that the engine picks, and not a replica for compose. */
export function standInRequest(container: Container, to: Successor): CreateRequest {
  const replica = withoutComposeLabels(replicaRequest(container, to));
  return { ...replica, host: standInHost(replica.host) };
}

/** How often the engine restarts a helper that was killed or lost its engine. */
const HELPER_TRIES = 3;

/**
 * The create call for a container that rolls this one: the same rights, mounts and variables, another command, and no labels that
 * would make it look like this one.
 */
export function helperRequest(
  container: Container,
  to: Successor,
  command: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>,
): CreateRequest {
  const { name, config, host, networks } = rehearsalRequest(container, to);
  const alone = { Labels: encodeState(to.state), Healthcheck: { Test: ['NONE'] }, Tty: false, OpenStdin: false };
  const restart = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: HELPER_TRIES } };
  return { name, config: { ...config, ...command, ...alone }, host: { ...host, ...restart }, networks };
}

function withoutComposeLabels(request: CreateRequest): CreateRequest {
  const labels = Object.entries(request.config.Labels ?? {}).filter(([key]) => !isComposeLabel(key));
  return { ...request, config: { ...request.config, Labels: Object.fromEntries(labels) } };
}

/** The create call for an inert container: it never starts and only holds a name and labels. */
export function inertRequest(name: string, image: string, labels: Record<string, string>): CreateRequest {
  return {
    name,
    config: { Image: image, Entrypoint: ['/swapctl-inert'], Cmd: [], Labels: labels, Healthcheck: { Test: ['NONE'] } },
    host: { NetworkMode: 'none', RestartPolicy: { Name: 'no' } },
    networks: {},
  };
}

/** The create call for the container that copies volumes: inert, unless it gets a command. */
export function copyingRequest(
  name: string,
  image: string,
  labels: Record<string, string>,
  mounts: readonly MountRequest[],
): CreateRequest {
  const inert = inertRequest(name, image, labels);
  return { ...inert, host: { ...inert.host, Mounts: [...mounts] } };
}

function configBase(container: Container, config: ContainerConfig): ContainerConfig {
  const base: ContainerConfig = { ...config };
  // From API 1.52 on a container-wide MAC address is not supported; the endpoint carries it (T8).
  delete base.MacAddress;
  delete base.OnBuild;
  if (!keepsHostname(container)) delete base.Hostname;
  base.ExposedPorts = container.host.NetworkMode?.startsWith('container:')
    ? {}
    : { ...base.ExposedPorts, ...published(container) };
  return base;
}

// Older engines publish only exposed ports; the new image may lack an EXPOSE that the old image had.
function published(container: Container): Record<string, object> {
  const bound = container.host.PortBindings ?? {};
  return Object.fromEntries(Object.entries(container.config.ExposedPorts ?? {}).filter(([port]) => port in bound));
}

// An automatic hostname is the short id: a copy would pin the id of the incumbent (T5). With another container's network or the
// host's UTS namespace the engine refuses a hostname; with the host's network it takes one.
function keepsHostname(container: Container): boolean {
  if (container.config.Hostname === container.id.slice(0, 12)) return false;
  return !container.host.NetworkMode?.startsWith('container:') && !container.host.UTSMode;
}

function replicaLabels(config: ContainerConfig, to: Successor): Record<string, string> {
  const kept = Object.entries(config.Labels ?? {}).filter(([key]) => !isStateLabel(key) && key !== COMPOSE_REPLACE);
  const labels = Object.fromEntries(kept);
  if (to.composeImage !== undefined && COMPOSE_IMAGE in labels) labels[COMPOSE_IMAGE] = to.composeImage;
  if (to.composeHash !== undefined) labels[COMPOSE_HASH] = to.composeHash;
  return { ...labels, ...encodeState(to.state) };
}

import type { ContainerSummary } from '../model/container.ts';
import { COMPOSE_ONEOFF, SWARM_SERVICE, SWARM_TASK } from '../model/label-keys.ts';

/**
 * The facts of a container that show which program starts and ends it. Its labels are its own: an image cannot say who owns a
 * container.
 */
type Subject = Pick<ContainerSummary, 'name' | 'labels' | 'networks' | 'pod'>;

/** Why a container must not be rolled, and where to update it instead. */
export interface Why {
  readonly message: string;
  readonly hint: string;
}

/** A program that starts and ends its own containers, and does not know those that swapctl would create. */
interface Manager {
  readonly owns: (container: Subject) => boolean;
  /** Continues a sentence that starts with the container's name. */
  readonly is: string | ((container: Subject) => string);
  readonly hint: string | ((container: Subject) => string);
}

const SYSTEMD_UNIT = 'PODMAN_SYSTEMD_UNIT';
const GAME_PANELS: readonly string[] = ['Pterodactyl', 'Pelican'];
const RE_CREATE_POD =
  'pull the image, then re-create it as it was made: podman kube play --replace, podman-compose up -d, or podman run --pod';

// The documentation or source of each program states its labels, names and networks.
const ORCHESTRATORS: readonly Manager[] = [
  {
    owns: hasLabel(SWARM_TASK),
    is: 'a task of a Swarm service, which Swarm replaces by itself',
    hint: ({ labels }) => `on a manager of the Swarm: swapctl roll ${labels[SWARM_SERVICE] ?? 'SERVICE'}`,
  },
  {
    // Of the kubelet's dockershim and of cri-dockerd.
    owns: hasLabel('io.kubernetes.pod.uid'),
    is: 'part of a Kubernetes pod, which the kubelet replaces by itself',
    hint: 'use kubectl set image, or kubectl rollout restart',
  },
  {
    owns: hasLabel('com.hashicorp.nomad.alloc_id'),
    is: 'an allocation of Nomad, which Nomad replaces by itself',
    hint: 'change the image in the job, then use nomad job run',
  },
  {
    owns: hasLabel('com.amazonaws.ecs.task-arn'),
    is: 'part of an ECS task, which the ECS agent replaces by itself',
    hint: 'use aws ecs update-service --force-new-deployment',
  },
  {
    // Quadlets and the units of podman generate systemd.
    owns: hasLabel(SYSTEMD_UNIT),
    is: (container) => `run by the systemd unit ${unitOf(container)}, which would start the old image again`,
    hint: (container) => `pull the image, then use systemctl restart ${unitOf(container)}`,
  },
];

const PLATFORMS: readonly Manager[] = [
  {
    owns: hasLabel('supervisor_managed'),
    is: 'managed by the Home Assistant Supervisor, which replaces it by itself',
    hint: 'update it in Home Assistant, under Settings',
  },
  {
    owns: hasLabel('io.balena.supervised'),
    is: 'managed by the balena Supervisor, which replaces it by itself',
    hint: 'release the new image with balena push',
  },
  {
    owns: hasLabel('isCloudronManaged', 'true'),
    is: 'managed by Cloudron, which replaces it by itself',
    hint: "update it in Cloudron's dashboard",
  },
  {
    owns: hasLabel('com.dokku.app-name'),
    is: 'managed by Dokku, whose proxy would go on asking the old container',
    hint: 'use dokku git:from-image, or dokku ps:rebuild',
  },
  {
    owns: (container) =>
      hasLabel('ContainerType', 'server_process')(container) && GAME_PANELS.includes(container.labels.Service ?? ''),
    is: 'a game server of Wings, which replaces it by itself',
    hint: 'restart it in the panel, which pulls the image',
  },
];

const CLUSTER_NODES: readonly Manager[] = [
  {
    owns: hasLabel('io.x-k8s.kind.cluster'),
    is: 'a node of a kind cluster, and a new container would be an empty node',
    hint: 'use kind delete cluster, then kind create cluster --image',
  },
  {
    owns: hasLabel('k3d.cluster'),
    is: 'a node of a k3d cluster, and a new container would be an empty node',
    hint: 'use k3d cluster delete, then k3d cluster create --image',
  },
  {
    owns: hasLabel('created_by.minikube.sigs.k8s.io', 'true'),
    is: 'a node of a minikube cluster, and a new container would be an empty node',
    hint: 'use minikube delete, then minikube start',
  },
];

const JOBS: readonly Manager[] = [
  {
    owns: hasLabel(COMPOSE_ONEOFF, 'True'),
    is: 'a job of docker compose run, and would begin anew',
    hint: 'wait until it has ended; the next docker compose run takes the new image',
  },
  {
    owns: isNamed(/^buildx_buildkit_/),
    is: 'a builder of docker buildx, and builds may be running in it',
    hint: 'use docker buildx rm --keep-state, then docker buildx create; it pulls the new image',
  },
  {
    // A job's container, its services, and its actions share a network made for the job.
    owns: ({ networks }) => networks.some((network) => /^github_network_[0-9a-f]{32}$/.test(network)),
    is: 'at work for a job of GitHub Actions, and goes when the job ends',
    hint: 'change the image in the workflow; the next job pulls it',
  },
  {
    owns: hasLabel('com.gitlab.gitlab-runner.managed', 'true'),
    is: 'at work for a job of GitLab CI, and goes when the job ends',
    hint: 'change the image in .gitlab-ci.yml; the next job pulls it',
  },
  {
    owns: isNamed(/^(GITEA|FORGEJO)-ACTIONS-TASK-\d/),
    is: ({ name }) =>
      `at work for a job of ${name.startsWith('G') ? 'Gitea' : 'Forgejo'} Actions, and goes when the job ends`,
    hint: 'change the image in the workflow; the next job pulls it',
  },
  {
    owns: hasLabel('io.drone.stage.number'),
    is: 'at work for a job of Drone, and goes when the job ends',
    hint: 'change the image in .drone.yml; the next job pulls it',
  },
  {
    owns: hasLabel('org.testcontainers', 'true'),
    is: 'at work for a test run (Testcontainers), and goes when the tests end',
    hint: 'change the image in the tests; the next run pulls it',
  },
];

const DESKTOPS: readonly Manager[] = [
  {
    owns: hasLabel('devcontainer.local_folder'),
    is: 'a dev container, which an editor is working in',
    hint: 'rebuild it in the editor, or with devcontainer up --remove-existing-container',
  },
  {
    owns: hasLabel('manager', 'distrobox'),
    is: 'a distrobox, and the packages installed in it would be lost',
    hint: 'use distrobox upgrade, or create it again with distrobox assemble',
  },
];

// If systemd runs a pod, the user has to restart the unit, so pods come last.
const PODS: readonly Manager[] = [
  {
    owns: ({ pod }) => pod?.infra === true,
    is: ({ pod }) => `the infra container of the Podman pod ${pod?.name}, which Podman makes together with the pod`,
    hint: RE_CREATE_POD,
  },
  {
    owns: ({ pod }) => pod !== undefined,
    is: ({ pod }) => `in the Podman pod ${pod?.name}, and Podman's Docker API can put no new container into a pod`,
    hint: RE_CREATE_POD,
  },
];

const MANAGERS = [...ORCHESTRATORS, ...PLATFORMS, ...CLUSTER_NODES, ...JOBS, ...DESKTOPS, ...PODS];

/** Why no container of another program is ever rolled; undefined if no other program starts and ends this one. */
export function whyManaged(container: Subject): Why | undefined {
  const manager = MANAGERS.find(({ owns }) => owns(container));
  if (!manager) return undefined;
  const { is, hint } = manager;
  return { message: `${container.name} is ${said(is, container)}`, hint: said(hint, container) };
}

/** Reason and advice as one sentence, for short messages. */
export function sentence({ message, hint }: Why): string {
  return `${message}; ${hint}`;
}

function hasLabel(key: string, value?: string): Manager['owns'] {
  return ({ labels }) => (value === undefined ? labels[key] !== undefined : labels[key] === value);
}

function isNamed(pattern: RegExp): Manager['owns'] {
  return ({ name }) => pattern.test(name);
}

function unitOf({ labels }: Subject): string {
  return labels[SYSTEMD_UNIT] ?? '';
}

function said(text: Manager['is'], container: Subject): string {
  return typeof text === 'string' ? text : text(container);
}

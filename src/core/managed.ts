import type { ContainerSummary } from './container.ts';
import { COMPOSE_ONEOFF, SWARM_TASK } from './label-keys.ts';

/** A program that creates containers, replaces them by itself, and would take what swapctl creates for a stranger's. */
interface Manager {
  /** The label that it sets on each of its containers. */
  readonly label: string;
  readonly is: string;
  readonly hint: string;
}

// Each label stands in the documentation or source of its program: Swarm, the kubelet's dockershim and cri-dockerd, Nomad's docker driver,
// the agent of Amazon ECS, and the systemd units of Podman (quadlets among them).
const MANAGERS: readonly Manager[] = [
  {
    label: SWARM_TASK,
    is: 'a task of a Swarm service, which Swarm replaces by itself',
    hint: 'use docker service update --image',
  },
  {
    label: 'io.kubernetes.pod.uid',
    is: 'part of a Kubernetes pod, which the kubelet replaces by itself',
    hint: 'use kubectl set image, or kubectl rollout restart',
  },
  {
    label: 'com.hashicorp.nomad.alloc_id',
    is: 'an allocation of Nomad, which Nomad replaces by itself',
    hint: 'change the image in the job, then use nomad job run',
  },
  {
    label: 'com.amazonaws.ecs.task-arn',
    is: 'part of an ECS task, which the ECS agent replaces by itself',
    hint: 'use aws ecs update-service --force-new-deployment',
  },
  {
    label: 'PODMAN_SYSTEMD_UNIT',
    is: 'run by a unit of systemd, which would start the old image again',
    hint: 'pull the image, then use systemctl restart with its unit',
  },
];

/**
 * Why a container is not to be rolled, since somebody else decides when it begins and ends: an orchestrator, or whoever has started a job
 * by `docker compose run`. Only the container's own labels tell; an image can't.
 */
export function whyManaged({
  name,
  labels,
}: Pick<ContainerSummary, 'name' | 'labels'>): { message: string; hint: string } | undefined {
  if (labels[COMPOSE_ONEOFF] === 'True')
    return {
      message: `${name} is a job of docker compose run, and would begin anew`,
      hint: 'wait until it has ended; the next docker compose run takes the new image',
    };
  const manager = MANAGERS.find(({ label }) => labels[label] !== undefined);
  return manager && { message: `${name} is ${manager.is}`, hint: manager.hint };
}

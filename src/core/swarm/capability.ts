import type { Policy } from '../settings/policy.ts';
import { formatDuration } from '../text/duration.ts';
import type { SwarmNode, SwarmService } from './model.ts';

/** Why a service must not be rolled. */
export interface Why {
  readonly code: 'refused' | 'busy';
  readonly message: string;
  readonly hint: string;
}

/** The reason not to roll a service; `force`: a user takes over from a paused update. */
export function whyNot(service: SwarmService, policy: Policy, force: boolean): Why | undefined {
  return whyMode(service) ?? whySetting(service, policy) ?? whyUpdate(service, force);
}

/** The reason not to roll a service at all, whatever its settings are. */
export function whyMode({ name, mode, replicas }: SwarmService): Why | undefined {
  if (mode === 'job')
    return refused(`${name} is a job, which runs once`, 'its next run takes the image that it is created with');
  if (replicas === 0)
    return refused(
      `${name} is scaled to 0, so no task could prove the new image`,
      `docker service scale ${name}=1, then roll it`,
    );
  return undefined;
}

// These settings can't work on another node.
function whySetting({ name }: SwarmService, policy: Policy): Why | undefined {
  const { probe, backup, git, onSwitch } = policy;
  if (probe)
    return refused(
      `${name} has swapctl.health.${probe.kind}, and swapctl reaches no task on another node`,
      'write the check as HEALTHCHECK into the image, or as healthcheck into the stack file: Swarm goes by it',
    );
  if (backup.kind !== 'none')
    return refused(
      `${name} has swapctl.backup.volumes, and its volumes lie on other nodes`,
      'take the setting out, and back up on the nodes',
    );
  if (git)
    return refused(
      `${name} has swapctl.build.git, and other nodes could not pull what is built here`,
      'push the image to a registry',
    );
  if (onSwitch.length > 0)
    return refused(`${name} has swapctl.on-switch, and Swarm switches by itself`, 'take the setting out');
  return undefined;
}

function whyUpdate({ name, update }: SwarmService, force: boolean): Why | undefined {
  switch (update?.state) {
    case 'updating':
    case 'rollback_started':
      return {
        code: 'busy',
        message: `Swarm is updating ${name} already, for another process (${update.message})`,
        hint: `docker service ps ${name} shows the tasks; wait until the update has ended`,
      };
    case 'paused':
    case 'rollback_paused':
      if (force) return undefined;
      return refused(
        `the last update of ${name} is ${update.state === 'paused' ? 'paused' : 'a rollback that is paused'}: ${update.message}`,
        `its tasks may run two images: docker service rollback ${name}, or --force to roll from this state`,
      );
    default:
      return undefined;
  }
}

function refused(message: string, hint: string): Why {
  return { code: 'refused', message, hint };
}

/** Describes in one sentence how Swarm replaces the tasks, and what happens if one fails. */
export function howSwarm({ updateConfig, replicas, mode }: SwarmService): string {
  const { order, parallelism, monitorMs, failureAction } = updateConfig;
  const tasks = mode === 'global' ? 'the task of each node' : `${replicas} task${replicas === 1 ? '' : 's'}`;
  const pace = replicas === 1 ? '' : parallelism === 0 ? ', all at once' : `, ${parallelism} at a time`;
  const then = {
    pause: 'pauses the update; then swapctl puts the old image back',
    rollback: 'makes Swarm go back to the spec before',
    continue: 'changes nothing for Swarm; then swapctl puts the old image back',
  }[failureAction];
  return `Swarm replaces ${tasks}${pace}, ${order}, by its update_config; a failure within ${formatDuration(monitorMs)} of a start ${then}`;
}

/** The warnings before a roll: guarantees of swapctl on a host that depend on Swarm here, or do not hold. */
export function notesOn(
  service: SwarmService,
  policy: Policy,
  nodes: readonly SwarmNode[],
  hasCheck: boolean | undefined,
): string[] {
  const { updateConfig, replicas, hostPorts, stopGraceMs } = service;
  const { order, monitorMs } = updateConfig;
  const workers = nodes.filter(({ ready, availability }) => ready && availability === 'active').length;
  const noSpare = hostPorts.length > 0 && order === 'start-first' && (replicas === undefined || replicas >= workers);
  return [
    ...(hasCheck === false ? ['no HEALTHCHECK: Swarm sends requests to a new task as soon as its process runs'] : []),
    ...(order === 'stop-first' && replicas === 1
      ? [
          'stop-first with one task: nobody answers while it is replaced (update_config.order: start-first changes that)',
        ]
      : []),
    ...(noSpare
      ? [
          `each node publishes port ${hostPorts.join(', ')} of one task (mode: host), so with start-first no new task can start: use stop-first`,
        ]
      : []),
    ...(policy.strategy !== 'auto' && policy.strategy !== order
      ? [
          `swapctl.strategy is ${policy.strategy}, but Swarm goes by update_config.order (${order}), which swapctl does not change`,
        ]
      : []),
    ...(monitorMs < policy.settleMs
      ? [
          `Swarm watches new tasks for ${formatDuration(monitorMs)} (update_config.monitor), swapctl for ${formatDuration(policy.settleMs)} after the last one`,
        ]
      : []),
    `drains, addresses and the stop are Swarm's: a task gets ${formatDuration(stopGraceMs)} from SIGTERM (stop_grace_period)`,
  ];
}

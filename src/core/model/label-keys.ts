/** Labels that swapctl writes. The engine fixes labels at creation, so they hold only facts known then. */
export const STATE = 'swapctl.state.';

export const COMPOSE_PROJECT = 'com.docker.compose.project';
export const COMPOSE_SERVICE = 'com.docker.compose.service';
export const COMPOSE_NUMBER = 'com.docker.compose.container-number';
export const COMPOSE_ONEOFF = 'com.docker.compose.oneoff';
export const COMPOSE_IMAGE = 'com.docker.compose.image';
export const COMPOSE_HASH = 'com.docker.compose.config-hash';
export const COMPOSE_FOLDER = 'com.docker.compose.project.working_dir';
export const COMPOSE_ENV_FILES = 'com.docker.compose.project.environment_file';
export const COMPOSE_REPLACE = 'com.docker.compose.replace';
export const COMPOSE_DEPENDS_ON = 'com.docker.compose.depends_on';
export const COMPOSE_FILES = 'com.docker.compose.project.config_files';
export const SWARM_TASK = 'com.docker.swarm.task.id';
export const SWARM_SERVICE = 'com.docker.swarm.service.name';

/** Id of the image that swapctl created a container from. An image can't contain its own id, which is a hash of its labels. */
export const STATE_BASE = `${STATE}base`;

/** True: swapctl writes the label, so it must not be copied from one container to the next. */
export function isStateLabel(key: string): boolean {
  return key.startsWith(STATE);
}

/** True: compose wrote the label. */
export function isComposeLabel(key: string): boolean {
  return key.startsWith('com.docker.compose.');
}

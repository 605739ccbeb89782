import { type ImageRef, parseReference, sameRepository } from '../model/reference.ts';

/** A service as compose files define it. */
export type ComposeService = Readonly<Record<string, unknown>>;

/** A container that a service waits for until it has ended successfully, if it exists. */
export interface OneShot {
  readonly service: string;
  /** The reference that its container was created from; undefined if the container is gone. */
  readonly image: string | undefined;
}

/**
 * Actions of compose for a service, beside creating its containers, that swapctl does not do: a sentence each. `definitions` are the
 * service's parts in the compose files whose hooks cannot be run here.
 */
export function notDone(
  service: string,
  definitions: readonly ComposeService[],
  oneShots: readonly OneShot[],
  follows: ImageRef,
): string[] {
  return [...hooksNotDone(service, definitions), ...oneShots.flatMap((one) => oneShotNotDone(service, one, follows))];
}

/** The line of a plan if the files cannot be read; the report of a roll does not repeat it. */
export function notKnown(service: string): string {
  return (
    `not known to swapctl: its compose file cannot be read here, so look there whether ${service} has post_start or pre_stop, ` +
    'which swapctl could not run'
  );
}

const RUN_IF =
  'swapctl runs hooks without variables, quotes, include, extends and extra privileges, from files that only root may write to';

const HOOKS = [
  ['post_start', 'after each start', RUN_IF],
  ['pre_stop', 'before each stop', RUN_IF],
] as const;

// Compose appends the hooks of a further file to those of the first.
function hooksNotDone(service: string, definitions: readonly ComposeService[]): string[] {
  return HOOKS.flatMap(([key, when, advice]) => {
    const count = definitions.flatMap((one) => one[key] ?? []).length;
    if (count === 0) return [];
    const commands = count === 1 ? '1 command' : `${count} commands`;
    return [`not done by swapctl: ${key} of ${service} (${commands}), which compose runs ${when}; ${advice}`];
  });
}

function oneShotNotDone(service: string, { service: name, image }: OneShot, follows: ImageRef): string[] {
  const run = `docker compose run --rm ${name} runs it`;
  if (image === undefined)
    return [
      `not done by swapctl: ${name}, which compose runs to its end before ${service}; its container is gone; ${run}`,
    ];
  if (!sameRepository(parseReference(image), follows)) return [];
  return [`not done by swapctl: ${name}, of the same image, which compose runs to its end before ${service}; ${run}`];
}

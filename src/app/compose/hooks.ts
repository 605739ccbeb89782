import type { Container } from '../../core/model/container.ts';
import { COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { definitionsIn } from '../../core/recreate/compose.ts';
import { type ComposeProject, projectOf } from '../../core/service/compose.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import { type ComposeHooks, hasHooks, hooksIn, NO_HOOKS } from '../../core/service/compose-hooks.ts';
import type { Ports } from '../../ports/ports.ts';

type Machine = Pick<Ports, 'engine' | 'host' | 'compose'>;

/**
 * The hooks of a container's service, from the compose files that its labels name: these are paths of the engine's machine. Compose is
 * asked only if the files have hooks, or include others.
 */
export async function composeHooksOf(
  ports: Machine,
  own: OwnLabels,
  { host: { Privileged } }: Pick<Container, 'host'>,
): Promise<ComposeHooks> {
  const { engine, host } = ports;
  const [service, project] = [own[COMPOSE_SERVICE], projectOf(own)];
  if (!service || !project || composeKey(own) === undefined) return NO_HOOKS;
  if (!(await engine.facts()).local) return { ...NO_HOOKS, unknown: true };
  const documents = await Promise.all(project.files.map((file) => host.readYaml(file)));
  if (documents.includes(undefined)) return { ...NO_HOOKS, unknown: true };
  const { definitions, elsewhere } = definitionsIn(documents, service);
  if (elsewhere) return hooksElsewhere(ports, project, service);
  if (!definitions.some(hasHooks)) return NO_HOOKS;
  const trusted = await Promise.all(project.files.map((file) => host.isTrusted(file)));
  const hooks = trusted.includes(false) ? undefined : hooksIn(definitions, Privileged === true);
  return { ...NO_HOOKS, ...(hooks ?? { notRun: definitions }) };
}

// Only compose follows `include` and `extends`, to files of which nothing is known.
async function hooksElsewhere({ compose }: Machine, project: ComposeProject, service: string): Promise<ComposeHooks> {
  const merged = (await compose.services(project))?.[service];
  return { ...NO_HOOKS, ...(merged ? { notRun: [merged] } : { unknown: true }) };
}

import { COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { definitionsIn } from '../../core/recreate/compose.ts';
import { projectOf } from '../../core/service/compose.ts';
import { composeKey } from '../../core/service/compose-depends.ts';
import { type ComposeHooks, hasHooks, hooksIn, NO_HOOKS } from '../../core/service/compose-hooks.ts';
import type { Ports } from '../../ports/ports.ts';

/**
 * The hooks of a container's service, from the compose files that its labels name: these are paths of the engine's machine. Compose is
 * asked only where the files have hooks, or bring in others.
 */
export async function composeHooksOf(
  { engine, host, compose }: Pick<Ports, 'engine' | 'host' | 'compose'>,
  own: OwnLabels,
): Promise<ComposeHooks> {
  const [service, project] = [own[COMPOSE_SERVICE], projectOf(own)];
  if (!service || !project || composeKey(own) === undefined) return NO_HOOKS;
  if (!(await engine.facts()).local) return { ...NO_HOOKS, unknown: true };
  const documents = await Promise.all(project.files.map((file) => host.readYaml(file)));
  if (documents.includes(undefined)) return { ...NO_HOOKS, unknown: true };
  const { definitions, elsewhere } = definitionsIn(documents, service);
  if (!elsewhere && !definitions.some(hasHooks)) return NO_HOOKS;
  const merged = (await compose.services(project))?.[service];
  if (!merged && elsewhere) return { ...NO_HOOKS, unknown: true };
  const hooks = hooksIn(merged ? [merged] : definitions);
  return { ...NO_HOOKS, ...(hooks ?? { notRun: definitions }) };
}

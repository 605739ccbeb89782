import { fail } from '../../core/model/error.ts';
import { COMPOSE_SERVICE } from '../../core/model/label-keys.ts';
import { projectOf } from '../../core/service/compose.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { chosenOf } from '../select/chosen.ts';
import { imageCache, listed, ownOf } from '../select/own.ts';
import { settingsOf } from '../select/settings.ts';

/**
 * The setting for the repository of named services, from compose's files; undefined if their own settings have one. Raises
 * `config` if there is none.
 */
export async function repositoryOf(ports: Ports, selectors: readonly string[]): Promise<string | undefined> {
  const chosen = chosenOf(await listed(ports.engine), selectors);
  const found = await Promise.all(chosen.map((service) => contextOf(ports, service)));
  const [context, ...more] = new Set(found);
  if (more.length === 0) return context;
  return fail('config', 'these services are built from several repositories', { hint: 'name one service at a time' });
}

async function contextOf(ports: Ports, { key, slots }: Service): Promise<string | undefined> {
  const [member] = slots[0]?.members ?? [];
  const container = member && (await ports.engine.container(member.id));
  if (!container) return fail('not-found', `${key} has no replica`);
  const labels = await ownOf({ ports, images: imageCache() }, container);
  if (settingsOf(ports, key, labels).git) return undefined;
  const project = projectOf(labels);
  const services = project && (await ports.compose.services(project));
  const build = services?.[labels[COMPOSE_SERVICE] ?? '']?.build;
  const context = typeof build === 'object' && build !== null && 'context' in build ? build.context : undefined;
  if (typeof context === 'string' && !context.startsWith('/')) return context;
  return fail('config', `nothing says which repository ${key} is built from`, {
    hint: 'say --git URL#branch:folder, or set the label swapctl.build.git',
  });
}

import { type BuildSpec, composeBuild } from '../../core/build/build.ts';
import { composeRules, type Developed, type DevRule, parseDevRule, parseDevRules } from '../../core/build/develop.ts';
import { fail } from '../../core/model/error.ts';
import { COMPOSE_SERVICE, isComposeLabel } from '../../core/model/label-keys.ts';
import type { OwnLabels } from '../../core/model/own-labels.ts';
import { projectOf } from '../../core/service/compose.ts';
import type { Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { chosenOf } from '../select/chosen.ts';
import { imageCache, imageOf, listed, ownOf } from '../select/own.ts';
import { settingsOf } from '../select/settings.ts';
import { mustBeOne } from './service.ts';

/** The options of a user for development. */
export interface DevelopRequest {
  /** Replaces the build of compose's files. */
  readonly build?: BuildSpec | undefined;
  /** Rules in the form of `--watch`, instead of labels and compose's files. */
  readonly rules: readonly string[];
  /** The base folder of paths in these. */
  readonly folder: string;
}

/** The sources and rules of named services. Raises `config`, `refused`, `not-found`, `ambiguous`. */
export async function developedOf(
  ports: Ports,
  selectors: readonly string[],
  request: DevelopRequest,
): Promise<Developed[]> {
  const chosen = chosenOf(await listed(ports.engine), selectors);
  return Promise.all(chosen.map((service) => developed(ports, service, request)));
}

async function developed(ports: Ports, service: Service, request: DevelopRequest): Promise<Developed> {
  await mustBeOne(ports, service);
  const [member] = service.slots[0]?.members ?? [];
  const container = member && (await ports.engine.container(member.id));
  if (!container) return fail('not-found', `${service.key} has no replica`);
  const look = { ports, images: imageCache() };
  const image = await imageOf(look, container.imageId);
  const own = await ownOf(look, container);
  const { devRules } = settingsOf(ports, service.key, own);
  const told = await namedBuild(ports, service.key, own, request, devRules !== undefined);
  const marks = composeLabels(image?.config.Labels);
  const build = told.build && { ...told.build, labels: { ...marks, ...told.build.labels } };
  const base = projectOf(own)?.folder ?? build?.context ?? request.folder;
  const asked = request.rules.map((rule) => parseDevRule(rule, request.folder, '--watch'));
  const labelled = devRules === undefined ? [] : parseDevRules(devRules, base, `dev.watch of ${service.key}`);
  const rules = asked.length > 0 ? asked : [...told.rules, ...labelled];
  if (rules.length === 0 && !build) return unknownBuild(service.key);
  return {
    service: service.key,
    build,
    rules: await withBuild(ports, rules, build, service.key),
    image: container.imageId,
  };
}

// A service with rules needs no build.
async function namedBuild(
  ports: Ports,
  key: string,
  own: OwnLabels,
  request: DevelopRequest,
  labelled: boolean,
): Promise<{ build: BuildSpec | undefined; rules: DevRule[] }> {
  if (request.build) return { build: request.build, rules: [] };
  return composeSays(ports, key, own, { needed: request.rules.length === 0 && !labelled });
}

async function composeSays(
  ports: Ports,
  key: string,
  labels: OwnLabels,
  { needed }: { readonly needed: boolean },
): Promise<{ build: BuildSpec | undefined; rules: DevRule[] }> {
  const project = projectOf(labels);
  if (!project) return needed ? unknownBuild(key) : { build: undefined, rules: [] };
  const { services, secrets } = await ports.compose.read(project);
  const service = services[labels[COMPOSE_SERVICE] ?? ''];
  if (!service)
    return fail('config', `the compose files of ${project.name} have no service ${labels[COMPOSE_SERVICE]} any more`, {
      hint: 'docker compose up -d makes the containers what the files say',
    });
  return { build: composeBuild(service, secrets), rules: composeRules(service, key) };
}

// Compose labels its builds, and finds them by these labels. The same labels also keep the same files the same image.
function composeLabels(labels: Readonly<Record<string, string>> | null | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => isComposeLabel(key)));
}

async function withBuild(
  ports: Ports,
  rules: readonly DevRule[],
  build: BuildSpec | undefined,
  key: string,
): Promise<DevRule[]> {
  const rebuilds = rules.find(({ action }) => action === 'rebuild');
  if (!build && rebuilds)
    return fail('config', `${key} is to be rebuilt when ${rebuilds.path} changes, and nothing says how`, {
      hint: SAY_HOW,
    });
  if (!build) return [...rules];
  const { ignored, files } = await ports.builder.outline(build);
  const outside = { context: build.context, ignored };
  if (rules.length > 0) return rules.map((rule) => ({ ...rule, outside }));
  const rebuild = { action: 'rebuild', target: '', ignore: [], include: [], initialSync: false } as const;
  // These two count even if .dockerignore lists them.
  return [{ ...rebuild, path: build.context, outside }, ...files.map((path) => ({ ...rebuild, path }))];
}

const SAY_HOW = 'give it a build: in its compose file, or say --build DIR';

function unknownBuild(key: string): never {
  return fail('config', `nothing says what ${key} is built from`, { hint: SAY_HOW });
}

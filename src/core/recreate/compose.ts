import type { Image } from '../model/container.ts';

/**
 * The image label that compose would write after a roll. Compose compares the label with the local image (T43, T44): by id with
 * the classic store, by the platform's manifest with the containerd store. The label of the old image shows which of them this
 * compose uses.
 */
export function composeImageLabel(
  label: string | undefined,
  before: Pick<Image, 'id' | 'manifestDigest'> | undefined,
  after: Image,
): string | undefined {
  if (label === undefined) return undefined;
  const byManifest = before?.manifestDigest !== undefined && label === before.manifestDigest && label !== before.id;
  return byManifest ? (after.manifestDigest ?? after.id) : after.id;
}

export interface InlineFiles {
  readonly paths: readonly string[];
  /** False: the files are incomplete, because one is out of reach, includes others, or has variables in paths. */
  readonly complete: boolean;
}

/**
 * The paths that compose copied into a service's containers after it created them, which no inspect shows (T19). `documents` are
 * the parsed compose files of the project (undefined: unreadable), in the order in which compose merges them.
 */
export function inlineFiles(documents: readonly unknown[], service: string): InlineFiles {
  const files = documents.map(record);
  const { definitions: services, elsewhere } = definitionsIn(documents, service);
  const definitions = (kind: string): Record<string, unknown> =>
    Object.assign({}, ...files.map((file) => record(file[kind])));
  const paths = services.flatMap((wanted) => [
    ...inlineTargets(wanted.configs, definitions('configs'), (name) => `/${name}`),
    ...inlineTargets(wanted.secrets, definitions('secrets'), (name) => `/run/secrets/${name}`),
    ...(wanted.use_api_socket === true ? [API_LOGINS] : []),
  ]);
  return { paths, complete: !documents.includes(undefined) && !elsewhere && !paths.some((path) => path.includes('$')) };
}

/** The definitions of a service in each compose file; `elsewhere`: included files may hold more. */
export function definitionsIn(
  documents: readonly unknown[],
  service: string,
): { readonly definitions: readonly Readonly<Record<string, unknown>>[]; readonly elsewhere: boolean } {
  const files = documents.map(record);
  const definitions = files.map((file) => record(record(file.services)[service]));
  const included = files.some((file) => file.include !== undefined);
  return { definitions, elsewhere: included || definitions.some((one) => one.extends !== undefined) };
}

/** Compose puts the logins of `use_api_socket` here, beside a bind of the socket, which the create call has. */
const API_LOGINS = '/run/secrets/docker/config.json';

/**
 * The same, guessed from the changes in the container's layer, if the compose files are incomplete: secrets lie under
 * /run/secrets, configs by default at the top. A path with others below it is a folder.
 */
export function likelyInlineFiles(changed: readonly string[]): string[] {
  const folders = new Set(changed.map((path) => path.slice(0, path.lastIndexOf('/'))));
  return changed.filter(
    (path) =>
      path === API_LOGINS ||
      ((/^\/run\/secrets\/[^/]+$/.test(path) || /^\/[^/]+$/.test(path)) &&
        !folders.has(path) &&
        path !== '/.dockerenv'),
  );
}

function inlineTargets(
  uses: unknown,
  definitions: Record<string, unknown>,
  defaultTarget: (name: string) => string,
): string[] {
  if (!Array.isArray(uses)) return [];
  return uses.flatMap((use: unknown) => {
    const source = typeof use === 'string' ? use : text(record(use).source);
    const definition = record(definitions[source]);
    if (definition.content === undefined && definition.environment === undefined) return [];
    const target = text(record(use).target) || source;
    return [target.startsWith('/') ? target : defaultTarget(target)];
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

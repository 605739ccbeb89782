import { fail } from '../model/error.ts';
import { asText } from '../text/as-text.ts';

/** The source of an image and the options of its build: compose's `build:`, or a folder. Paths are absolute, on this machine. */
export interface BuildSpec {
  readonly context: string;
  /** Path of the Dockerfile, absolute or in the context; undefined: `Dockerfile`. */
  readonly dockerfile?: string | undefined;
  /** The text of a Dockerfile, instead of a file. */
  readonly inline?: string | undefined;
  readonly target?: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** References, or `type=…` as buildx takes them. */
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly platforms: readonly string[];
  readonly secrets: readonly BuildSecret[];
  /** As `--ssh` of buildx takes it: `default`, `id=path`. */
  readonly ssh: readonly string[];
  /** Other contexts, by their names in the Dockerfile. */
  readonly contexts: Readonly<Record<string, string>>;
  /** `name=address`. */
  readonly extraHosts: readonly string[];
  readonly network?: string | undefined;
  readonly noCache: boolean;
  /** True: fetch the base images anew. */
  readonly pull: boolean;
}

export interface BuildSecret {
  readonly id: string;
  /** The source of its text: a file, or a variable of the environment. */
  readonly from: { readonly file: string } | { readonly environment: string };
}

/** The build of a folder without further options. */
export const PLAIN_BUILD: Omit<BuildSpec, 'context'> = {
  args: {},
  labels: {},
  cacheFrom: [],
  cacheTo: [],
  platforms: [],
  secrets: [],
  ssh: [],
  contexts: {},
  extraHosts: [],
  noCache: false,
  pull: false,
};

/** A newly built image. It has no name yet: the caller decides on one. */
export interface BuiltImage {
  /** The engine's id of the image. */
  readonly id: string;
  /** The builder that was used. */
  readonly builder: 'buildx' | 'buildkit' | 'classic';
}

/** A request to the engine's own builder, of either kind. */
export interface BuildOrder {
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  readonly spec: Pick<
    BuildSpec,
    'target' | 'args' | 'labels' | 'cacheFrom' | 'platforms' | 'extraHosts' | 'network' | 'noCache' | 'pull'
  >;
  /** The registries of the base images, as far as the Dockerfile names them. */
  readonly registries: readonly string[];
  /** True: the user wants the classic builder, even if there is a BuildKit. */
  readonly classic: boolean;
}

/** The result of a build: an image, or the error of the builder with the last lines of the failed step. */
export type BuildEnd =
  | { readonly kind: 'built'; readonly image: BuiltImage }
  | { readonly kind: 'failed'; readonly message: string; readonly log: readonly string[] };

/** The parts of a build's context that matter. */
export interface BuildOutline {
  /** The patterns of .dockerignore. */
  readonly ignored: readonly string[];
  /** The Dockerfile and the file of these patterns, absolute, if they exist. */
  readonly files: readonly string[];
}

/** The options of a build that need docker's buildx, in compose's names. */
export function needsBuildx(spec: BuildSpec): string[] {
  return [
    ...(spec.secrets.length > 0 ? ['secrets'] : []),
    ...(spec.ssh.length > 0 ? ['ssh'] : []),
    ...(Object.keys(spec.contexts).length > 0 ? ['additional_contexts'] : []),
    ...(spec.cacheTo.length > 0 ? ['cache_to'] : []),
    ...(spec.platforms.length > 1 ? ['platforms (more than one)'] : []),
    ...(spec.cacheFrom.some((from) => from.includes('=') && !cacheReference(from)) ? ['cache_from (but images)'] : []),
  ];
}

/** The image that `cache_from` names; undefined for any other kind of cache. */
export function cacheReference(from: string): string | undefined {
  if (!from.includes('=')) return from;
  const fields = new Map(from.split(',').map((field) => [field.split('=')[0], field.slice(field.indexOf('=') + 1)]));
  return fields.get('type') === 'registry' ? fields.get('ref') : undefined;
}

type Definitions = Readonly<Record<string, unknown>>;

/**
 * The build of a service as `docker compose config` shows it, with everything resolved; undefined if it has none. `secrets` are
 * the project's. Raises `refused` for a context that is not on this machine.
 */
export function composeBuild(service: Definitions, secrets: Definitions): BuildSpec | undefined {
  const build = typeof service.build === 'string' ? { context: service.build } : service.build;
  if (typeof build !== 'object' || build === null) return undefined;
  const said = build as Definitions;
  const context = text(said.context) ?? '.';
  if (!context.startsWith('/'))
    return fail('refused', `its build context is ${context}, which is no folder of this machine`, {
      hint: 'only a folder can be watched',
    });
  return {
    context,
    dockerfile: text(said.dockerfile),
    inline: text(said.dockerfile_inline),
    target: text(said.target),
    args: texts(said.args),
    labels: texts(said.labels),
    cacheFrom: list(said.cache_from),
    cacheTo: list(said.cache_to),
    platforms: list(said.platforms),
    secrets: entries(said.secrets).flatMap((use) => secretOf(use, secrets)),
    ssh: pairs(said.ssh),
    contexts: texts(said.additional_contexts),
    extraHosts: pairs(said.extra_hosts),
    network: text(said.network),
    noCache: said.no_cache === true,
    pull: said.pull === true,
  };
}

function secretOf(use: unknown, definitions: Definitions): BuildSecret[] {
  const { source = use, target } = record(use);
  const name = text(source);
  if (name === undefined) return [];
  const { file, environment } = record(definitions[name]);
  const id = text(target) ?? name;
  if (text(environment)) return [{ id, from: { environment: text(environment) ?? '' } }];
  return text(file) ? [{ id, from: { file: text(file) ?? '' } }] : [];
}

// `{ key: value }` or `["key=value"]`; a key without a value is left out, since the environment had none either.
function texts(value: unknown): Record<string, string> {
  const found = Array.isArray(value)
    ? value.map(asText).map((line) => [before(line, '='), after(line, '=')] as const)
    : Object.entries(record(value));
  return Object.fromEntries(
    found.flatMap(([key, one]) => (one === null || one === undefined ? [] : [[key, asText(one)]])),
  );
}

function pairs(value: unknown): string[] {
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'string' ? one : pairOf(record(one)))).filter(Boolean);
  return Object.entries(record(value)).flatMap(([key, one]) =>
    (Array.isArray(one) ? one : [one]).map((item) => (item === null || item === '' ? key : `${key}=${asText(item)}`)),
  );
}

function pairOf({ id, path }: Definitions): string {
  return [text(id), text(path)].filter(Boolean).join('=');
}

function list(value: unknown): string[] {
  return entries(value).map(asText);
}

function entries(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function before(line: string, mark: string): string {
  return line.includes(mark) ? line.slice(0, line.indexOf(mark)) : line;
}

function after(line: string, mark: string): string | undefined {
  return line.includes(mark) ? line.slice(line.indexOf(mark) + 1) : undefined;
}

function record(value: unknown): Definitions {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Definitions) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

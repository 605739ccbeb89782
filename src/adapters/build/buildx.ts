import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { BuildEnd, BuildSpec } from '../../core/build/build.ts';
import { fail } from '../../core/model/error.ts';
import { readText } from '../files/read.ts';
import { type Env, runProgram } from './program.ts';

/** True: docker's buildx is installed on this machine. */
export async function hasBuildx(env: Env): Promise<boolean> {
  return (await runProgram('docker', ['buildx', 'version'], { env })).code === 0;
}

/** Builds with `docker buildx build`, which caches the context at the builder and sends only changes. */
export async function buildxBuild(
  env: Env,
  spec: BuildSpec,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<BuildEnd & { readonly ids?: readonly string[] }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'swapctl-build-'));
  try {
    const metadata = path.join(folder, 'metadata.json');
    const named = buildArguments(spec, env);
    const args = ['buildx', 'build', ...buildxArgs(spec, named.args), '--metadata-file', metadata, spec.context];
    const told = (line: string): void => {
      if (line.trim() !== '') onLine(line);
    };
    const run = { env: { ...env, ...named.env }, input: spec.inline, signal, onLine: told };
    const { code, stderr } = await runProgram('docker', args, run);
    if (signal.aborted) return fail('interrupted', 'the build was interrupted');
    if (code !== 0) return { kind: 'failed', ...failureOf(stderr) };
    const [id = '', ...others] = idsOf(await readText(metadata, { bytes: MOST_METADATA }));
    return { kind: 'built', image: { id, builder: 'buildx' }, ids: [id, ...others] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// It may hold the provenance of the build.
const MOST_METADATA = 16 * 1024 * 1024;

/** The options of `docker buildx build` for a build; see its reference. */
export function buildxArgs(spec: BuildSpec, buildArgs: readonly string[]): string[] {
  const each = (option: string, values: readonly string[]): string[] => values.flatMap((value) => [option, value]);
  const pairs = (values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return [
    // An attestation with the build time would make another image of the same content.
    ...['--progress', 'plain', '--load', '--provenance', 'false'],
    ...(spec.inline === undefined ? dockerfileArgs(spec) : ['--file', '-']),
    ...(spec.target ? ['--target', spec.target] : []),
    ...each('--build-arg', buildArgs),
    ...each('--label', pairs(spec.labels)),
    ...each('--cache-from', spec.cacheFrom),
    ...each('--cache-to', spec.cacheTo),
    ...each(
      '--secret',
      spec.secrets.map(({ id, from }) => `id=${id},${'file' in from ? `src=${from.file}` : `env=${from.environment}`}`),
    ),
    ...each('--ssh', spec.ssh),
    ...each('--build-context', pairs(spec.contexts)),
    ...each('--add-host', spec.extraHosts),
    ...(spec.platforms.length > 0 ? ['--platform', spec.platforms.join(',')] : []),
    ...(spec.network ? ['--network', spec.network] : []),
    ...(spec.noCache ? ['--no-cache'] : []),
    ...(spec.pull ? ['--pull'] : []),
  ];
}

/**
 * Build arguments: names for the command line, and values for the environment, where no process list shows them. A value goes on
 * the command line only if its name would steer docker itself, or already has another value.
 */
export function buildArguments(
  { args, secrets }: Pick<BuildSpec, 'args' | 'secrets'>,
  env: Env,
): { readonly args: string[]; readonly env: Record<string, string> } {
  const taken = new Set(secrets.flatMap(({ from }) => ('environment' in from ? [from.environment] : [])));
  const hidden = ([name, value]: [string, string]): boolean =>
    env[name] === value || !(taken.has(name) || STEERING.test(name) || /[=\0]|^$/.test(name));
  const all = Object.entries(args);
  return {
    args: all.map((one) => (hidden(one) ? one[0] : one.join('='))),
    env: Object.fromEntries(all.filter(hidden)),
  };
}

const STEERING =
  /^(PATH|HOME|USER|SHELL|TMPDIR|TERM|LANG|NO_COLOR|(LC|LD|DOCKER|BUILDX|BUILDKIT|COMPOSE|CONTAINERD|GIT|SSH|SSL_CERT|XDG|OTEL|AWS|AZURE|GOOGLE)_\w*|GO[A-Z]+|\w*_proxy)$/i;

function dockerfileArgs({ context, dockerfile }: BuildSpec): string[] {
  return dockerfile === undefined ? [] : ['--file', path.resolve(context, dockerfile)];
}

// The image store decides which of them is the engine's id of the image (T34).
function idsOf(metadata: string): string[] {
  const told = JSON.parse(metadata) as Record<string, unknown>;
  return ['containerimage.config.digest', 'containerimage.digest'].flatMap((key) => {
    const id = told[key];
    return typeof id === 'string' ? [id] : [];
  });
}

const MOST_LINES = 40;

/** The end of buildx's output, after all steps: the last lines of the step, its place in the Dockerfile, and the error. */
export function failureOf(stderr: readonly string[]): { readonly message: string; readonly log: readonly string[] } {
  const lines = stderr.filter((line) => line.trim() !== '');
  const at = lines.findLastIndex((line) => line.startsWith('ERROR: '));
  const message = lines[at] ?? lines.at(-1) ?? 'docker buildx build failed';
  const end = at < 0 ? lines.length - 1 : at;
  const told = lines.slice(lines.findLastIndex((line) => /^#\d+ /.test(line)) + 1, Math.max(0, end));
  return {
    message: message.replace(/^ERROR: (failed to (build|solve): )*(rpc error: code = \w+ desc = )?/, ''),
    log: told.filter((line) => !/^-{4,}$/.test(line)).slice(-MOST_LINES),
  };
}

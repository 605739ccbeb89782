import { stat } from 'node:fs/promises';
import pRetry from 'p-retry';
import { type BuildEnd, type BuildSpec, type BuiltImage, needsBuildx } from '../../core/build/build.ts';
import { CHANGED, isSourceChange } from '../../core/build/source-changed.ts';
import { EngineError } from '../../core/model/engine-error.ts';
import { fail, messageOf } from '../../core/model/error.ts';
import { readReference } from '../../core/model/reference.ts';
import type { Builder } from '../../ports/build.ts';
import type { Engine } from '../../ports/engine.ts';
import { buildxBuild, hasBuildx } from './buildx.ts';
import { dockerfileOf, openContext } from './context.ts';
import { ignoreFile } from './ignore.ts';
import type { Env } from './program.ts';

/** The environment of builders. */
export interface BuilderOptions {
  readonly engine: Pick<Engine, 'build' | 'image'>;
  /** The environment of docker: it names the same engine. */
  readonly env: Env;
}

type Build = (spec: BuildSpec, onLine: (line: string) => void, signal: AbortSignal) => Promise<BuildEnd>;

/** The builder of this machine: docker's buildx if it is installed, else the engine itself, whose API has fewer options. */
export function openBuilder({ engine, env }: BuilderOptions): Builder {
  let best: Promise<Build> | undefined;
  return {
    build: async (spec, onLine, signal) => {
      await refuseNoFolder(spec.context);
      best ??= classicWanted(env) ? Promise.resolve(byEngine(engine, env)) : bestBuilder(engine, env);
      return imageOf(spec, await (await best)(spec, onLine, signal));
    },
    outline: async (spec) => {
      await refuseNoFolder(spec.context);
      const { file } = await dockerfileOf(spec);
      const ignore = await ignoreFile(spec.context, file);
      return { ignored: ignore?.patterns ?? [], files: [file, ignore?.file].flatMap((one) => one ?? []) };
    },
  };
}

async function bestBuilder(engine: BuilderOptions['engine'], env: Env): Promise<Build> {
  return (await hasBuildx(env)) ? byBuildx(engine, env) : byEngine(engine, env);
}

function byBuildx(engine: BuilderOptions['engine'], env: Env): Build {
  return async (spec, onLine, signal) => {
    await dockerfileOf(spec);
    const { ids = [], ...end } = await buildxBuild(env, spec, onLine, signal);
    if (end.kind === 'failed') return end;
    for (const id of ids) {
      const image = await engine.image(id);
      if (image) return { kind: 'built', image: { id: image.id, builder: 'buildx' } };
    }
    return { kind: 'failed', message: 'buildx built an image, but it is not on the engine', log: [] };
  };
}

function byEngine(engine: BuilderOptions['engine'], env: Env): Build {
  const attempt: Build = async (spec, onLine, signal) => {
    const dockerfile = await dockerfileOf(spec);
    const { dockerfile: name, archive } = await openContext(spec, dockerfile);
    const order = { dockerfile: name, spec, registries: registriesOf(dockerfile.text), classic: classicWanted(env) };
    return engine.build(archive, order, onLine, signal);
  };
  return async (spec, onLine, signal) => {
    const beyond = needsBuildx(spec);
    if (beyond.length > 0)
      fail('refused', `the engine's API can't build with ${beyond.join(', ')}`, {
        hint: 'install docker and its buildx plugin on this machine',
      });
    try {
      return await pRetry(() => attempt(spec, onLine, signal), { ...UNTIL_AT_REST, signal });
    } catch (error) {
      if (signal.aborted) return fail('interrupted', 'the build was interrupted');
      // A build that was refused before it began, and a context that never came to rest.
      if (isSourceChange(error) || (error instanceof EngineError && error.status >= 400))
        return { kind: 'failed', message: messageOf(error), log: [] };
      throw error;
    }
  };
}

// Editors, and tools that write many files, finish soon.
const UNTIL_AT_REST = {
  retries: 4,
  minTimeout: 200,
  shouldRetry: ({ error }: { error: Error }) => isSourceChange(error),
};

function imageOf(spec: BuildSpec, end: BuildEnd): BuiltImage {
  if (end.kind === 'built') return end.image;
  return fail('build-failed', `the build of ${spec.context} failed: ${end.message}`, {
    hint: hintFor(end.message),
    log: end.log,
  });
}

function hintFor(message: string): string {
  if (message.endsWith(CHANGED))
    return 'the containers serve as before; build again once whatever writes there is done';
  const fetching =
    /pull access denied|authorization failed|unauthorized|failed to resolve source metadata|no basic auth/i;
  return fetching.test(message)
    ? 'the containers serve as before; docker pull the image that it builds on, or install docker buildx, which logs in as docker does'
    : 'the containers serve as before; fix the error to build again';
}

async function refuseNoFolder(context: string): Promise<void> {
  const found = await stat(context).catch(() => undefined);
  if (found?.isDirectory()) return;
  fail('config', `the build context ${context} is no folder here`, { hint: 'is this the machine with the source?' });
}

// In docker's reading.
function classicWanted(env: Env): boolean {
  return env.DOCKER_BUILDKIT === '0' || env.DOCKER_BUILDKIT === 'false';
}

/** The registries of the images that a Dockerfile names literally after FROM. */
function registriesOf(dockerfile: string): string[] {
  const named = [...dockerfile.matchAll(/^\s*FROM\s+(?:--\S+\s+)*([^\s$]+)(?:\s|$)/gim)].map(([, image = '']) => image);
  return [...new Set(named.flatMap((image) => readReference(image)?.registry ?? []))];
}

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import type { Source } from '../../../core/inventory/address.ts';
import { fail } from '../../../core/model/error.ts';
import { dockerConfigDir, parseChecked } from '../credentials/config-file.ts';
import { readTls, type Tls, type World } from './world.ts';

/** The docker endpoint of a context: its address as written, and its TLS material if it has any. */
export type Context = { readonly host: string; readonly tls: Tls | undefined };

const Meta = z.looseObject({
  Name: z.string(),
  Endpoints: z.looseObject({
    docker: z.looseObject({ Host: z.string().nullish(), SkipTLSVerify: z.boolean().nullish() }).nullish(),
  }),
});

/** Reads a context from docker's store; fails with the source's code and a list of known contexts if there is none of that name. */
export async function readContext(name: string, source: Source, world: World): Promise<Context> {
  const store = join(dockerConfigDir(world.env, world.home), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const meta = await readMeta(join(store, 'meta', id, 'meta.json'), world);
  if (meta === undefined) return unknown(name, source, await knownContexts(store, world));
  const docker = meta.Endpoints.docker;
  if (!docker)
    return fail('config', `the context "${name}" has no docker endpoint`, {
      hint: `docker context update ${name} --docker host=…`,
    });
  const tls = await readTls(join(store, 'tls', id, 'docker'), !docker.SkipTLSVerify, world.read);
  return { host: docker.Host ?? '', tls: isUsed(tls) ? tls : undefined };
}

/** As docker: TLS is on if the context has any TLS file or skips the verification. */
function isUsed(tls: Tls): boolean {
  return !tls.verify || Boolean(tls.ca ?? tls.cert ?? tls.key);
}

async function readMeta(file: string, world: World): Promise<z.infer<typeof Meta> | undefined> {
  const text = await world.read(file);
  return text === undefined ? undefined : parseChecked(Meta, text, file);
}

async function knownContexts(store: string, world: World): Promise<string[]> {
  const folders = await world.list(join(store, 'meta'));
  const metas = await Promise.all(folders.map((folder) => readMeta(join(store, 'meta', folder, 'meta.json'), world)));
  const names = metas.map((meta) => meta?.Name);
  return ['default', ...names.filter((name) => name !== undefined).sort()];
}

function unknown(name: string, source: Source, known: readonly string[]): never {
  return fail(source.code, `there is no docker context "${name}", which ${source.origin} asks for`, {
    hint: `known contexts: ${known.join(', ')}`,
  });
}

import { join } from 'node:path';
import * as z from 'zod';
import { fail, messageOf } from '../../../core/model/error.ts';
import { UnfitFile } from '../../files/fit.ts';
import { looked, readText } from '../../files/read.ts';

/** Environment variables, in the form of process.env. */
export type Env = Readonly<Record<string, string | undefined>>;

const Entry = z.looseObject({
  auth: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  identitytoken: z.string().nullish(),
});

const DockerConfigSchema = z.looseObject({
  auths: z.record(z.string(), Entry).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
  currentContext: z.string().nullish(),
});

/** One entry of `auths`. */
export type AuthEntry = z.infer<typeof Entry>;

/** The part of docker's config.json (and podman's auth.json) that swapctl reads. */
export type DockerConfig = z.infer<typeof DockerConfigSchema>;

/** The folder that holds docker's config.json: $DOCKER_CONFIG, else .docker in the home folder. */
export function dockerConfigDir(env: Env, home: string): string {
  return env.DOCKER_CONFIG || join(home, '.docker');
}

/** Podman's login file, undefined if there is no runtime folder. */
export function podmanAuthFile(env: Env): string | undefined {
  const runtime = env.XDG_RUNTIME_DIR;
  return runtime ? join(runtime, 'containers', 'auth.json') : undefined;
}

/** Parses the text of a docker config file; fails with 'config', naming the file and the place but never the content. */
export function parseDockerConfig(text: string, file: string): DockerConfig {
  return parseChecked(DockerConfigSchema, text, file);
}

/** Parses JSON text and checks its shape; fails with 'config', naming the file and the place but never the content. */
export function parseChecked<T>(schema: z.ZodType<T>, text: string, file: string): T {
  const checked = schema.safeParse(parseJson(text, file));
  if (checked.success) return checked.data;
  const wrong = checked.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`);
  return fail('config', `${file} is not what docker writes: ${wrong.join('; ')}`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text around the mistake, which may be a password: neither it nor the cause may be shown.
    return fail('config', `${file} is not valid JSON: the mistake is at ${place(text, mistakeAt(text))}`, {
      hint: 'repair the file, or move it away and log in again',
    });
  }
}

/** The offset of the first character that makes the text invalid: the longest prefix that could still become JSON, by halving. */
function mistakeAt(text: string): number {
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (couldGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function couldGoOn(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return true;
  } catch (error) {
    const message = messageOf(error);
    const at = /at position (\d+)/.exec(message)?.[1];
    return message === 'Unexpected end of JSON input' || (at !== undefined && Number(at) >= prefix.length);
  }
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** A function that returns the parsed file, and reads it again after a change; a missing file is an empty configuration. */
export function configFile(path: string): () => Promise<DockerConfig> {
  let seen: { mark: string; config: DockerConfig } | undefined;
  return async () => {
    const mark = await fileMark(path);
    if (mark === undefined) return {};
    if (seen?.mark === mark) return seen.config;
    const config = parseDockerConfig((await textOf(path)) ?? '{}', path);
    seen = { mark, config };
    return config;
  };
}

/** Identifies a version of a file; includes the inode, since docker writes a new file and renames it. */
async function fileMark(path: string): Promise<string | undefined> {
  const stat = await unlessMissing(path, () => looked(path));
  return stat && `${stat.ino}:${stat.mtimeNs}:${stat.size}`;
}

/** The text of a file, undefined if there is none; fails with 'config' if it can't be read: it may be on a network, or not a file. */
export function textOf(path: string): Promise<string | undefined> {
  return unlessMissing(path, () => readText(path));
}

async function unlessMissing<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return fail(
      'config',
      `can't read ${path}: ${error instanceof UnfitFile ? error.message : (code ?? messageOf(error))}`,
      { cause: error },
    );
  }
}

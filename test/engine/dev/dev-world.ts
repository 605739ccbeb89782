// A service in development: a context of the test app, a container of it, and swapctl dev as a process of its own.
import path from 'node:path';
import { folderOf, put } from '../../adapters/build/files.ts';
import { startSwapctl } from '../../lab/cli.ts';
import { nodeImage, WGET_HEALTH } from '../../lab/images.ts';
import { eventually } from '../../lab/waiting.ts';
import type { Scope, World } from '../../lab/world.ts';

/** The program of the image: the app under test, in the written version, with its own handling of signals. */
export const program = (version: string): string => `
import { writeFileSync } from 'node:fs';
process.env.VERSION = '${version}';
process.on('SIGHUP', () => writeFileSync('/tmp/reloaded', 'yes'));
process.on('SIGUSR2', () => process.exit(3));
import('/app/server.mjs');
`;

export interface Source {
  folder: string;
  /** Writes files below it, as an editor does. */
  put(files: Readonly<Record<string, string>>): void;
}

/** A build context: a program of version 1, which is checked for its syntax by the build. `more`: lines of the Dockerfile. */
export async function source(
  t: Scope,
  world: World,
  files: Readonly<Record<string, string>> = {},
  more = '',
): Promise<Source> {
  const marks = Object.entries(world.labels).map(([key, value]) => `${key}=${value}`);
  const dockerfile = `FROM ${await nodeImage(world.docker)}
LABEL ${marks.join(' ')}
ENV DRAIN=1
COPY . /srv/
RUN node --check /srv/main.mjs
${more}
CMD ["node", "/srv/main.mjs"]
HEALTHCHECK --interval=1s --retries=60 CMD ${WGET_HEALTH}
`;
  const folder = folderOf(t, { 'main.mjs': program('1'), Dockerfile: dockerfile, ...files });
  return { folder, put: (more) => put(folder, more) };
}

type Line = Record<string, unknown> & { msg: string };

export interface Dev {
  /** All whole lines so far. */
  lines(): Line[];
  /** The first line from a position on with a matching message. */
  said(pattern: RegExp, from?: number): Promise<Line>;
  /** The number of finished builds. */
  built(): number;
  pid: number;
  kill(signal: NodeJS.Signals): void;
  end: ReturnType<typeof startSwapctl>['result'];
}

/** `swapctl dev`, which ends with the world. */
export function startDev(world: World, args: string[], env: NodeJS.ProcessEnv = {}): Dev {
  let text = '';
  const running = startSwapctl(['--json', 'dev', ...args], {
    env: { ...world.env, ...env },
    netns: world.netns,
    onStdout: (more) => {
      text += more;
    },
  });
  let over = false;
  void running.result.then(() => {
    over = true;
  });
  world.after(async () => {
    running.kill('SIGKILL');
    await running.result;
  });
  const lines = (): Line[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const said = (pattern: RegExp, from = 0): Promise<Line> =>
    eventually(`dev says ${pattern}`, async () => {
      const found = lines()
        .slice(from)
        .find(({ msg }) => pattern.test(msg));
      if (!found && over)
        throw new Error(`dev ended before it said ${pattern}:\n${text}${(await running.result).stderr}`);
      return found;
    }).catch((error) => {
      throw new Error(`${error.message}\n${text}`);
    });
  return {
    lines,
    said,
    built: () => lines().filter((line) => 'built' in line).length,
    pid: running.pid ?? 0,
    kill: running.kill,
    end: running.result,
  };
}

/** A PATH with compose, even if the docker program here lacks the plugin. */
export function pathWith(program: string): { PATH: string } {
  return { PATH: `${path.dirname(program)}:${process.env.PATH}` };
}

/** The output of a shell command inside a container. */
export async function inside(world: World, name: string, command: string): Promise<string> {
  const exec = await world.docker
    .getContainer(name)
    .exec({ Cmd: ['sh', '-c', command], AttachStdout: true, Tty: true });
  let said = '';
  for await (const chunk of await exec.start({ Tty: true })) said += chunk;
  return said.trim();
}

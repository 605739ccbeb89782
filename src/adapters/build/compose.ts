import path from 'node:path';
import { fail, messageOf, SwapError } from '../../core/model/error.ts';
import type { ComposeModel, ComposeProject } from '../../core/service/compose.ts';
import { shellWord } from '../../core/text/encode/shell.ts';
import type { Compose } from '../../ports/build.ts';
import { mustBeFit } from '../files/read.ts';
import { type Env, runProgram } from './program.ts';

const TIMEOUT_MS = 15_000;
// A file may include others, which only compose resolves: this limits the memory for that.
const MOST_MEMORY = 2 * 1024 ** 3;

/** The installed compose: docker's plugin, or the separate program. */
export function installedCompose(env: Env): Compose {
  const read = (project: ComposeProject): Promise<ComposeModel> => readModel(project, env);
  return {
    read,
    services: async (project) => {
      try {
        return (await read(project)).services;
      } catch (error) {
        if (error instanceof SwapError) return undefined;
        throw error;
      }
    },
  };
}

async function readModel(project: ComposeProject, env: Env): Promise<ComposeModel> {
  await mustHaveFitFiles(project);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const args = configArgs(project);
  const run = { env, cwd: project.folder, signal, memory: MOST_MEMORY };
  const plugin = await runProgram('docker', ['compose', ...args], run);
  const { code, stdout, stderr } = plugin.code === 0 ? plugin : await runProgram('docker-compose', args, run);
  if (code === 0) return modelOf(stdout);
  if (signal.aborted)
    return fail('config', `compose did not come to an end with the files of ${project.name}`, {
      hint: 'does one of them include a pipe or a device? The containers serve as before',
    });
  const said = [...plugin.stderr, ...stderr].filter((line) => line.trim() !== '' && !NO_PLUGIN.test(line)).at(-1);
  return said === undefined
    ? fail('config', `compose is not installed here, so the files of ${project.name} can't be read as it reads them`, {
        hint: "install docker's compose plugin, or say what to build with --build DIR",
      })
    : fail('config', `compose does not take the files of ${project.name}: ${said.trim()}`, {
        hint: `docker compose --project-directory ${shellWord(project.folder)} config says more`,
      });
}

// Labels name the files, and compose opens any path.
async function mustHaveFitFiles({ name, folder, files, envFiles }: ComposeProject): Promise<void> {
  const named = [...files, ...envFiles].map((file) => path.resolve(folder, file));
  for (const file of named) await mustBeFit(file).catch((error) => unfit(name, file, error));
  // Compose reads this file by default.
  const usual = path.join(folder, '.env');
  await mustBeFit(usual).catch((error) => (isMissing(error) ? undefined : unfit(name, usual, error)));
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code));
}

function unfit(project: string, file: string, error: unknown): never {
  return fail(
    'config',
    `${file}, which belongs to the compose project ${project}, can't be read: ${messageOf(error)}`,
    {
      hint: 'the containers serve as before; is this the machine that the project is on?',
      cause: error,
    },
  );
}

// Docker's message for a missing plugin; older versions report an unknown option.
const NO_PLUGIN =
  /unknown command: docker compose|'compose' is not a docker command|unknown flag|docker --help|^Usage: /;

// Profiles select the containers that `up` starts; they do not change them.
function configArgs({ name, folder, files, envFiles }: ComposeProject): string[] {
  return [
    ...['--project-name', name, '--project-directory', folder, '--profile', '*'],
    ...files.flatMap((file) => ['--file', file]),
    ...envFiles.flatMap((file) => ['--env-file', file]),
    ...['config', '--format', 'json'],
  ];
}

function modelOf(told: string): ComposeModel {
  try {
    const { services = {}, secrets = {} } = JSON.parse(told) as Partial<ComposeModel>;
    return { services, secrets };
  } catch (error) {
    return fail('config', 'compose config printed no JSON', { hint: 'is it compose 2?', cause: error });
  }
}

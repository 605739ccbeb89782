import type { ComposeModel, ComposeProject } from '../core/compose.ts';
import { fail, SwapError } from '../core/error.ts';
import type { Compose } from '../ports.ts';
import { type Env, runProgram } from './program.ts';

const TIMEOUT_MS = 15_000;

/** Compose as it is installed on this machine: docker's plugin, or the program of its own. */
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
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const args = configArgs(project);
  const run = { env, cwd: project.folder, signal };
  const plugin = await runProgram('docker', ['compose', ...args], run);
  const { code, stdout, stderr } = plugin.code === 0 ? plugin : await runProgram('docker-compose', args, run);
  if (code === 0) return modelOf(stdout);
  const said = [...plugin.stderr, ...stderr].filter((line) => line.trim() !== '' && !NO_PLUGIN.test(line)).at(-1);
  return said === undefined
    ? fail('config', `compose is not installed here, so the files of ${project.name} can't be read as it reads them`, {
        hint: "install docker's compose plugin, or say what to build with --build DIR",
      })
    : fail('config', `compose does not take the files of ${project.name}: ${said.trim()}`, {
        hint: `docker compose --project-directory ${project.folder} config says more`,
      });
}

// What docker says of a plugin that it does not have; of older ones, that it has no such option.
const NO_PLUGIN =
  /unknown command: docker compose|'compose' is not a docker command|unknown flag|docker --help|^Usage: /;

// Profiles decide what `up` starts, not what a container of theirs is.
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

import { execFile } from 'node:child_process';
import type { Compose, ComposeProject } from '../ports.ts';

const TIMEOUT_MS = 15_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

/** Compose as it is installed on this machine: docker's plugin, or the program of its own. */
export function installedCompose(env: Readonly<Record<string, string | undefined>>): Compose {
  return {
    services: async (project) => {
      const args = configArgs(project);
      const told =
        (await output('docker', ['compose', ...args], project, env)) ??
        (await output('docker-compose', args, project, env));
      return told === undefined ? undefined : servicesOf(told);
    },
  };
}

// Profiles decide what `up` starts, not what a container of theirs is.
function configArgs({ name, folder, files, envFiles }: ComposeProject): string[] {
  return [
    ...['--project-name', name, '--project-directory', folder, '--profile', '*'],
    ...files.flatMap((file) => ['--file', file]),
    ...envFiles.flatMap((file) => ['--env-file', file]),
    ...['config', '--format', 'json'],
  ];
}

function output(
  program: string,
  args: readonly string[],
  { folder: cwd }: ComposeProject,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env: { ...env }, timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
  });
}

function servicesOf(told: string): Record<string, Record<string, unknown>> | undefined {
  try {
    const { services } = JSON.parse(told) as { services?: Record<string, Record<string, unknown>> };
    return services;
  } catch {
    return undefined;
  }
}

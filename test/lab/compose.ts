// Docker Compose for tests: the plugin's program out of a Debian package, run directly, with the file as a string.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepared } from '../../scripts/prepare/cache.mjs';
import { isPodman } from './engine.ts';
import { probedByPodman, type World } from './world.ts';

export type ComposeVersion = '2.26' | '2.40';

/** The path of a docker-compose of that version. */
export function composeBinary(version: ComposeVersion = '2.40'): string {
  return prepared(`compose-${version}`);
}

export interface ComposeProject {
  name: string;
  /** Holds compose.yaml. */
  folder: string;
  file: string;
  /** Replaces the file, as an editor would. */
  write(yaml: string): void;
  /** `run('up', '-d', '--wait')`; fails with what compose said. */
  run(...args: string[]): Promise<string>;
}

export interface ComposeOptions {
  version?: ComposeVersion;
  /** Default: the world's prefix. */
  name?: string;
}

/**
 * A compose project of this world, brought down when the world goes. Its containers, networks and volumes are found by the
 * project's name; the labels of the world are for services that swapctl shall work on: `labels: ${composeLabels(world)}`.
 */
export function composeProject(world: World, yaml: string, options: ComposeOptions = {}): ComposeProject {
  const binary = composeBinary(options.version);
  const name = options.name ?? world.prefix;
  const folder = mkdtempSync(path.join(os.tmpdir(), `${name}-`));
  const file = path.join(folder, 'compose.yaml');
  const project: ComposeProject = {
    name,
    folder,
    file,
    write: (content) => writeFileSync(file, content),
    run: (...args) =>
      probedMeanwhile(world, name, () => run(binary, ['--project-name', name, '--file', file, ...args], world.env)),
  };
  project.write(yaml);
  world.after(async () => {
    await project.run('down', '--volumes', '--remove-orphans', '--timeout', '1');
    rmSync(folder, { recursive: true, force: true });
  });
  return project;
}

/** As a flow mapping, to be put behind `labels:` in the YAML of a service. */
export function composeLabels(world: World): string {
  return JSON.stringify(world.labels);
}

/** Without systemd Podman runs no health check by itself, and compose waits for ever for what it has not been asked. */
async function probedMeanwhile<T>(world: World, project: string, work: () => Promise<T>): Promise<T> {
  if (!(await isPodman(world.docker))) return work();
  const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] });
  const probe = async () => {
    for (const { Id } of await world.docker.listContainers({ filters }))
      await probedByPodman(world.docker.getContainer(Id));
  };
  // What goes meanwhile can't be asked, and need not be.
  const timer = setInterval(() => void probe().catch(() => {}), 1000);
  return work().finally(() => clearInterval(timer));
}

// Nothing here takes compose as long as that.
const LIMIT_MS = 5 * 60_000;

function run(binary: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { env: { ...env, COMPOSE_ANSI: 'never' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.on('close', (status, signal) => {
      clearTimeout(late);
      if (status === 0) return resolve(stdout);
      reject(new Error(`docker-compose ${args.join(' ')} (${status ?? signal}):\n${output}`));
    });
  });
}

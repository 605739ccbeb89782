// Test images without a hub: a static busybox, the Node binary of this machine, and the application under test.
//
// The base images are imported once per engine and found again by a hash of their content. What a test then asks of an
// image (its health check, environment, user…) is a variation: an API commit on top of the base, a few milliseconds.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { buildSync } from 'esbuild';
import { unpackedTool } from './cache.ts';
import { endOf, isPodman } from './engine.ts';

export const TEST_LABELS = { 'swapctl.test': '1' };
const BASE_IMAGE = 'swapctl-test/base:1';
const NODE_IMAGE = 'swapctl-test/node:1';
/** The port that the application under test listens on unless PORT says otherwise. */
export const APP_PORT = 8080;

const CONTENT_LABEL = 'swapctl.test.content';
const HERE = path.dirname(fileURLToPath(import.meta.url));
const APP = path.join(HERE, 'apps');

// ---- base images

/** busybox and nothing else (no health check, no command worth mentioning). */
export function baseImage(docker: Docker): Promise<string> {
  return once(docker, BASE_IMAGE, contentOf([busybox()], []), fillBase);
}

/** The base plus node at /usr/bin/node and the application under test in /app. */
export function nodeImage(docker: Docker): Promise<string> {
  const { content, load } = nodeParts();
  return once(docker, NODE_IMAGE, content, (root) => {
    fillBase(root);
    addProgram(root, realpathSync(process.execPath), '/usr/bin/node');
    mkdirSync(path.join(root, 'app'));
    for (const file of ['server.mjs', 'healthcheck.mjs']) {
      copyFileSync(path.join(APP, file), path.join(root, 'app', file));
    }
    writeFileSync(path.join(root, 'app/load.mjs'), load);
  });
}

let parts: { content: string; load: string } | undefined;

// The bundler is a program that has to start, and every test asks for this image.
function nodeParts(): { content: string; load: string } {
  if (parts) return parts;
  const entry = path.join(HERE, 'load-main.ts');
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const load = outputFiles[0]?.text ?? '';
  const files = [busybox(), path.join(APP, 'server.mjs'), path.join(APP, 'healthcheck.mjs')];
  parts = { content: contentOf(files, [process.version, realpathSync(process.execPath), load]), load };
  return parts;
}

export function busybox(): string {
  return unpackedTool('bin/busybox');
}

export function contentOf(files: string[], texts: string[]): string {
  const hash = createHash('sha256');
  for (const content of [...files.map((file) => readFileSync(file)), ...texts]) hash.update(content);
  return hash.update(fillBase.toString()).digest('hex').slice(0, 16);
}

const imported = new WeakMap<Docker, Map<string, Promise<string>>>();

/** Imports an image of the files that `fill` puts into a folder, unless this engine has it with the same content. */
export function once(docker: Docker, name: string, content: string, fill: (root: string) => void): Promise<string> {
  const known = imported.get(docker) ?? new Map<string, Promise<string>>();
  imported.set(docker, known);
  const making = known.get(name) ?? importUnlessThere(docker, name, content, fill);
  known.set(name, making);
  return making;
}

async function importUnlessThere(
  docker: Docker,
  name: string,
  content: string,
  fill: (root: string) => void,
): Promise<string> {
  const there = await docker
    .getImage(name)
    .inspect()
    .catch(() => undefined);
  if (there?.Config?.Labels?.[CONTENT_LABEL] === content) return name;
  const root = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-image-'));
  try {
    fill(root);
    const labels = { ...TEST_LABELS, [CONTENT_LABEL]: content };
    const changes = [
      'ENV PATH=/usr/bin:/bin:/usr/sbin:/sbin',
      'CMD ["sh"]',
      ...Object.entries(labels).map(([key, value]) => `LABEL ${key}=${value}`),
    ];
    // The tag is a part of the name, since Podman's Docker API takes no notice of one by itself.
    const answer = await docker.importImage(tarOf(root) as never, { repo: name, changes });
    await endOf(answer);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return name;
}

export function fillBase(root: string): void {
  chmodSync(root, 0o755);
  for (const folder of ['bin', 'etc', 'tmp', 'run', 'root', 'proc', 'sys', 'dev', 'usr/bin', 'data']) {
    mkdirSync(path.join(root, folder), { recursive: true });
  }
  chmodSync(path.join(root, 'tmp'), 0o1777);
  copyFileSync(busybox(), path.join(root, 'bin/busybox'));
  chmodSync(path.join(root, 'bin/busybox'), 0o755);
  for (const applet of execFileSync(busybox(), ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (applet && applet !== 'busybox') symlinkSync('busybox', path.join(root, 'bin', applet));
  }
  const users = [
    'root:x:0:0:root:/root:/bin/sh',
    'app:x:1000:1000:app:/tmp:/bin/sh',
    'nobody:x:65534:65534:nobody:/tmp:/bin/false',
  ];
  writeFileSync(path.join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\napp:x:1000:\nnogroup:x:65534:\n');
}

/** A dynamically linked program with the libraries that ldd names, each at the path where it expects them. */
export function addProgram(root: string, file: string, target: string): void {
  const libraries = execFileSync('ldd', [file], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const [from, to] of [[file, target], ...libraries.map((library) => [library, library])]) {
    if (!from || !to) continue;
    mkdirSync(path.join(root, path.dirname(to)), { recursive: true });
    copyFileSync(realpathSync(from), path.join(root, to));
    chmodSync(path.join(root, to), statSync(from).mode & 0o777);
  }
}

function tarOf(folder: string): Readable {
  const args = ['-C', folder, '--numeric-owner', '--owner=0', '--group=0', '-c', '.'];
  const tar = spawn('tar', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return tar.stdout;
}

function splitTag(name: string): [repo: string, tag: string] {
  const colon = name.lastIndexOf(':');
  if (colon <= name.lastIndexOf('/')) return [name, 'latest'];
  return [name.slice(0, colon), name.slice(colon + 1)];
}

// ---- variations

export interface HealthOptions {
  /** A command for `CMD-SHELL`, or an exec form that starts with CMD, CMD-SHELL or NONE. Default: wget of /healthz. */
  test?: string | string[];
  intervalMs?: number;
  timeoutMs?: number;
  retries?: number;
  startPeriodMs?: number;
  /** Engines before API 1.44 drop it silently. */
  startIntervalMs?: number;
}

export interface AppImageOptions {
  /**
   * Default: the node image with the application, for what needs one that drains, is slow or misbehaves. 'httpd' answers with
   * its version, and starts at a fraction of the cost; 'base' is busybox alone, 'tools' what swapctl needs.
   */
  from?: keyof typeof COMMANDS;
  /** An image to build on instead; then `cmd` says what runs. */
  base?: string;
  /** VERSION of the application; shorthand for env. Default: the tag. */
  version?: string;
  env?: Record<string, string | number>;
  cmd?: string[];
  entrypoint?: string[];
  /** false: no HEALTHCHECK. Default: /healthz by wget every 500 ms, with a minute until it is unhealthy. */
  health?: HealthOptions | false;
  labels?: Record<string, string>;
  /** Container ports, `8080` or `53/udp`. Default: the application's. */
  ports?: (number | string)[];
  volumes?: string[];
  user?: string;
  workdir?: string;
  stopSignal?: string;
  /** An image for another platform, such as 'arm64' or 's390x'; it can't be run. */
  architecture?: string;
}

/** No -T: this busybox crashes on it. */
export const WGET_HEALTH = `wget -q -O- http://127.0.0.1:\${PORT:-${APP_PORT}}/healthz`;

/** Answers at once, and ends at once. */
export const HTTPD = `mkdir -p /www && echo "$VERSION" > /www/healthz && exec httpd -f -p \${PORT:-${APP_PORT}} -h /www`;

const COMMANDS = {
  node: ['node', '/app/server.mjs'],
  httpd: ['sh', '-c', HTTPD],
  base: ['sleep', '1000000'],
};

const BASES = { node: nodeImage, httpd: baseImage, base: baseImage };

/** Makes `name:tag` out of a base image, with what the options ask for; returns the image's id. */
export async function appImage(docker: Docker, name: string, options: AppImageOptions = {}): Promise<string> {
  const [repo, tag] = splitTag(name);
  const config = configOf(tag, options);
  if (options.architecture) return foreignImage(docker, name, config, options.architecture);
  const base = options.base ?? (await BASES[options.from ?? 'node'](docker));
  if (await isPodman(docker)) return builtImage(docker, name, base, config);
  const container = await docker.createContainer({ Image: base, Cmd: ['true'], Labels: TEST_LABELS });
  try {
    // dockerode would send everything both as query and as body; the engine wants the names here and the config there.
    const query = { container: container.id, repo, tag, pause: 'false' };
    const made = await container.commit({ _query: query, _body: config });
    return made.Id as string;
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** Podman's commit takes no config, so there it is a build. */
async function builtImage(docker: Docker, name: string, base: string, config: ImageConfig): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-image-'));
  try {
    writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\n${instructions(config).join('\n')}\n`);
    // Only Docker's own format holds a health check.
    const outputformat = 'application/vnd.docker.distribution.manifest.v2+json';
    // Not an image for every line.
    await endOf(await docker.buildImage(tarOf(folder), { t: name, outputformat, layers: false } as object));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return (await docker.getImage(name).inspect()).Id;
}

function instructions(config: ImageConfig): string[] {
  const text = (value: string): string => JSON.stringify(value).replaceAll('$', '\\$');
  const pairs = (config.Env ?? []).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
  return [
    ...pairs.map(([key, value]) => `ENV ${key}=${text(value ?? '')}`),
    ...Object.entries(config.Labels ?? {}).map(([key, value]) => `LABEL ${text(key)}=${text(value)}`),
    ...Object.keys(config.ExposedPorts ?? {}).map((port) => `EXPOSE ${port}`),
    ...Object.keys(config.Volumes ?? {}).map((volume) => `VOLUME ${JSON.stringify([volume])}`),
    ...(config.User ? [`USER ${config.User}`] : []),
    ...(config.WorkingDir ? [`WORKDIR ${config.WorkingDir}`] : []),
    ...(config.StopSignal ? [`STOPSIGNAL ${config.StopSignal}`] : []),
    ...(config.Healthcheck ? [healthInstruction(config.Healthcheck)] : []),
    ...(config.Entrypoint ? [`ENTRYPOINT ${JSON.stringify(config.Entrypoint)}`] : []),
    `CMD ${JSON.stringify(config.Cmd ?? [])}`,
  ];
}

function healthInstruction({ Test = [], Interval, Timeout, StartPeriod, Retries }: Docker.HealthConfig): string {
  const [kind, ...command] = Test as string[];
  if (kind === 'NONE') return 'HEALTHCHECK NONE';
  const times = { interval: Interval, timeout: Timeout, 'start-period': StartPeriod };
  const options = Object.entries(times).flatMap(([key, ns]) => (ns === undefined ? [] : [`--${key}=${ns / 1e6}ms`]));
  const retries = Retries === undefined ? [] : [`--retries=${Retries}`];
  const what = kind === 'CMD-SHELL' ? `CMD ${command[0]}` : `CMD ${JSON.stringify(command)}`;
  return ['HEALTHCHECK', ...options, ...retries, what].join(' ');
}

type ImageConfig = Pick<
  Docker.ContainerCreateOptions,
  | 'Env'
  | 'Cmd'
  | 'Entrypoint'
  | 'Labels'
  | 'ExposedPorts'
  | 'Volumes'
  | 'User'
  | 'WorkingDir'
  | 'StopSignal'
  | 'Healthcheck'
>;

function configOf(tag: string, options: AppImageOptions): ImageConfig {
  const from = options.from ?? (options.base ? 'base' : 'node');
  const isApp = from === 'node' || from === 'httpd';
  // busybox's server handles no signal, and the first process of a container then obeys this one only.
  const stopSignal = options.stopSignal ?? (from === 'httpd' ? 'SIGKILL' : undefined);
  const env = { ...(isApp && { VERSION: options.version ?? tag }), ...options.env };
  const config: ImageConfig = {
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Cmd: options.cmd ?? COMMANDS[from],
    Labels: { ...TEST_LABELS, ...options.labels },
    ExposedPorts: keys((options.ports ?? (isApp ? [APP_PORT] : [])).map(portKey)),
    Volumes: keys(options.volumes ?? []),
  };
  if (options.entrypoint) config.Entrypoint = options.entrypoint;
  if (options.user) config.User = options.user;
  if (options.workdir) config.WorkingDir = options.workdir;
  if (stopSignal) config.StopSignal = stopSignal;
  const health = options.health ?? (isApp ? {} : false);
  if (health) config.Healthcheck = healthcheck(health);
  return config;
}

const keys = (names: string[]) => Object.fromEntries(names.map((name) => [name, {}]));
const portKey = (port: number | string) => (String(port).includes('/') ? String(port) : `${port}/tcp`);

/** So that a busy machine has time to start an app. A test of an unhealthy app says how many retries it wants to wait for. */
const RETRIES = 60;

/** The engine's form of a health check, for an image or for a container. */
export function healthcheck(health: HealthOptions): Docker.HealthConfig {
  const test = health.test ?? WGET_HEALTH;
  const nanoseconds = (ms: number | undefined) => (ms === undefined ? undefined : ms * 1_000_000);
  return {
    Test: typeof test === 'string' ? ['CMD-SHELL', test] : test,
    Interval: nanoseconds(health.intervalMs ?? 500),
    Timeout: nanoseconds(health.timeoutMs ?? 30_000),
    Retries: health.retries ?? RETRIES,
    ...(health.startPeriodMs !== undefined && { StartPeriod: nanoseconds(health.startPeriodMs) }),
    ...(health.startIntervalMs !== undefined && {
      StartInterval: nanoseconds(health.startIntervalMs),
    }),
  };
}

/** An image that says it was built for another architecture: only an archive can say so, the API can't. */
async function foreignImage(docker: Docker, name: string, config: ImageConfig, architecture: string): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-image-'));
  try {
    mkdirSync(path.join(folder, 'root'));
    writeFileSync(path.join(folder, 'root/not-for-this-machine'), `${architecture}\n`);
    execFileSync('tar', ['-C', path.join(folder, 'root'), '-cf', path.join(folder, 'layer.tar'), '.']);
    rmSync(path.join(folder, 'root'), { recursive: true });
    const layer = sha256(readFileSync(path.join(folder, 'layer.tar')));
    const image = JSON.stringify({
      architecture,
      os: 'linux',
      created: new Date().toISOString(),
      config,
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
      history: [{ created_by: 'swapctl test' }],
    });
    const id = sha256(image);
    const manifest = [{ Config: `${id}.json`, RepoTags: [name], Layers: ['layer.tar'] }];
    writeFileSync(path.join(folder, `${id}.json`), image);
    writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
    await endOf(await docker.loadImage(tarOf(folder)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return (await docker.getImage(name).inspect()).Id;
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

import { load } from 'js-yaml';
import { SwapError } from '../../../core/model/error.ts';
import type { ProxyAccess, ProxySocket } from '../../../ports/proxy-access.ts';

/** The parts of Traefik's static configuration that swapctl needs. */
export interface Static {
  /** Of the file provider. */
  readonly folder: string;
  readonly throttleMs: number;
  /** Possible addresses of the API, the likeliest first. */
  readonly apis: readonly ProxySocket[];
  /** The part of the path before `/api`. */
  readonly basePath: string;
}

const FOLDER = '/etc/traefik/dynamic';
const FILES = ['/etc/traefik/traefik.yml', '/etc/traefik/traefik.yaml'];
const THROTTLE_MS = 2000;
const API_PORT = 8080;

/** Reads it from the command line, the environment and the YAML file of the running Traefik, as Traefik does. */
export async function readStatic(access: ProxyAccess, signal: AbortSignal): Promise<Static> {
  const [main] = await access.processes(signal);
  const flags = fromFlags(main?.title ?? '');
  const environment = await readable(access, `/proc/${main?.pid}/environ`, signal);
  const named = flags.get('configfile');
  const files = await Promise.all((named ? [named] : FILES).map((file) => readable(access, file, signal)));
  return staticOf(new Map([...files.flatMap(fromYaml), ...fromEnvironment(environment), ...flags]));
}

/** The static configuration by its options, named as on the command line, in lower case. */
export function staticOf(options: ReadonlyMap<string, string>): Static {
  const own = socketOf(options.get('entrypoints.swapctl.address'));
  const usual = socketOf(options.get('entrypoints.traefik.address')) ?? { host: '127.0.0.1', port: API_PORT };
  return {
    folder: (options.get('providers.file.directory') ?? FOLDER).replace(/\/+$/, ''),
    throttleMs: durationOf(options.get('providers.providersthrottleduration')),
    apis: own ? [own, usual] : [usual],
    basePath: (options.get('api.basepath') ?? '').replace(/\/+$/, ''),
  };
}

/** Options of a command line; one without a value is `true`. */
export function fromFlags(commandLine: string): Map<string, string> {
  const found = commandLine.matchAll(/(?:^|\s)--?([A-Za-z][\w.[\]-]*)(?:[= ]([^-\s]\S*))?(?=\s|$)/g);
  return new Map([...found].map(([, name = '', value]) => [name.toLowerCase(), unquoted(value ?? 'true')]));
}

function unquoted(text: string): string {
  return text.replace(/^(["'`])(.*)\1$/, '$2');
}

function fromEnvironment(text: string): [string, string][] {
  const found = text.matchAll(/(?:^|\0)TRAEFIK_([A-Z0-9_]+)=([^\0]*)/g);
  return [...found].map(([, name = '', value = '']) => [name.toLowerCase().replaceAll('_', '.'), value]);
}

function fromYaml(text: string): [string, string][] {
  try {
    return text === '' ? [] : flat(load(text), '');
  } catch {
    // Traefik would not have started with it; the file is another one.
    return [];
  }
}

function flat(value: unknown, name: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return name === '' ? [] : [[name, String(value)]];
  const below = Object.entries(value).flatMap(([key, one]) => flat(one, `${name}${name && '.'}${key.toLowerCase()}`));
  return [[name, 'true'], ...below];
}

function socketOf(address: string | undefined): ProxySocket | undefined {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*):(\d+)(?:\/tcp)?$/.exec(address ?? '') ?? [];
  if (port === undefined) return undefined;
  const anywhere = ['', '0.0.0.0', '[::]', 'localhost'].includes(host);
  return { host: anywhere ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

// A number without a unit is seconds.
function durationOf(text: string | undefined): number {
  if (text === undefined) return THROTTLE_MS;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0);
}

async function readable(access: ProxyAccess, path: string, signal: AbortSignal): Promise<string> {
  try {
    return (await access.read(path, signal)) ?? '';
  } catch (error) {
    if (error instanceof SwapError && error.code === 'proxy-unreachable') return '';
    throw error;
  }
}

import { fail, messageOf, SwapError } from '../../../core/model/error.ts';
import { sanitizeText } from '../../../core/text/sanitize.ts';
import type { ProxyAccess, ProxyProcess } from '../../../ports/proxy-access.ts';

const MOST_WORDS = 400;

/** The version of Caddy, by the program that runs, else by the one of that name. */
export async function versionOf(access: ProxyAccess, signal: AbortSignal): Promise<string> {
  const main = await mainOf(access, signal);
  for (const program of [...(main ? [`/proc/${main.pid}/exe`] : []), 'caddy']) {
    const { code, output } = await access.run([program, 'version'], signal);
    const [, version] = /^v?(\d+\.\d+\.\d+\S*)/m.exec(output) ?? [];
    if (code === 0 && version !== undefined) return version;
  }
  return 'of an unknown version';
}

/** The addresses of the admin API that the environment and the configuration file of Caddy name. */
export async function namedAdmins(access: ProxyAccess, signal: AbortSignal): Promise<string[]> {
  const main = await mainOf(access, signal);
  if (main === undefined) return [];
  const environment = await readable(access, `/proc/${main.pid}/environ`, signal);
  const [, fromEnvironment] = /(?:^|\0)CADDY_ADMIN=([^\0]+)/.exec(environment) ?? [];
  const fromFile = adminIn(await readable(access, fileOf(main), signal));
  return [fromEnvironment, fromFile].filter((address) => address !== undefined);
}

/**
 * Raises `proxy-config` for a configuration file that Caddy could not load again. A Caddyfile that takes parts from its environment
 * or from other files can only be judged by Caddy itself.
 */
export async function checkFile(access: ProxyAccess, signal: AbortSignal): Promise<void> {
  const main = await mainOf(access, signal);
  if (main === undefined) return;
  const file = fileOf(main);
  const text = await readable(access, file, signal);
  if (text === '') return;
  const why = file.endsWith('.json') ? whyNoJson(text) : await whyNoCaddyfile(access, main, text, signal);
  if (why === undefined) return;
  fail('proxy-config', `Caddy could not load ${file} again: ${sanitizeText(why).slice(0, MOST_WORDS)}`, {
    hint: `correct the file: caddy validate --config ${file}`,
  });
}

async function whyNoCaddyfile(
  access: ProxyAccess,
  main: ProxyProcess,
  text: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (/\{\$|^\s*import\s/m.test(text)) return undefined;
  const argv = [`/proc/${main.pid}/exe`, 'adapt', '--config', fileOf(main), '--adapter', 'caddyfile'];
  const { code, output } = await access.run(argv, signal);
  return code === 1 ? (output.split('\n').findLast((line) => line.trim() !== '') ?? '') : undefined;
}

function whyNoJson(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function fileOf(main: ProxyProcess): string {
  const [, file = '/etc/caddy/Caddyfile'] = / --?config[ =](\/\S+)/.exec(main.title) ?? [];
  return file;
}

/** The address of the admin API in a Caddyfile, or in JSON. */
export function adminIn(text: string): string | undefined {
  const [, fromCaddyfile] = /^\s*\{[^{}]*?^\s*admin\s+([^\s{]+)/m.exec(text) ?? [];
  const [, fromJson] = /"admin"\s*:\s*\{[^{}]*"listen"\s*:\s*"([^"]+)"/.exec(text) ?? [];
  return fromCaddyfile ?? fromJson;
}

async function mainOf(access: ProxyAccess, signal: AbortSignal): Promise<ProxyProcess | undefined> {
  return orNone(async () => (await access.processes(signal))[0]);
}

async function readable(access: ProxyAccess, path: string, signal: AbortSignal): Promise<string> {
  return (await orNone(() => access.read(path, signal))) ?? '';
}

// A name that another program bears, or a file that only its owner may read: the usual addresses are left.
async function orNone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SwapError && error.code === 'proxy-unreachable') return undefined;
    throw error;
  }
}

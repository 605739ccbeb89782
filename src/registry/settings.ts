import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { z } from 'zod';
import { fail } from '../core/error.ts';
import { bareHost } from './addresses.ts';

/** Where the settings of an engine's registries are kept. */
export interface SettingsFiles {
  /** Docker's `daemon.json`. */
  readonly daemon: string;
  /** A folder for each registry, with its certificates. */
  readonly certs: string;
}

export const DOCKER_FILES: SettingsFiles = { daemon: '/etc/docker/daemon.json', certs: '/etc/docker/certs.d' };

/** What TLS with one registry needs beyond Node's own: PEM texts. */
export interface Certificates {
  readonly ca: readonly string[];
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

/** How this machine's engine reaches registries, as dockerd reads it. */
export interface Settings {
  /** Mirrors of Docker Hub, as URLs without a path. */
  readonly mirrors: readonly string[];
  /** Whether a registry may be spoken to without proven TLS: it is listed, or on this machine (dockerd, `isSecureIndex`). */
  isInsecure(host: string): Promise<boolean>;
  certificates(host: string): Certificates;
}

const Daemon = z.looseObject({
  'insecure-registries': z.array(z.string()).nullish(),
  'registry-mirrors': z.array(z.string()).nullish(),
});

/** Reads the settings; missing files mean none. Raises `config` for a broken `daemon.json`. */
export function readSettings(files: SettingsFiles): Settings {
  const daemon = parseDaemon(textOf(files.daemon) ?? '{}', files.daemon);
  const insecure = daemon['insecure-registries'] ?? [];
  const networks = insecureNetworks(insecure);
  return {
    mirrors: (daemon['registry-mirrors'] ?? []).map((mirror) => mirror.replace(/\/+$/, '')),
    isInsecure: async (host) => insecure.includes(host) || (await resolvesInto(networks, hostnameOf(host))),
    certificates: (host) => readCertificates(join(files.certs, host)),
  };
}

function parseDaemon(text: string, file: string): z.infer<typeof Daemon> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return fail('config', `${file} is not valid JSON`, { hint: 'mend it; dockerd would not start with it either' });
  }
  const checked = Daemon.safeParse(parsed);
  if (checked.success) return checked.data;
  const wrong = checked.error.issues.map((issue) => issue.path.join('.') || 'the whole');
  return fail('config', `${file} is not what dockerd reads: ${wrong.join(', ')}`);
}

function insecureNetworks(entries: readonly string[]): BlockList {
  const networks = new BlockList();
  networks.addSubnet('127.0.0.0', 8, 'ipv4');
  networks.addAddress('::1', 'ipv6');
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address);
    if (family !== 0 && bits !== undefined && /^\d{1,3}$/.test(bits))
      networks.addSubnet(address, Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  }
  return networks;
}

async function resolvesInto(networks: BlockList, hostname: string): Promise<boolean> {
  const family = isIP(hostname);
  if (family !== 0) return networks.check(hostname, family === 6 ? 'ipv6' : 'ipv4');
  if (hostname === 'localhost') return true;
  const { lookup } = await import('node:dns/promises');
  const found = await lookup(hostname, { all: true }).catch(() => []);
  return found.some(({ address, family: version }) => networks.check(address, version === 6 ? 'ipv6' : 'ipv4'));
}

function hostnameOf(host: string): string {
  return bareHost(host.replace(/:\d+$/, ''));
}

// As dockerd: *.crt are authorities, a *.cert and its *.key are ours.
function readCertificates(folder: string): Certificates {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const texts = (ending: string): string[] =>
    names.filter((name) => name.endsWith(ending)).flatMap((name) => textOf(join(folder, name)) ?? []);
  return { ca: texts('.crt'), cert: texts('.cert'), key: texts('.key') };
}

// Debian and its kin, Fedora and its kin, Alpine: where dockerd (Go) finds what the machine trusts. Node does not look there.
const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/** The authorities that Node brings, and those that this machine trusts. */
export function trustedAuthorities(env: Readonly<Record<string, string | undefined>>): string[] {
  const named = [env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].filter((file) => file !== undefined && file !== '');
  const bundle = SYSTEM_BUNDLES.find((file) => existsSync(file));
  const files = [...named, ...(bundle ? [bundle] : [])];
  return [...rootCertificates, ...files.flatMap((file) => (file && textOf(file)) || [])];
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return fail('config', `can't read ${file}: ${code ?? 'unknown error'}`, { cause: error });
  }
}

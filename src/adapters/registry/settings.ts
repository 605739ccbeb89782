import { existsSync, readdirSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { fail, messageOf } from '../../core/model/error.ts';
import type { RegistryReach } from '../../ports/ports.ts';
import { readText } from '../files/read.ts';
import { bareHost } from './http/addresses.ts';
import { once } from './http/once.ts';

/** Docker's folder of registry certificates: one subfolder for each. */
export const DOCKER_CERTS = '/etc/docker/certs.d';

/** The additional TLS material for one registry: PEM texts. */
export interface Certificates {
  readonly ca: readonly string[];
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

/** The engine's settings for registries. */
export interface Settings {
  /** Mirrors of a registry to ask first, as URLs without a path at their end. */
  mirrors(registry: string): string[];
  /** True: the registry may be used without verified TLS: it is listed, or on this machine (dockerd, `isSecureIndex`). */
  isInsecure(host: string): Promise<boolean>;
  certificates(host: string): Promise<Certificates>;
}

/** The settings of the engine, of swapctl.yml, and of the certificates in a folder of this machine. */
export function readSettings({ mirrors, insecure, hosts = {} }: RegistryReach, certs: string): Settings {
  const networks = insecureNetworks(insecure);
  const known = new Map<string, Promise<boolean>>();
  return {
    mirrors: (registry) =>
      [...(hosts[registry]?.mirrors ?? []), ...(registry === HUB ? mirrors : [])].map((one) => one.replace(/\/+$/, '')),
    isInsecure: (host) =>
      once(
        known,
        host,
        async () => hosts[host]?.insecure || insecure.includes(host) || resolvesInto(networks, hostnameOf(host)),
      ),
    certificates: async (host) => withAuthority(await readCertificates(join(certs, host)), hosts[host]?.ca),
  };
}

// dockerd knows mirrors of Docker Hub only.
const HUB = 'docker.io';

async function withAuthority(known: Certificates, file: string | undefined): Promise<Certificates> {
  if (file === undefined) return known;
  const text =
    (await textOf(file)) ?? fail('config', `there is no file ${file}`, { hint: 'registries in swapctl.yml name it' });
  return { ...known, ca: [...known.ca, text] };
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
async function readCertificates(folder: string): Promise<Certificates> {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const texts = (ending: string): Promise<string[]> =>
    textsOf(names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name)));
  const [ca, cert, key] = await Promise.all(['.crt', '.cert', '.key'].map(texts));
  return { ca: ca ?? [], cert: cert ?? [], key: key ?? [] };
}

// The trust stores of dockerd (Go): on Debian and derivatives, Fedora and derivatives, Alpine. Node does not read them.
const SYSTEM_BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/** Node's own authorities, and those that this machine trusts. */
export async function trustedAuthorities(env: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  const bundle = SYSTEM_BUNDLES.find((file) => existsSync(file));
  const files = [env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS, bundle].flatMap((file) => file || []);
  return [...rootCertificates, ...(await textsOf(files))];
}

async function textsOf(files: readonly string[]): Promise<string[]> {
  return (await Promise.all(files.map(textOf))).flatMap((text) => text ?? []);
}

const MOST_AUTHORITIES = 8 * 1024 * 1024;

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readText(file, { bytes: MOST_AUTHORITIES });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return fail('config', `can't read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

import { type Input, refuse } from './input.ts';

/** The access to the engine and the registry, from the inputs. */
export interface Access {
  /** The engine's address; undefined: the docker CLI's of the runner. */
  readonly host: string | undefined;
  /** Input for ssh, as text: a private key, and lines of known_hosts. */
  readonly ssh: { readonly key: string | undefined; readonly knownHosts: string | undefined } | undefined;
  /** TLS of a tcp address, as PEM. */
  readonly tls:
    | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly verify: boolean }
    | undefined;
  readonly logins: readonly { readonly registry: string; readonly username: string; readonly password: string }[];
  /** A `swapctl serve` that does the work, in place of an engine. */
  readonly server: { readonly address: string; readonly token: string | undefined } | undefined;
}

/** Reads them; `single` refuses line breaks. Raises `usage`. */
export function accessOf(input: Input, single: Input): Access {
  const server = serverOf(input, single);
  const host = addressOf(single);
  const isSsh = host?.startsWith('ssh://') ?? false;
  return { host, ssh: sshOf(input, host, isSsh), tls: tlsOf(input, host), logins: loginsOf(single), server };
}

// The server has an engine, logins and a configuration of its own.
const OF_AN_ENGINE = [
  ...['docker-host', 'host', 'user', 'port', 'ssh-key', 'known-hosts', 'tls-ca', 'tls-cert', 'tls-key'],
  ...['registry', 'username', 'password', 'config'],
];

function serverOf(input: Input, single: Input): Access['server'] {
  const [address, token] = [single('server'), single('token')];
  if (address === undefined)
    return token === undefined
      ? undefined
      : refuse('token', 'needs server', 'server is the address of a swapctl serve, like https://shop.example.org:8443');
  const other = OF_AN_ENGINE.find((name) => input(name) !== undefined);
  if (other) refuse(other, 'has no meaning with server', 'the server has its own engine, logins and swapctl.yml');
  return { address, token };
}

const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*\]?)$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9._@+-]*$/;

function addressOf(single: Input): string | undefined {
  const [whole, host, user, port] = ['docker-host', 'host', 'user', 'port'].map(single);
  if (whole !== undefined) {
    const part = Object.entries({ host, user, port }).find(([, text]) => text !== undefined);
    if (part) refuse(part[0], 'contradicts docker-host', 'give docker-host alone, or host, user and port');
    return whole;
  }
  if (host === undefined) {
    const part = Object.entries({ user, port }).find(([, text]) => text !== undefined);
    return part ? refuse(part[0], 'needs host', 'host is the machine that ssh logs in to') : undefined;
  }
  if (!HOST.test(host)) refuse('host', `is ${JSON.stringify(host.slice(0, 80))}`, 'write a host name or an address');
  if (user !== undefined && !USER.test(user))
    refuse('user', `is ${JSON.stringify(user.slice(0, 40))}, which is no name of a user`);
  return `ssh://${user ? `${encodeURIComponent(user)}@` : ''}${bracketed(host)}${portOf(port)}`;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function portOf(port: string | undefined): string {
  if (port === undefined) return '';
  const isPort = /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
  return isPort
    ? `:${port}`
    : refuse('port', `is ${JSON.stringify(port.slice(0, 20))}`, 'write a number from 1 to 65535');
}

function sshOf(input: Input, host: string | undefined, isSsh: boolean): Access['ssh'] {
  const [key, knownHosts] = [input('ssh-key'), input('known-hosts')];
  for (const [name, text] of Object.entries({ 'ssh-key': key, 'known-hosts': knownHosts })) {
    if (text !== undefined && !isSsh)
      refuse(name, 'is given, but the engine is not reached over ssh', 'give host, or docker-host: ssh://…');
  }
  if (key !== undefined && !key.includes('PRIVATE KEY'))
    refuse('ssh-key', 'is no private key', 'give the whole file, from -----BEGIN to -----END');
  // Without known hosts, any host that answers would be trusted with the engine.
  if (key !== undefined && knownHosts === undefined)
    refuse('known-hosts', `is missing, so nobody could tell whether it is ${host} that answers`, keyscan(host));
  if (key === undefined && knownHosts === undefined) return undefined;
  return { key, knownHosts };
}

function keyscan(address = ''): string {
  const { hostname, port } = new URL(address);
  const scan = `ssh-keyscan ${port ? `-p ${port} ` : ''}${hostname}`;
  return `put the output of ${scan} into it, after you have compared its fingerprint with that on the machine (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)`;
}

function tlsOf(input: Input, host: string | undefined): Access['tls'] {
  const [ca, cert, key] = ['tls-ca', 'tls-cert', 'tls-key'].map(input);
  const given = Object.entries({ 'tls-ca': ca, 'tls-cert': cert, 'tls-key': key }).find(
    ([, text]) => text !== undefined,
  );
  if (!given) return undefined;
  if (!host?.startsWith('tcp://'))
    refuse(given[0], 'is given, but the engine is not reached over tcp', 'give docker-host: tcp://host:2376');
  if (ca === undefined) refuse('tls-ca', 'is missing', 'it is the authority that signed the certificate of the engine');
  if ((cert === undefined) !== (key === undefined))
    refuse(cert === undefined ? 'tls-cert' : 'tls-key', 'is missing', 'they belong together');
  return { verify: true, ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

function loginsOf(single: Input): Access['logins'] {
  const [registry = 'docker.io', username, password] = ['registry', 'username', 'password'].map(single);
  if (username === undefined && password === undefined) {
    if (single('registry') !== undefined)
      refuse('registry', 'is given without username and password', 'it says where to log in');
    return [];
  }
  if (username === undefined || password === undefined)
    return refuse(username === undefined ? 'username' : 'password', 'is missing', 'they belong together');
  if (/^https?:/.test(registry) || registry.includes('/'))
    refuse('registry', 'is no host', 'write it like ghcr.io or registry.example.org:5000');
  return [{ registry, username, password }];
}

import path from 'node:path';
import * as z from 'zod';
import { whyNotCallerName } from '../../core/access/caller-name.ts';
import { parseListen } from '../../core/access/listen.ts';
import { parseScope, scopeText } from '../../core/access/scope.ts';
import { NO_SERVER, type ServerConfig, whyNotListen } from '../../core/access/server-config.ts';
import { parseSubject } from '../../core/access/subject.ts';
import { SwapError } from '../../core/model/error.ts';
import { printable } from '../../core/text/suggest.ts';

/** Makes a schema of known keys; given by the schema of the whole file. */
type Section = <T extends z.core.$ZodLooseShape>(what: string, shape: T) => z.ZodObject<T, z.core.$strict>;

/** The `server` section of swapctl.yml, after the check of its shape. */
export interface ServerShape {
  readonly listen?: string | readonly string[];
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  readonly tokens?: string;
  readonly clients?: Readonly<Record<string, { readonly subject: string; readonly allow: readonly string[] }>>;
  readonly 'trust-proxy'?: readonly string[];
  readonly audit?: string;
  readonly grpc?: boolean;
  readonly reflection?: boolean;
}

const file = z.string().min(1, { error: () => 'this is the path of a file, and it is empty' });
const listen = checked(parseListen);
const scope = checked(parseScope);
const subject = z.string().refine((text) => parseSubject(text) !== undefined, {
  error: ({ input }) => `${printable(String(input))} is not a subject; write it like CN=ci or CN=ci,O=Shop`,
});
const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: ({ input }) =>
    `${printable(String(input))} is not an address or network; write it like 10.0.0.5 or 10.0.0.0/8`,
});

/** The schema of the `server` section. */
export function serverSchema(section: Section) {
  return section('a key of server', {
    listen: z
      .union([listen, z.array(listen)], { error: (issue) => unionMessage(issue.input) })
      .meta({
        description: 'addresses of swapctl serve: unix:///PATH or tcp://ADDRESS:PORT (default: the unix socket)',
      })
      .optional(),
    tls: section('a key of tls', {
      cert: file.meta({ description: 'PEM file with the certificate and its chain' }),
      key: file.meta({ description: 'PEM file with the private key' }),
      ca: file.meta({ description: 'PEM file with the authorities of client certificates' }).optional(),
    })
      .meta({ description: 'certificate for TCP addresses; files are read again when they change' })
      .optional(),
    tokens: file.meta({ description: 'token file; swapctl token create prints its lines' }).optional(),
    clients: z
      .record(z.string(), section('a key of a client', { subject, allow: z.array(scope) }))
      .meta({ description: 'client certificates that may call the server, by a name for the audit log' })
      .optional(),
    'trust-proxy': z
      .array(network)
      .meta({ description: 'addresses and networks of proxies whose X-Forwarded-For counts (default: none)' })
      .optional(),
    audit: file.meta({ description: 'file for the audit log (default: stderr)' }).optional(),
    grpc: z
      .boolean()
      .meta({ description: 'whether the server answers gRPC on its addresses (default: true)' })
      .optional(),
    reflection: z
      .boolean()
      .meta({ description: 'whether gRPC clients may ask for the definitions (default: true)' })
      .optional(),
  });
}

/** Mistakes that no single key shows: keys of the section that need each other. */
export function serverGaps(document: unknown): { readonly path: readonly string[]; readonly message: string }[] {
  const server = configured(document);
  if (!server) return [];
  const first = server.listen.map((one) => whyNotListen(one, server)).find((why) => why !== undefined);
  if (first !== undefined) return [{ path: ['listen'], message: first }];
  const wrong = server.clients.flatMap(({ name }) => {
    const why = whyNotCallerName(name);
    return why ? [{ path: ['clients', name], message: `${why.message}; ${why.hint}` }] : [];
  });
  if (wrong.length > 0) return wrong;
  if (server.clients.length === 0 || server.tls?.ca !== undefined) return [];
  return [{ path: ['clients'], message: 'client certificates need server.tls with cert, key and ca' }];
}

/** The section as values. */
export function serverOf(shape: ServerShape | undefined, folder: string): ServerConfig {
  if (!shape) return NO_SERVER;
  const at = (name: string): string => path.resolve(folder, name);
  const { tls, tokens, clients = {}, audit } = shape;
  return {
    listen: [shape.listen ?? []].flat().map(parseListen),
    tls: tls && { cert: at(tls.cert), key: at(tls.key), ca: tls.ca === undefined ? undefined : at(tls.ca) },
    tokens: tokens === undefined ? undefined : at(tokens),
    clients: Object.entries(clients).map(([name, client]) => ({
      name,
      subject: client.subject,
      scopes: client.allow.map(parseScope),
    })),
    trustProxy: shape['trust-proxy'] ?? [],
    audit: audit === undefined ? undefined : at(audit),
    grpc: shape.grpc ?? true,
    reflection: shape.reflection ?? true,
  };
}

/** The section as swapctl config show prints it. */
export function shownServer(server: ServerConfig): object {
  const { tls, tokens, audit } = server;
  const clients = server.clients.map(({ name, subject, scopes }) => [name, { subject, allow: scopes.map(scopeText) }]);
  return {
    listen: server.listen.map((one) => (one.kind === 'unix' ? `unix://${one.path}` : tcpText(one))),
    ...(tls && { tls: { cert: tls.cert, key: tls.key, ...(tls.ca === undefined ? {} : { ca: tls.ca }) } }),
    ...(tokens === undefined ? {} : { tokens }),
    clients: Object.fromEntries(clients),
    'trust-proxy': server.trustProxy,
    ...(audit === undefined ? {} : { audit }),
    grpc: server.grpc,
    reflection: server.reflection,
  };
}

function tcpText({ host, port }: { host: string; port: number }): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

// The schema reports every mistake of a single key.
function configured(document: unknown): ServerConfig | undefined {
  const server =
    typeof document === 'object' && document !== null && 'server' in document ? document.server : undefined;
  const strict = <T extends z.core.$ZodLooseShape>(_: string, shape: T) => z.strictObject(shape);
  const parsed = serverSchema(strict).safeParse(server);
  return parsed.success ? serverOf(parsed.data as ServerShape, '/') : undefined;
}

function checked(read: (text: string) => unknown) {
  return z.string().superRefine((text, context) => {
    const message = whyNot(() => read(text));
    if (message) context.addIssue({ code: 'custom', message });
  });
}

function whyNot(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return [error.message, error.hint].filter(Boolean).join('; ');
  }
}

// zod only says that no branch of the union fits.
function unionMessage(input: unknown): string {
  const texts = [input].flat();
  if (!texts.every((text) => typeof text === 'string')) return 'listen has to be text, or a list of texts';
  return texts.map((text) => whyNot(() => parseListen(text))).find((why) => why !== undefined) ?? 'listen is wrong';
}

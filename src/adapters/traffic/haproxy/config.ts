/** The parts of HAProxy's configuration that swapctl reads. */
export interface HaproxyConfig {
  /** The sockets of the Runtime API with the level admin, as they are written. */
  readonly sockets: readonly string[];
  /** True if there is any socket at all. */
  readonly hasSocket: boolean;
  /** By name; `listen` sections are backends as well. */
  readonly backends: ReadonlyMap<string, readonly ConfiguredServer[]>;
}

/** A `server` line, or one of the servers of a `server-template` line. */
export interface ConfiguredServer {
  readonly name: string;
  /** Without the port; may be a name. */
  readonly host: string;
  readonly port: number | undefined;
  /** The options after the address, behind those of default-server. */
  readonly options: readonly string[];
}

export const SECTION =
  /^(global|defaults|frontend|backend|listen|resolvers|peers|mailers|program|userlist|cache|ring|http-errors|fcgi-app|log-forward|crt-store|traces|log-profile|acme)$/;

/** Parses the texts of all configuration files, in their order. */
export function parseConfig(texts: readonly string[]): HaproxyConfig {
  const [sockets, backends] = [[] as string[], new Map<string, ConfiguredServer[]>()];
  let hasSocket = false;
  let [section, name, shared, own]: [string, string, string[], string[]] = ['', '', [], []];
  for (const [keyword = '', ...words] of texts.flatMap((text) => text.split('\n')).map(wordsOf)) {
    if (SECTION.test(keyword)) {
      [section, name] = [keyword, words[0] ?? ''];
      if (keyword === 'defaults') shared = [];
      own = [...shared];
      if (keyword === 'backend' || keyword === 'listen') backends.set(name, backends.get(name) ?? []);
    } else if (section === 'global' && keyword === 'stats' && words[0] === 'socket') {
      hasSocket = true;
      if (words[words.indexOf('level') + 1] === 'admin') sockets.push(words[1] ?? '');
    } else if (keyword === 'default-server') {
      if (section === 'defaults') shared = [...shared, ...words];
      else own = [...own, ...words];
    } else if (keyword === 'server' || keyword === 'server-template')
      backends.get(name)?.push(...serversOf(keyword, words, own));
  }
  return { sockets, hasSocket, backends };
}

function serversOf(keyword: string, words: readonly string[], shared: readonly string[]): ConfiguredServer[] {
  const template = keyword === 'server-template';
  const [prefix = '', ...rest] = words;
  const [range, address = '', ...options] = template ? rest : ['', ...rest];
  const { host, port } = addressOf(address);
  const names = template ? numbersIn(range ?? '').map((number) => `${prefix}${number}`) : [prefix];
  return names.map((name) => ({ name, host, port, options: [...shared, ...options] }));
}

const MOST_SERVERS = 1000;

function numbersIn(range: string): number[] {
  const [first = 1, last = first] = range.includes('-') ? range.split('-').map(Number) : [1, Number(range)];
  const count = Math.min(MOST_SERVERS, Math.max(0, last - first + 1)) || 0;
  return Array.from({ length: count }, (_, at) => first + at);
}

function addressOf(text: string): { host: string; port: number | undefined } {
  const [, host = text, port] = /^(?:ipv[46]@)?(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? undefined : Number(port) };
}

/** The words of a line, as HAProxy parts them: quotes, backslashes, comments. */
export function wordsOf(line: string): string[] {
  const words = line.match(/#.*|(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\#])+/g) ?? [];
  return words.filter((word) => !word.startsWith('#')).map((word) => word.replace(/\\(.)|["']/g, '$1'));
}

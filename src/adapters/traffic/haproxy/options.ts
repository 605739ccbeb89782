/** Options of a server line that an added server must not or cannot have, by the number of words that follow each. */
const LEFT_OUT: Readonly<Record<string, number>> = {
  // swapctl decides about these itself.
  weight: 1,
  disabled: 0,
  enabled: 0,
  backup: 0,
  id: 1,
  // The health of a candidate is swapctl's to judge, and HAProxy starts no check of an added server by itself.
  check: 0,
  'no-check': 0,
  'agent-check': 0,
  'agent-addr': 1,
  'agent-inter': 1,
  'agent-port': 1,
  'agent-send': 1,
  addr: 1,
  port: 1,
  inter: 1,
  fastinter: 1,
  downinter: 1,
  rise: 1,
  fall: 1,
  observe: 1,
  'error-limit': 1,
  'on-error': 1,
  'on-marked-down': 1,
  'on-marked-up': 1,
  'check-ssl': 0,
  'check-proto': 1,
  'check-send-proxy': 0,
  'check-sni': 1,
  'check-alpn': 1,
  'check-via-socks4': 0,
  track: 1,
  // It is added by its address.
  resolvers: 1,
  'resolve-opts': 1,
  'resolve-prefer': 1,
  'resolve-net': 1,
  'init-addr': 1,
  'init-state': 1,
  // HAProxy takes none of these for an added server.
  cookie: 1,
  redir: 1,
  slowstart: 1,
};

/** The options with which a server is added, so that requests to it are made as to the server of the configuration. */
export function optionsOfAdded(words: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const skipped = LEFT_OUT[word];
    if (skipped === undefined) kept.push(word);
    else at += skipped;
  }
  return kept;
}

/** True if a word can stand in a command: the Runtime API ends a command at `;` and a line break. */
export function isCommandWord(word: string): boolean {
  return /^[\x21-\x7e]+$/.test(word) && !/[;\\"'#<]/.test(word);
}

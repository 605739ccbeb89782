import { SECTION, wordsOf } from './config.ts';

/** The limits of a backend's queue, as its sections set them. */
type Waits = Partial<Record<Key, string>>;
type Key = (typeof KEYS)[number];

const KEYS = ['timeout queue', 'timeout connect', 'retries', 'retry-on', 'option redispatch', 'mode'] as const;

/** The longest hold of a backend. */
export interface Hold {
  readonly kind: 'connections' | 'requests';
  /** 0: nothing. */
  readonly longestMs: number;
}

const DEFAULT_RETRIES = 3;
// HAProxy waits as long before it tries a refused connection again, or for `timeout connect` if that is shorter.
const RETRY_AFTER_MS = 1000;

/** By backend: for how long its requests can wait in its queue, by the texts of all configuration files. */
export function holdsIn(texts: readonly string[]): ReadonlyMap<string, Hold> {
  const [backends, defaults] = [new Map<string, Waits>(), new Map<string, Waits>()];
  let [shared, own]: [Waits, Waits] = [{}, {}];
  for (const [keyword = '', ...words] of texts.flatMap((text) => text.split('\n')).map(wordsOf)) {
    if (SECTION.test(keyword)) {
      const [name = ''] = words;
      const from = words.includes('from') ? defaults.get(words[words.indexOf('from') + 1] ?? '') : undefined;
      own = { ...(from ?? (keyword === 'defaults' ? {} : shared)) };
      if (keyword === 'defaults') shared = own;
      if (keyword === 'defaults') defaults.set(name, own);
      if (keyword === 'backend' || keyword === 'listen') backends.set(name, own);
    } else note(own, keyword, words);
  }
  return new Map([...backends].map(([name, waits]) => [name, holdOf(waits)]));
}

function note(waits: Waits, keyword: string, words: readonly string[]): void {
  const isPair = keyword === 'timeout' || keyword === 'option';
  const named = isPair ? `${keyword} ${words[0]}` : keyword;
  const key = KEYS.find((one) => one === named);
  if (key) waits[key] = words.slice(isPair ? 1 : 0).join(' ');
  if (keyword === 'no' && words.join(' ') === 'option redispatch') delete waits['option redispatch'];
}

function holdOf(waits: Waits): Hold {
  const kind = waits.mode === 'http' ? 'requests' : 'connections';
  const retried = waits['retry-on'] ?? 'conn-failure';
  const isRetried = /\b(conn-failure|all-retryable-errors)\b/.test(retried) && waits['option redispatch'] !== undefined;
  if (!isRetried) return { kind, longestMs: 0 };
  const connectMs = msOf(waits['timeout connect']);
  // The last retry goes to another server at once, and meets the same one.
  const retries = Math.max(0, Number(waits.retries ?? DEFAULT_RETRIES) - 1) || 0;
  const queueMs = msOf(waits['timeout queue']) ?? connectMs ?? Number.POSITIVE_INFINITY;
  return { kind, longestMs: Math.min(queueMs, retries * Math.min(RETRY_AFTER_MS, connectMs ?? RETRY_AFTER_MS)) };
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

// Without a unit it is milliseconds; 0 is no limit.
function msOf(text: string | undefined): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text ?? '') ?? [];
  if (amount === undefined) return undefined;
  return Number(amount) * (UNITS[unit] ?? 1) || undefined;
}

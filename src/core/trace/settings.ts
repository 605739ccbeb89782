/** The destination of traces, from the standard variables of OpenTelemetry. */
export interface TraceSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly serviceName: string;
  /** The `traceparent` of the program that started this one, such as a CI job. */
  readonly parent: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

// A roll waits for its export, so the timeout is shorter than that of an SDK that exports in the background (10 s).
const USUAL_TIMEOUT_MS = 5000;
const LONGEST_TIMEOUT_MS = 30_000;

/** Reads OTEL_EXPORTER_OTLP_ENDPOINT and the variables beside it. Undefined: no traces are wanted. */
export function traceSettings(env: Env): TraceSettings | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const url = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || tracesOf(env.OTEL_EXPORTER_OTLP_ENDPOINT);
  if (!url) return undefined;
  return {
    url,
    headers: headersOf(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS || env.OTEL_EXPORTER_OTLP_HEADERS),
    timeoutMs: timeoutOf(env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT || env.OTEL_EXPORTER_OTLP_TIMEOUT),
    serviceName: env.OTEL_SERVICE_NAME || 'swapctl',
    parent: env.TRACEPARENT,
  };
}

function tracesOf(endpoint: string | undefined): string | undefined {
  return endpoint ? `${endpoint.replace(/\/+$/, '')}/v1/traces` : undefined;
}

// `key=value,key=value`, percent-encoded (W3C Baggage).
function headersOf(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').flatMap((pair) => {
    const [key = '', ...value] = pair.split('=');
    return key.trim() === '' || value.length === 0 ? [] : [[key.trim(), decoded(value.join('=').trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function timeoutOf(text: string | undefined): number {
  const ms = Number(text);
  return text && ms > 0 ? Math.min(ms, LONGEST_TIMEOUT_MS) : USUAL_TIMEOUT_MS;
}

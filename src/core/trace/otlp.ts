import type { ServiceReport } from '../report/report.ts';
import { clipText } from '../text/sanitize.ts';
import type { TraceParent } from './parent.ts';
import type { Span } from './spans.ts';

/** A roll as a trace. Times are milliseconds since the epoch. */
export interface TracedRoll {
  readonly service: string;
  readonly began: number;
  readonly ended: number;
  readonly spans: readonly Span[];
  /** Undefined: the roll raised an error. */
  readonly report: ServiceReport | undefined;
  readonly error: string | undefined;
}

/** Names of a trace and its spans, in hexadecimal digits. */
export interface TraceIds {
  readonly traceId: string;
  /** A new id of a span. */
  readonly spanId: () => string;
}

const LONGEST_TEXT = 2000;
const INTERNAL = 1;
const ERROR = 2;

/** The body of POST /v1/traces (OTLP/HTTP with JSON): a span for the roll, and one in it for each step. */
export function otlpTrace(
  roll: TracedRoll,
  ids: TraceIds,
  { parent, serviceName, host }: { parent: TraceParent | undefined; serviceName: string; host: string },
): object {
  const root = ids.spanId();
  const common = { traceId: ids.traceId, kind: INTERNAL };
  const spans = [
    { ...common, spanId: root, ...(parent ? { parentSpanId: parent.spanId } : {}), ...rootSpan(roll) },
    ...roll.spans.map((span) => ({ ...common, spanId: ids.spanId(), parentSpanId: root, ...childSpan(span) })),
  ];
  const resource = { attributes: attributes({ 'service.name': serviceName, 'host.name': host }) };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'swapctl' }, spans }] }] };
}

function rootSpan({ service, began, ended, report, error }: TracedRoll): object {
  const failure = error ?? report?.error?.message;
  const { strategy, outcome, from, to } = report ?? {};
  return {
    name: `roll ${clipText(service, LONGEST_TEXT)}`,
    ...times(began, ended),
    attributes: attributes({
      'deployment.name': service,
      'deployment.status': failure === undefined ? 'succeeded' : 'failed',
      'swapctl.strategy': strategy,
      'swapctl.outcome': outcome,
      'error.type': failure === undefined ? undefined : (report?.error?.code ?? 'raised'),
      'container.id': to?.container,
      'container.image.name': to?.image,
      'swapctl.image.digest': to?.digest,
      'swapctl.from.image.name': from?.image,
      'swapctl.from.image.digest': from?.digest,
    }),
    ...status(failure),
  };
}

function childSpan({ name, began, ended, attributes: own, events, error }: Span): object {
  return {
    name,
    ...times(began, ended),
    attributes: attributes(own),
    events: events.map((event) => ({
      timeUnixNano: nanos(event.at),
      name: event.name,
      attributes: attributes({ 'swapctl.text': event.text }),
    })),
    ...status(error),
  };
}

function times(began: number, ended: number): object {
  return { startTimeUnixNano: nanos(began), endTimeUnixNano: nanos(Math.max(began, ended)) };
}

// As text, for JSON numbers of that size lose their last digits.
function nanos(ms: number): string {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`;
}

function status(error: string | undefined): object {
  return error === undefined ? {} : { status: { code: ERROR, message: clipText(error, LONGEST_TEXT) } };
}

function attributes(values: Readonly<Record<string, string | undefined>>): object[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: { stringValue: clipText(value, LONGEST_TEXT) } }],
  );
}

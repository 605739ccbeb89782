import { messageOf } from '../../core/model/error.ts';
import type { ServiceReport } from '../../core/report/report.ts';
import { otlpTrace, type TracedRoll } from '../../core/trace/otlp.ts';
import { parseTraceparent } from '../../core/trace/parent.ts';
import type { TraceSettings } from '../../core/trace/settings.ts';
import { SpanRecorder } from '../../core/trace/spans.ts';
import type { Ports } from '../../ports/ports.ts';

/**
 * Performs a roll, and exports it as a trace if the environment names a receiver. `traceparent` is the caller's. A failed export
 * is only a note.
 */
export async function traced(
  ports: Ports,
  service: string,
  traceparent: string | undefined,
  roll: (ports: Ports) => Promise<ServiceReport>,
): Promise<ServiceReport> {
  const { traces } = ports;
  if (!traces) return roll(ports);
  const recorder = new SpanRecorder(ports.clock.now);
  const began = ports.clock.now();
  const report: Ports['report'] = (progress) => {
    recorder.note(progress);
    ports.report(progress);
  };
  const ended = (result: Pick<TracedRoll, 'report' | 'error'>): Promise<void> => {
    recorder.close();
    const whole = { service, began, ended: ports.clock.now(), spans: recorder.spans, ...result };
    return send(ports, traces, whole, traceparent ?? traces.parent);
  };
  try {
    const result = await roll({ ...ports, report });
    await ended({ report: result, error: undefined });
    return result;
  } catch (error) {
    await ended({ report: undefined, error: messageOf(error) });
    throw error;
  }
}

async function send(
  ports: Ports,
  { url, headers, timeoutMs, serviceName }: TraceSettings,
  roll: TracedRoll,
  traceparent: string | undefined,
): Promise<void> {
  const parent = parseTraceparent(traceparent);
  // The caller does not record its trace, so this part of it would have no parent.
  if (parent?.sampled === false) return;
  const traceId = parent?.traceId ?? randomDigits(ports, 32);
  const ids = { traceId, spanId: () => randomDigits(ports, 16) };
  const body = otlpTrace(roll, ids, { parent, serviceName, host: ports.host.holder.split(' ')[0] ?? '' });
  try {
    await ports.post(url, body, timeoutMs, headers);
    ports.report({ kind: 'debug', text: `${roll.service}: exported the trace ${traceId}` });
  } catch (error) {
    const text = `${roll.service}: the trace was not exported, and the roll is not affected: ${messageOf(error)}`;
    ports.report({ kind: 'note', text });
  }
}

function randomDigits({ host }: Ports, count: number): string {
  let digits = '';
  while (digits.length < count) digits += host.randomId();
  return digits.slice(0, count);
}

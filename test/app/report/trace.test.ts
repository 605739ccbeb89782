// A roll as a trace: on an engine in memory, and sent to a real receiver.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import test, { suite } from 'node:test';
import { systemClock } from '../../../src/adapters/host/clock.ts';
import { openPost } from '../../../src/adapters/notify/open.ts';
import { createApp, type RollRequest } from '../../../src/app/app.ts';
import { traced } from '../../../src/app/report/trace.ts';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import { traceSettings } from '../../../src/core/trace/settings.ts';
import { askedTarget } from '../../../src/core/update/roll-target.ts';
import type { Ports } from '../../../src/ports/ports.ts';
import { SETUPS } from '../../matrix/setups.ts';
import { stageOf } from '../../matrix/stage.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = `00-${TRACE}-${SPAN}-01`;
const ENDPOINT = 'http://collector.test';
const FOREVER = 120_000;

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly status?: { readonly code: number; readonly message: string };
}

// biome-ignore lint/suspicious/noExplicitAny: the document of the protocol, as it arrives
function spansIn(body: any): [root: OtlpSpan, ...steps: OtlpSpan[]] {
  return body.resourceSpans[0].scopeSpans[0].spans;
}

function attribute({ attributes }: OtlpSpan, name: string): string | undefined {
  return attributes.find(({ key }) => key === name)?.value.stringValue;
}

/** Rolls the service of a stage, and keeps the exported trace. */
async function rolled(request: Partial<RollRequest> = {}, env: Record<string, string> = {}) {
  const stage = await stageOf({ ...SETUPS['start-first'], hooked: false });
  const { ports, progress } = stage.open();
  const posted: { url: string; body: unknown; headers: unknown }[] = [];
  const traces = traceSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, ...env });
  const post: Ports['post'] = async (url, body, _, headers) => void posted.push({ url, body, headers });
  const app = createApp({ ...ports, traces, post });
  const overrides = { settle: '500ms', 'drain.timeout': '500ms' };
  const signal = new AbortController().signal;
  const [report] = await stage.machine.clock.run(
    app.roll([stage.service], { pull: 'never', overrides, signal, ...request }),
  );
  return { report: report ?? assert.fail('no report'), posted, progress };
}

suite('the trace of a roll', () => {
  test('has a span for the roll, and one in it for each step', async () => {
    const { report, posted, progress } = await rolled();
    assert.equal(report.outcome, 'rolled');
    const [{ url, body } = assert.fail('nothing was sent'), ...more] = posted;
    assert.deepEqual([url, more], [`${ENDPOINT}/v1/traces`, []]);
    const [root, ...steps] = spansIn(body);
    assert.equal(root.name, `roll ${report.service}`);
    assert.match(root.traceId, /^[0-9a-f]{32}$/);
    assert.equal(root.parentSpanId, undefined);
    assert.deepEqual(
      ['deployment.name', 'deployment.status', 'swapctl.outcome', 'swapctl.strategy'].map((key) =>
        attribute(root, key),
      ),
      [report.service, 'succeeded', 'rolled', 'start-first'],
    );
    const done = progress.flatMap((one) => (one.kind === 'step' ? [one.step.kind] : []));
    assert.deepEqual(
      steps.map(({ name }) => name),
      done,
    );
    assert.ok(done.includes('await-healthy'));
    for (const step of steps) {
      assert.deepEqual([step.traceId, step.parentSpanId, step.status], [root.traceId, root.spanId, undefined]);
      assert.ok(BigInt(step.startTimeUnixNano) >= BigInt(root.startTimeUnixNano));
      assert.ok(BigInt(step.endTimeUnixNano) <= BigInt(root.endTimeUnixNano));
    }
    assert.equal(new Set([root, ...steps].map(({ spanId }) => spanId)).size, steps.length + 1);
  });

  test('is part of the trace of the caller, before that of the process', async () => {
    const other = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const { posted } = await rolled({ traceparent: PARENT }, { TRACEPARENT: other });
    const [root] = spansIn(posted[0]?.body);
    assert.deepEqual([root.traceId, root.parentSpanId], [TRACE, SPAN]);
    const [fromEnv] = spansIn((await rolled({}, { TRACEPARENT: other })).posted[0]?.body);
    assert.deepEqual([fromEnv.traceId, fromEnv.parentSpanId], ['a'.repeat(32), 'b'.repeat(16)]);
  });

  test('is not sent if the caller does not record it', async () => {
    assert.deepEqual((await rolled({ traceparent: `00-${TRACE}-${SPAN}-00` })).posted, []);
  });

  test('has the error of a roll that is refused', async () => {
    const { report, posted } = await rolled({ target: askedTarget({ image: 'absent:1' }) });
    const [root] = spansIn(posted[0]?.body);
    assert.equal(report.outcome, 'failed');
    assert.deepEqual(root.status, { code: 2, message: report.error?.message });
    assert.equal(attribute(root, 'deployment.status'), 'failed');
  });
});

suite('a receiver', () => {
  const REPORT: ServiceReport = { service: 'web', outcome: 'rolled', timings: { total: 1 } };

  /** The URL of a server with this answer, and the requests that it got. */
  async function receiver(t: test.TestContext, answer: (response: ServerResponse) => void) {
    const got: { path: string | undefined; headers: IncomingHttpHeaders; body: unknown }[] = [];
    const server = createServer(async (request, response) => {
      got.push({ path: request.url, headers: request.headers, body: await json(request) });
      answer(response);
    }).listen(0, '127.0.0.1');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, got };
  }

  async function send(env: Record<string, string>) {
    const notes: string[] = [];
    let count = 0;
    const traces = traceSettings({ OTEL_EXPORTER_OTLP_TIMEOUT: `${FOREVER}`, ...env });
    const clock = systemClock();
    const ports = {
      clock,
      traces,
      host: { holder: 'box x', randomId: () => `${++count}`.padStart(12, '0') },
      post: openPost({ env: {}, clock, authorities: async () => [] }),
      report: (progress) => void (progress.kind === 'note' && notes.push(progress.text)),
    } as Partial<Ports> as Ports;
    const report = await traced(ports, 'web', undefined, async () => REPORT);
    return { report, notes };
  }

  test('gets JSON, with the headers that the environment asks for', async (t) => {
    const { url, got } = await receiver(t, (response) => response.end('{}'));
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=geheim' };
    assert.deepEqual(await send(env), { report: REPORT, notes: [] });
    const [{ path, headers, body } = assert.fail('it got nothing')] = got;
    assert.deepEqual([path, headers['content-type'], headers['api-key']], ['/v1/traces', 'application/json', 'geheim']);
    assert.equal(spansIn(body)[0].name, 'roll web');
  });

  test('that refuses leaves a note without a secret, and the roll as it is', async (t) => {
    const { url } = await receiver(t, (response) => response.writeHead(401).end('no such key: geheim'));
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=geheim' };
    const { report, notes } = await send(env);
    assert.equal(report, REPORT);
    assert.match(notes.join('\n'), /^web: the trace was not exported, and the roll is not affected: 127.*answers 401/);
    assert.doesNotMatch(notes.join('\n'), /geheim/);
  });

  test('that never answers is given up after the timeout', async (t) => {
    const { url, got } = await receiver(t, () => {});
    const { report, notes } = await send({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    });
    assert.deepEqual([report, got.length], [REPORT, 1]);
    assert.match(notes.join('\n'), /no answer within 0\.3 s/);
  });

  test('that is not there, and one that is no URL, leave a note', async () => {
    assert.match((await send({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })).notes.join(), /not exported/);
    assert.match((await send({ OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense' })).notes.join(), /Invalid URL/);
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseTraceparent } from '../../../src/core/trace/parent.ts';
import { traceSettings } from '../../../src/core/trace/settings.ts';
import { SpanRecorder } from '../../../src/core/trace/spans.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

suite('a traceparent', () => {
  test('names the trace and the span of the caller', () => {
    assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, sampled: true });
    assert.equal(parseTraceparent(` 00-${TRACE}-${SPAN}-02\n`)?.sampled, false);
    assert.equal(parseTraceparent(`01-${TRACE}-${SPAN}-03-more`)?.sampled, true);
  });

  for (const text of [
    undefined,
    '',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
  ])
    test(`is not ${text}`, () => assert.equal(parseTraceparent(text), undefined));
});

suite('the settings of traces', () => {
  const of = (env: Record<string, string>) => traceSettings(env);

  test('are those of OpenTelemetry', () => {
    assert.deepEqual(
      of({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b=, x = y,,nothing',
        OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
        OTEL_SERVICE_NAME: 'rolls',
        TRACEPARENT: 'parent',
      }),
      {
        url: 'http://collector:4318/v1/traces',
        headers: { 'api-key': 'a b=', x: 'y' },
        timeoutMs: 1500,
        serviceName: 'rolls',
        parent: 'parent',
      },
    );
    assert.equal(of({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x/own' })?.url, 'http://x/own');
  });

  test('have an end to the waiting', () => {
    const timeout = (text: string) =>
      of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_TIMEOUT: text })?.timeoutMs;
    assert.deepEqual(['', '0', '-1', 'soon', '9999999'].map(timeout), [5000, 5000, 5000, 5000, 30_000]);
  });

  test('are none without an endpoint, or if traces are switched off', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' };
    for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }]) assert.equal(traceSettings(env), undefined);
    assert.equal(of({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }), undefined);
    assert.equal(of({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), undefined);
  });
});

suite('spans', () => {
  const start = { kind: 'start', container: 'c', name: 'web.new' } as const;
  const stop = { kind: 'stop', container: 'd', name: 'web' } as const;

  test('have the time of each step, also if two slots are at work', () => {
    let now = 0;
    const recorder = new SpanRecorder(() => now);
    recorder.note({ kind: 'step', slot: 'web-1', step: start, strategy: 'start-first', phase: 'start' });
    now = 10;
    recorder.note({ kind: 'step', slot: 'web-2', step: start, strategy: 'start-first', phase: 'start' });
    recorder.note({ kind: 'probe', slot: 'web-2', container: 'c', output: 'HTTP 503' });
    now = 30;
    recorder.note({ kind: 'done', slot: 'web-1', step: start, ms: 30 });
    now = 50;
    recorder.note({ kind: 'done', slot: 'web-2', step: start, ms: 40 });
    recorder.note({ kind: 'pulled', reference: 'app:2', ms: 20 });
    assert.deepEqual(
      recorder.spans.map(({ name, began, ended, error }) => [name, began, ended, error]),
      [
        ['start', 0, 30, undefined],
        ['start', 10, 50, undefined],
        ['pull', 30, 50, undefined],
      ],
    );
    assert.deepEqual(recorder.spans[1]?.events, [{ at: 10, name: 'probe', text: 'HTTP 503' }]);
  });

  test('have the error of a step that failed, and end when the roll ends', () => {
    const recorder = new SpanRecorder(() => 0);
    recorder.note({ kind: 'step', slot: 'web', step: start, strategy: 'start-first', phase: 'start' });
    recorder.note({ kind: 'debug', text: 'web: start web.new: no such\ncontainer' });
    recorder.note({ kind: 'step', slot: 'web', step: stop, strategy: 'start-first', phase: 'start' });
    recorder.close();
    assert.deepEqual(
      recorder.spans.map(({ name, error }) => [name, error]),
      [
        ['start', 'no such container'],
        ['stop', 'not completed'],
      ],
    );
  });

  test('are bounded, as are their events', () => {
    const recorder = new SpanRecorder(() => 0);
    for (let i = 0; i < 1000; i++)
      recorder.note({ kind: 'step', slot: 'web', step: start, strategy: 'start-first', phase: 'start' });
    const before = new SpanRecorder(() => 0);
    before.note({ kind: 'step', slot: 'web', step: start, strategy: 'start-first', phase: 'start' });
    for (let i = 0; i < 1000; i++) before.note({ kind: 'probe', slot: 'web', container: 'c', output: 'no' });
    assert.deepEqual([recorder.spans.length, before.spans[0]?.events.length], [500, 100]);
  });
});

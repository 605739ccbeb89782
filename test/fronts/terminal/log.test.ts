import assert from 'node:assert/strict';
import test from 'node:test';
import type { WatchLog } from '../../../src/daemons/log.ts';
import { jsonLog, lineLog, progressTo } from '../../../src/fronts/terminal/log.ts';
import { pageFor } from '../../../src/fronts/terminal/style.ts';

const TERMINAL = { stdout: () => {}, stdoutIsTty: false, stderr: { write: () => {} }, env: {}, now: () => 0 };
const { style } = pageFor(TERMINAL, false);

function written(make: (write: (text: string) => void) => WatchLog, tell: (log: WatchLog) => void): string[] {
  let text = '';
  const log = make((more) => {
    text += more;
  });
  tell(log);
  return text.split('\n').slice(0, -1);
}

test('a log for programs is one document a line, with the facts', () => {
  const lines = written(
    (write) => jsonLog(write, 'info'),
    (log) => {
      log.write('debug', 'not told');
      log.write('warn', 'a\nb\x1b[31m', { service: 'web', error: { code: 'busy', message: '\x1b]0;x\x07hi' } });
    },
  );
  const [first = '', ...more] = lines;
  assert.deepEqual(more, []);
  const { time, ...rest } = JSON.parse(first);
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  assert.deepEqual(rest, { level: 'warn', service: 'web', error: { code: 'busy', message: 'hi' }, msg: 'a b' });
});

test('a log for people is a line with the time, and nothing in it can steer the terminal', () => {
  const lines = written(
    (write) => lineLog(write, 'info', style, () => 0),
    (log) => {
      log.write('debug', 'not told');
      log.write('info', 'web: updated\n\x1b[2J', { service: 'web' });
    },
  );
  assert.deepEqual(lines, ['1970-01-01T00:00:00Z web: updated']);
});

test('of a roll the log has what it does, and why it failed', () => {
  const lines = written(
    (write) => lineLog(write, 'info', style, () => 0),
    (log) => {
      const report = progressTo(log);
      report({ kind: 'slot', slot: 'web', strategy: 'start-first', because: 'it can' });
      const step = { kind: 'stop', container: 'id', name: 'web' } as const;
      report({ kind: 'step', slot: 'web', step, strategy: 'start-first', phase: 'retire' });
      report({ kind: 'evidence', slot: 'web', container: 'web.swapctl-next', health: [], log: ['no', 'database'] });
    },
  );
  assert.deepEqual(
    lines.map((line) => line.slice(21)),
    ['web: roll it, start-first', 'web: web.swapctl-next failed: database'],
  );
});

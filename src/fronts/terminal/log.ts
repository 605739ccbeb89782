import { pino } from 'pino';
import { decisionText } from '../../core/report/decision-text.ts';
import { callText } from '../../core/report/progress.ts';
import { describeStep } from '../../core/rollout/step.ts';
import { sanitizeText } from '../../core/text/sanitize.ts';
import type { Level, WatchLog } from '../../daemons/log.ts';
import { sanitize } from './sanitize.ts';
import type { Style } from './style.ts';
import type { Report } from './terminal.ts';

type Write = (text: string) => void;

/** Logs one JSON document per line. */
export function jsonLog(write: Write, least: Level): WatchLog {
  const logger = pino(
    {
      level: least,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return { write: (level, text, facts = {}) => logger[level](sanitize(facts), sanitizeText(text)) };
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** Logs lines for people, with the time. */
export function lineLog(write: Write, least: Level, style: Style, now: () => number): WatchLog {
  const paints: Readonly<Record<Level, (text: string) => string>> = {
    debug: style.dim,
    info: (text) => text,
    warn: style.yellow,
    error: style.red,
  };
  return {
    write: (level, text) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      const time = new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z');
      write(`${style.dim(time)} ${paints[level](sanitizeText(text).trimEnd())}\n`);
    },
  };
}

/** Writes the progress of rolls to the log, with `traced` also each decision of the planner. */
export function progressTo(log: WatchLog, traced = false): Report {
  return (progress) => {
    switch (progress.kind) {
      case 'note':
        return log.write('info', progress.text);
      case 'evidence': {
        const { slot, container, health, log: lines } = progress;
        const said = [...health, ...lines].at(-1);
        return log.write('warn', `${slot}: ${container} failed${said ? `: ${said}` : ''}`, {
          slot,
          health,
          log: lines,
        });
      }
      case 'slot':
        return log.write('info', `${progress.slot}: roll it, ${progress.strategy}`, {
          slot: progress.slot,
          way: progress.strategy,
        });
      case 'pulled':
        return log.write('info', `pulled ${progress.reference}`, { reference: progress.reference, ms: progress.ms });
      case 'building':
        return log.write('info', `${progress.what}: ${progress.line}`, {
          building: progress.what,
          line: progress.line,
        });
      case 'built':
        return log.write('info', `${progress.what}: built`, { built: progress.what, ms: progress.ms });
      case 'build-failed': {
        const { what, message, log: lines } = progress;
        for (const line of [...lines, message]) log.write('error', `${what}: ${line}`, { building: what, line });
        return;
      }
      case 'step':
        return log.write('debug', `${progress.slot}: ${describeStep(progress.step)}`);
      case 'debug':
        return log.write('debug', progress.text);
      case 'call':
        return log.write('debug', callText(progress));
      case 'decision':
        return traced ? log.write('debug', decisionText(progress.slot, progress.seen, progress.decision)) : undefined;
      case 'logged':
      case 'asked':
      case 'resolving':
      case 'pulling':
      case 'done':
      case 'end':
      case 'waiting':
      case 'probe':
        return;
    }
  };
}

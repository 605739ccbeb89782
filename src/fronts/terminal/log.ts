import { pino } from 'pino';
import { decisionText } from '../../core/report/decision-text.ts';
import { callText } from '../../core/report/progress.ts';
import { describeStep } from '../../core/rollout/step.ts';
import { harmlessText } from '../../core/text/harmless.ts';
import type { Level, WatchLog } from '../../daemons/log.ts';
import { harmless } from './harmless.ts';
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
  return { tell: (level, text, facts = {}) => logger[level](harmless(facts), harmlessText(text)) };
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
    tell: (level, text) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      const time = new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z');
      write(`${style.dim(time)} ${paints[level](harmlessText(text).trimEnd())}\n`);
    },
  };
}

/** Writes the progress of rolls to the log, with `traced` also each decision of the planner. */
export function progressTo(log: WatchLog, traced = false): Report {
  return (progress) => {
    switch (progress.kind) {
      case 'note':
        return log.tell('info', progress.text);
      case 'evidence': {
        const { slot, container, health, log: lines } = progress;
        const said = [...health, ...lines].at(-1);
        return log.tell('warn', `${slot}: ${container} failed${said ? `: ${said}` : ''}`, { slot, health, log: lines });
      }
      case 'slot':
        return log.tell('info', `${progress.slot}: roll it, ${progress.strategy}`, {
          slot: progress.slot,
          way: progress.strategy,
        });
      case 'pulled':
        return log.tell('info', `pulled ${progress.reference}`, { reference: progress.reference, ms: progress.ms });
      case 'building':
        return log.tell('info', `${progress.what}: ${progress.line}`, { building: progress.what, line: progress.line });
      case 'built':
        return log.tell('info', `${progress.what}: built`, { built: progress.what, ms: progress.ms });
      case 'build-failed': {
        const { what, message, log: lines } = progress;
        for (const line of [...lines, message]) log.tell('error', `${what}: ${line}`, { building: what, line });
        return;
      }
      case 'step':
        return log.tell('debug', `${progress.slot}: ${describeStep(progress.step)}`);
      case 'debug':
        return log.tell('debug', progress.text);
      case 'call':
        return log.tell('debug', callText(progress));
      case 'decision':
        return traced ? log.tell('debug', decisionText(progress.slot, progress.seen, progress.decision)) : undefined;
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

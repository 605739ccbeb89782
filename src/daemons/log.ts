/** The level of a line in a daemon's log. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** The log of a daemon: a sentence, and the facts behind it for programs. */
export interface WatchLog {
  write(level: Level, text: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** How much a line of a daemon's log matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** Where a watch tells what happens: a sentence, and for programs the facts behind it. */
export interface WatchLog {
  tell(level: Level, text: string, facts?: Readonly<Record<string, unknown>>): void;
}

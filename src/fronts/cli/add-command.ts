import type { Command } from 'commander';
import type { Session } from './session.ts';

/** Adds a command with its summary and examples. */
export type AddCommand = (name: string, summary: string, examples: readonly string[]) => Command;

/** Gets the exit status of the command. */
export type Finish = (status: number) => void;

/** The context and the global options of the parsed command line. */
export type OpenSession = () => Session;

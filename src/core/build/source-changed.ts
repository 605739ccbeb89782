/** How the message of a SourceChanged ends. */
export const CHANGED = 'changed while they were read';

/** Files changed while they were read: what was read of them is of no use, and reading them again helps. */
export class SourceChanged extends Error {
  constructor(folder: string, cause: unknown) {
    super(`files in ${folder} ${CHANGED}`, { cause });
    this.name = 'SourceChanged';
  }
}

/** Whether that is at the bottom of an error, whatever it was translated into on its way. */
export function isSourceChange(error: unknown): boolean {
  return error instanceof Error && (error instanceof SourceChanged || isSourceChange(error.cause));
}

/** The end of the message of a SourceChanged. */
export const CHANGED = 'changed while they were read';

/** Files changed while swapctl read them: discard the result and read them again. */
export class SourceChanged extends Error {
  constructor(folder: string, cause: unknown) {
    super(`files in ${folder} ${CHANGED}`, { cause });
    this.name = 'SourceChanged';
  }
}

/** True: a SourceChanged is the root cause of the error. */
export function isSourceChange(error: unknown): boolean {
  return error instanceof Error && (error instanceof SourceChanged || isSourceChange(error.cause));
}

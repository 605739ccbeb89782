import { SwapError } from '../../../core/model/error.ts';

/** The caller asks for more than its share, and may try again later. */
export class LimitError extends SwapError {
  readonly retryAfterS: number;

  constructor(message: string, hint: string, retryAfterS = 60) {
    super('too-many-requests', message, { hint });
    this.retryAfterS = retryAfterS;
  }
}

import { SwapError } from '../../../core/model/error.ts';

/** The caller exceeds its rate limit, and may try again later. */
export class LimitError extends SwapError {
  readonly retryAfterS: number;

  constructor(message: string, hint: string | undefined, retryAfterS = 60) {
    super('too-many-requests', message, hint === undefined ? {} : { hint });
    this.retryAfterS = retryAfterS;
  }
}

import { type ErrorCode, type ErrorState, usualState } from '../../core/model/error.ts';

const TEXTS: Readonly<Record<ErrorState, string>> = {
  untouched: 'nothing was touched',
  'old-serves': 'the old version serves as before',
  'new-serves': 'the new version serves',
  'half-done': 'it stopped halfway; swapctl status shows which version serves',
};

/** The state after an error, for people; undefined if it is unknown. */
export function stateText({ code, state = usualState(code) }: Stated): string | undefined {
  return state && TEXTS[state];
}

/** True if the old version serves after an error. */
export function oldServes({ code, state = usualState(code) }: Stated): boolean {
  return state === 'old-serves';
}

interface Stated {
  readonly code: ErrorCode;
  readonly state?: ErrorState | undefined;
}

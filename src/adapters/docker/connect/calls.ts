import type Dockerode from 'dockerode';
import { noteCall } from '../../trace/calls.ts';

interface Dialled {
  readonly method?: string;
  readonly path: string;
}

type Done = (error: unknown, answer: unknown) => void;
type Dial = (call: Dialled, done: Done) => void;

/** Traces every call of a dockerode. Build arguments and logins travel in queries, headers and bodies, so only the path is shown. */
export function noteDials({ modem }: Dockerode): void {
  const own = modem as { dial: Dial };
  const { dial } = own;
  // withVersion copies this function to another modem, so it dials with `this`.
  own.dial = function dialNoted(this: unknown, call, done) {
    const ended = noteCall('engine', () => shownCall(call.method, call.path));
    dial.call(this, call, (error, answer) => {
      ended(error ? whyNot(error) : statusOf(answer));
      done(error, answer);
    });
  };
}

/** Renders a call to the engine without its query, and with short ids. */
export function shownCall(method: string | undefined, path: string): string {
  const [bare = ''] = path.split('?');
  return `${method ?? 'GET'} ${bare.replace(/[0-9a-f]{64}/g, (id) => id.slice(0, 12))}`;
}

/** The status or the code of a call that failed. */
export function whyNot(error: unknown): string | number {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  return statusCode ?? code ?? 'failed';
}

// An answer that is not a stream has no status; dockerode only passes it on if the call succeeded.
function statusOf(answer: unknown): string | number {
  return (answer as { statusCode?: number } | null)?.statusCode ?? 'ok';
}

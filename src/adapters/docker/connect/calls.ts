import type Dockerode from 'dockerode';
import { noteCall } from '../../trace/calls.ts';

interface Dialled {
  readonly method?: string;
  readonly path: string;
}

type Done = (error: unknown, answer: unknown) => void;
type Dial = (call: Dialled, done: Done) => void;

/** Notes every call that a dockerode makes. Build arguments and logins are in queries, headers and bodies: only the path is named. */
export function noteDials({ modem }: Dockerode): void {
  const own = modem as { dial: Dial };
  const { dial } = own;
  // Copies of the modem that speak another API version take this along, and dial for themselves.
  own.dial = function dialNoted(this: unknown, call, done) {
    const ended = noteCall('engine', () => shownCall(call.method, call.path));
    dial.call(this, call, (error, answer) => {
      ended(error ? whyNot(error) : statusOf(answer));
      done(error, answer);
    });
  };
}

/** A call of the engine as it may be shown: ids in their short form. */
export function shownCall(method: string | undefined, path: string): string {
  const [bare = ''] = path.split('?');
  return `${method ?? 'GET'} ${bare.replace(/[0-9a-f]{64}/g, (id) => id.slice(0, 12))}`;
}

/** The status or the code of a call that failed. */
export function whyNot(error: unknown): string | number {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  return statusCode ?? code ?? 'failed';
}

// What is not read as a stream has come to a good end.
function statusOf(answer: unknown): string | number {
  return (answer as { statusCode?: number } | null)?.statusCode ?? 'ok';
}

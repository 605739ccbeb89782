import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';

/** Opens one connection; it may call back later, with an error if there is to be no connection. */
export type Dial = (done: (error: Error | null, socket?: Duplex) => void) => void;

/** An http.Agent, and a function that ends all of its connections. */
export type Line = { readonly agent: Agent; readonly close: () => void };

/**
 * An http.Agent that gets its connections from `dial`, whatever the request's address is, and keeps them for the next request.
 * `close` destroys all of them, even those that became raw streams (exec) and left the agent.
 */
export function openLine(dial: Dial): Line {
  const open = new Set<Duplex>();
  let closed = false;
  const createConnection = (_options: unknown, done: (error: Error | null, socket?: Duplex) => void): void =>
    dial((error, socket) => {
      if (socket === undefined) return done(error);
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      done(null, socket);
      // A dial that was queued when the line was closed.
      if (closed) socket.destroy();
    });
  const agent = Object.assign(new Agent({ keepAlive: true, scheduling: 'lifo' }), { createConnection });
  const close = (): void => {
    closed = true;
    agent.destroy();
    for (const socket of open) socket.destroy();
  };
  return { agent, close };
}

import type { HttpBindings } from '@hono/node-server';

/** What the listener tells of a request beside the request. */
export type Bindings = HttpBindings & { readonly transport: 'unix' | 'tcp' };

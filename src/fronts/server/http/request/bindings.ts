import type { HttpBindings } from '@hono/node-server';

/** The facts about a request that the listener adds. */
export type Bindings = HttpBindings & { readonly transport: 'unix' | 'tcp' };

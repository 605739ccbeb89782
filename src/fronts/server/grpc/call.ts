import {
  type ConnectError,
  type ContextValues,
  createContextKey,
  type HandlerContext,
  type Interceptor,
  type StreamResponse,
} from '@connectrpc/connect';
import type { Principal } from '../../../core/access/principal.ts';
import { fail } from '../../../core/model/error.ts';
import { credentialsOf, type Peer } from '../access/credentials.ts';
import type { Asker, Site } from '../operations/asker.ts';
import { login } from '../operations/login.ts';
import { connectErrorOf } from './errors.ts';
import { measured } from './measures.ts';

/** A call, as the layers below gRPC see it. */
export interface Wire extends Peer {
  /** Cuts the stream, and over HTTP/1.1 the connection. */
  readonly drop: () => void;
}

export const WIRE = createContextKey<Wire>({ socket: undefined, transport: 'tcp', drop: () => {} });
const CALLER = createContextKey<Principal | undefined>(undefined);

// As /readyz: a load balancer has no token.
const OPEN = ['grpc.health.v1.Health.Check'];

/** The doors of every call: login, other sites, errors in swapctl's form, and the metrics. */
export function guarded(site: Site): Interceptor {
  return (next) => async (request) => {
    const end = measured(site.world, request.method);
    try {
      await enter(site, request);
      const response = await next(request);
      response.header.set('cache-control', 'no-store');
      if (response.stream) return { ...response, message: translated(response, end) };
      end(undefined);
      return response;
    } catch (raised) {
      throw ended(end, raised);
    }
  };
}

interface Entering {
  readonly header: Headers;
  readonly contextValues: ContextValues;
  readonly method: { readonly name: string; readonly parent: { readonly typeName: string } };
}

async function enter(site: Site, { header, contextValues, method }: Entering): Promise<void> {
  // A browser with a client certificate would let any page ask for changes; programs send no Origin.
  if (header.has('origin')) fail('forbidden', 'pages in browsers may not call this API');
  if (OPEN.includes(`${method.parent.typeName}.${method.name}`)) return;
  contextValues.set(CALLER, await login(site.world, credentialsOf(header, contextValues.get(WIRE))));
}

async function* translated({ message }: StreamResponse, end: End): AsyncGenerator<StreamMessage> {
  try {
    yield* message;
  } catch (raised) {
    throw ended(end, raised);
  } finally {
    end(undefined);
  }
}

type StreamMessage = StreamResponse['message'] extends AsyncIterable<infer One> ? One : never;
type End = ReturnType<typeof measured>;

function ended(end: End, raised: unknown): ConnectError {
  const error = connectErrorOf(raised);
  end(error);
  return error;
}

/** The caller of a call that has passed the doors. */
export function askerOf(site: Site, { values }: Pick<HandlerContext, 'values'>): Asker {
  return { site, caller: values.get(CALLER) ?? fail('unauthenticated', 'nobody has logged in') };
}

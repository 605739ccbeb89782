import protobuf from 'protobufjs';

/** One step of a build, as BuildKit reports it: again whenever it has changed. */
export interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly cached: boolean;
  readonly started: boolean;
  readonly completed: boolean;
  readonly error: string;
}

/** The content of one message of BuildKit's trace. */
export interface Trace {
  readonly vertexes: readonly Vertex[];
  /** The output of the steps. */
  readonly logs: readonly { readonly vertex: string; readonly text: string }[];
}

// The part of moby/buildkit's api/services/control/control.proto that is read here. dockerode's own decoder garbles the output of
// RUN.
const SCHEMA = protobuf.Root.fromJSON({
  nested: {
    StatusResponse: {
      fields: {
        vertexes: { rule: 'repeated', type: 'Vertex', id: 1 },
        logs: { rule: 'repeated', type: 'VertexLog', id: 3 },
      },
    },
    Vertex: {
      fields: {
        digest: { type: 'string', id: 1 },
        name: { type: 'string', id: 3 },
        cached: { type: 'bool', id: 4 },
        started: { type: 'bytes', id: 5 },
        completed: { type: 'bytes', id: 6 },
        error: { type: 'string', id: 7 },
      },
    },
    VertexLog: { fields: { vertex: { type: 'string', id: 1 }, msg: { type: 'bytes', id: 4 } } },
  },
}).lookupType('StatusResponse');

interface Decoded {
  readonly vertexes: readonly (Omit<Vertex, 'started' | 'completed'> & {
    readonly started: Uint8Array;
    readonly completed: Uint8Array;
  })[];
  readonly logs: readonly { readonly vertex: string; readonly msg: Uint8Array }[];
}

/** Decodes the `aux` of a `moby.buildkit.trace` line; anything else is empty, which does not end a build. */
export function decodeTrace(base64: string): Trace {
  const { vertexes, logs } = decoded(base64);
  return {
    // Times are messages of their own; only their presence counts.
    vertexes: vertexes.map(({ digest, name, cached, started, completed, error }) => ({
      digest,
      name,
      cached,
      started: started.length > 0,
      completed: completed.length > 0,
      error,
    })),
    logs: logs.map(({ vertex, msg }) => ({ vertex, text: Buffer.from(msg).toString() })),
  };
}

function decoded(base64: string): Decoded {
  try {
    return SCHEMA.decode(Buffer.from(base64, 'base64')) as unknown as Decoded;
  } catch {
    return { vertexes: [], logs: [] };
  }
}

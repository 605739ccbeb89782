import { Code, type ConnectError } from '@connectrpc/connect';
import type { ServerWorld } from '../world.ts';

interface Method {
  readonly name: string;
  readonly parent: { readonly typeName: string };
}

/** Records a call once it ends: with its error, or well. */
export function measured({ metrics, now }: ServerWorld, method: Method): (error: ConnectError | undefined) => void {
  const began = now();
  const labels = { method: `${method.parent.typeName}/${method.name}` };
  let isOver = false;
  return (error) => {
    if (isOver) return;
    isOver = true;
    const status = error === undefined ? 'ok' : snake(Code[error.code]);
    metrics.add('swapctl_grpc_calls_total', { ...labels, status });
    metrics.observe('swapctl_grpc_call_duration_seconds', labels, (now() - began) / 1000);
  };
}

function snake(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase();
}

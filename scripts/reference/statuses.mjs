// The table of the statuses of gRPC in docs/guide/server/grpc.md.

/** The generated parts of docs/guide/server/grpc.md. */
export async function statusParts() {
  const { ERROR_CODES, grpcStatus } = await import('../../src/core/model/error.ts');
  const statuses = new Map();
  for (const code of ERROR_CODES) statuses.set(grpcStatus(code), [...(statuses.get(grpcStatus(code)) ?? []), code]);
  const rows = [...statuses].map(
    ([status, codes]) => `| \`${status.toUpperCase()}\` | ${codes.map((code) => `\`${code}\``).join(', ')} |`,
  );
  return { statuses: rows.join('\n') };
}

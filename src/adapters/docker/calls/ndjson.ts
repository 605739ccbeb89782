/** Splits a byte stream of newline-delimited JSON into objects; ignores other lines. */
export async function* jsonLines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<Record<string, unknown>> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield* parsed(line);
  }
  yield* parsed(rest);
}

function* parsed(line: string): Generator<Record<string, unknown>> {
  if (line.trim() === '') return;
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) yield value as Record<string, unknown>;
  } catch {
    // A progress line of the engine may be cut, and is not needed; an error line is always whole.
  }
}

import type { Trace, Vertex } from './trace.ts';

/** Converts a builder's output to lines, and keeps the output of the failed step. */
export interface Transcript {
  /** The last lines of the failed step, below its name. */
  failure(): string[];
}

const LAST_LINES = 20;

/** BuildKit's trace as lines, numbered by step as docker shows it. */
export function traceTranscript(onLine: (line: string) => void): Transcript & { take(trace: Trace): void } {
  const steps = new Map<
    string,
    { readonly number: number; readonly name: string; readonly lines: string[]; ended: boolean }
  >();
  let failed: string | undefined;
  const stepOf = (digest: string, name = '') => {
    const step = steps.get(digest) ?? { number: steps.size + 1, name, lines: [], ended: false };
    steps.set(digest, step);
    return step;
  };
  const takeVertex = (vertex: Vertex): void => {
    const isNew = !steps.has(vertex.digest);
    if (isNew && !vertex.started && !vertex.cached) return;
    const step = stepOf(vertex.digest, vertex.name);
    const { number } = step;
    if (isNew) onLine(`#${number} ${vertex.name}`);
    if (step.ended) return;
    step.ended = vertex.completed;
    if (vertex.error) onLine(`#${number} ERROR: ${vertex.error}`);
    else if (vertex.completed) onLine(`#${number} ${vertex.cached ? 'CACHED' : 'DONE'}`);
    // The other steps are only canceled.
    if (vertex.error && !/context canceled/.test(vertex.error)) failed ??= vertex.digest;
  };
  return {
    take: ({ vertexes, logs }) => {
      for (const vertex of vertexes) takeVertex(vertex);
      for (const { vertex, text } of logs) {
        const { number, lines } = stepOf(vertex);
        for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
          lines.push(line);
          onLine(`#${number} ${line}`);
        }
        lines.splice(0, lines.length - LAST_LINES);
      }
    },
    failure: () => {
      const step = failed === undefined ? undefined : steps.get(failed);
      return step ? [`> ${step.name}`, ...step.lines] : [];
    },
  };
}

// The classic builder colours stderr red.
const COLOURS = /\x1b\[\d*m/g;

/** The classic builder's output, which comes in pieces, as lines. */
export function classicTranscript(onLine: (line: string) => void): Transcript & { take(text: string): void } {
  let rest = '';
  let step: string[] = [];
  const take = (line: string): void => {
    if (line.trim() === '') return;
    if (/^Step \d+\/\d+ : /.test(line)) step = [];
    step.push(line);
    if (step.length > LAST_LINES + 1) step.splice(1, 1);
    onLine(line);
  };
  return {
    take: (text) => {
      const lines = (rest + text).replace(COLOURS, '').split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(take);
    },
    failure: () => {
      if (rest) take(rest);
      rest = '';
      return step.filter(
        (line) =>
          !/^ ---> (Running in |Removed intermediate container )?[0-9a-f]{12}$|^Removing intermediate/.test(line),
      );
    },
  };
}

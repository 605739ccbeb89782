import type { ServiceUpdate, UpdateOutcome, UpdateReport } from '../update/update.ts';
import type { HostAnswer } from './report.ts';

// The most important first.
const TELLING: readonly UpdateOutcome[] = [
  'failed',
  'unknown',
  'held',
  'waiting',
  'available',
  'updated',
  'current',
  'skipped',
];

/** One line for each service of a group: the most important outcome of its hosts, with their names. */
export function mergedLines(answers: readonly HostAnswer<UpdateReport>[]): ServiceUpdate[] {
  const lines = answers.flatMap(({ host, report }) => (report?.services ?? []).map((line) => ({ host, line })));
  const services = [...new Set(lines.map(({ line }) => line.service))];
  return services.flatMap((service) => mergedLine(lines.filter(({ line }) => line.service === service)));
}

function mergedLine(lines: readonly { readonly host: string; readonly line: ServiceUpdate }[]): ServiceUpdate[] {
  const outcome = TELLING.find((one) => lines.some(({ line }) => line.outcome === one));
  const telling = lines.filter(({ line }) => line.outcome === outcome);
  const [first] = telling;
  if (!first) return [];
  const hosts = telling.map(({ host }) => host).join(', ');
  return [{ ...first.line, because: `on ${hosts}: ${first.line.because}` }];
}

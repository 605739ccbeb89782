import type { Checked } from '../update/newer.ts';
import type { HostAnswer } from './report.ts';

/** The checks of all hosts; an image that failed on one host is held on every other host. */
export function heldTogether(answers: readonly HostAnswer<Checked[]>[]): HostAnswer<Checked[]>[] {
  const failed = answers.flatMap(({ host, report = [] }) =>
    report.flatMap(({ service, to, held }) => (to && held === 'failed' ? [{ host, service, digest: to.digest }] : [])),
  );
  return answers.map((answer) => {
    if (!answer.report) return answer;
    return { ...answer, report: answer.report.map((line) => heldLine(line, failed)) };
  });
}

function heldLine(
  line: Checked,
  failed: readonly { readonly host: string; readonly service: string; readonly digest: string }[],
): Checked {
  const { outcome, service, to } = line;
  const elsewhere = failed.find((one) => one.service === service && one.digest === to?.digest);
  if (outcome !== 'available' || !elsewhere) return line;
  return { ...line, outcome: 'held', because: `it failed on ${elsewhere.host}`, held: 'failed' };
}

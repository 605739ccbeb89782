import type { Finding } from '../../../core/report/status.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { pad } from '../../terminal/table.ts';
import { indented } from './parts.ts';

/** The capabilities, limits and problems, with advice. */
export function findingsView(findings: readonly Finding[], { style }: Page): string[] {
  const width = Math.max(0, ...findings.map((finding) => finding.check.length));
  return [...findings.flatMap((finding) => findingLines(finding, width, style)), '', verdict(findings, style)];
}

function findingLines({ check, state, found, advice }: Finding, width: number, style: Style): string[] {
  const mark = { ok: style.green('✔'), limited: style.yellow('!'), problem: style.red('✘') }[state];
  return [
    `${mark} ${pad(style.bold(check), width)}  ${found}`,
    ...indented(advice ? [`${style.cyan('→')} ${advice}`] : [], width + 4),
  ];
}

function verdict(findings: readonly Finding[], style: Style): string {
  const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length;
  const problems = count('problem');
  if (problems > 0)
    return style.red(`${problems} problem${problems === 1 ? '' : 's'} to solve before swapctl can roll here`);
  const limits = count('limited');
  return limits > 0 ? `swapctl can roll here, with ${limits} limit${limits === 1 ? '' : 's'}` : 'swapctl can roll here';
}

import type { RecoveredItem } from '../../../core/report/status.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { errorLines, indented } from './parts.ts';

/** The remains of interrupted rolls, and the result for each. */
export function recoveredView(items: readonly RecoveredItem[], { style }: Page): string[] {
  if (items.length === 0) return [`${style.green('✔')} no roll left anything behind`];
  return items.flatMap((item) => itemLines(item, style));
}

function itemLines(item: RecoveredItem, style: Style): string[] {
  const { service, slot, found, outcome, error } = item;
  const which = slot === service ? '' : ` (${slot})`;
  const line = `${mark(outcome, style)} ${style.bold(service)}${which}  ${WORDS[outcome]}: ${found}`;
  return [line, ...(error ? indented(errorLines(error, undefined, style), 2) : [])];
}

const WORDS: Readonly<Record<RecoveredItem['outcome'], string>> = {
  finished: 'finished',
  undone: 'undone',
  removed: 'removed',
  busy: 'left alone, its roll is still under way',
  failed: 'could not be recovered',
};

function mark(outcome: RecoveredItem['outcome'], style: Style): string {
  if (outcome === 'failed') return style.red('✘');
  return outcome === 'busy' ? style.yellow('!') : style.green('✔');
}

import { proxyText } from '../../../core/proxy/report.ts';
import type { ServiceExplained, ServicePlan, SlotPlan } from '../../../core/report/status.ts';
import type { Explained } from '../../../core/settings/read.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { table } from '../../terminal/table.ts';
import { wrapped } from '../../terminal/width.ts';
import { errorLines, imageText, indented } from './parts.ts';

// The indent of the deepest lines.
const INDENT = 4;

/** The steps of a roll, the reason for its strategy, and that nothing was done. */
export function plansView(plans: readonly ServicePlan[], page: Page): string[] {
  return [
    ...plans.flatMap((plan) => [
      ...withBefore(serviceLines(plan, page), plan, page),
      ...afterLines(plan, page),
      ...explainedLines(plan, page),
      '',
    ]),
    page.style.dim('nothing was changed'),
  ];
}

function serviceLines({ service, image, digest, slots }: ServicePlan, page: Page): string[] {
  const { style } = page;
  const wanted = imageText({ image, digest });
  const [only] = slots;
  if (slots.length === 1 && only) {
    const named = only.slot === service ? '' : ` (${only.slot})`;
    const arrow = only.verdict === 'unchanged' ? '' : '→ ';
    return [
      `${style.bold(service)}${named}  ${verdictText(only, style)}  ${arrow}${wanted}`,
      ...indented(slotLines(only, page), 2),
    ];
  }
  const replicas = slots.flatMap((slot) => [
    `${style.bold(slot.slot)}  ${verdictText(slot, style)}`,
    ...indented(slotLines(slot, page), 2),
  ]);
  return [
    `${style.bold(service)}  ${slots.length} replicas, one after the other  → ${wanted}`,
    ...indented(replicas, 2),
  ];
}

function verdictText({ verdict }: SlotPlan, style: Style): string {
  switch (verdict) {
    case 'unchanged':
      return style.dim('unchanged');
    case 'fetch':
      return `${style.cyan('may roll')}, only a pull can tell`;
    case 'roll':
      return style.green('would roll');
    case 'refused':
      return style.red('refused');
  }
}

function slotLines(slot: SlotPlan, { style, width }: Page): string[] {
  const { strategy, rehearsal, because, proxy, steps, notes = [], verdict, error } = slot;
  if (error) return errorLines(error, undefined, style);
  if (verdict === 'unchanged') return [];
  const digits = String(steps.length).length;
  const numbered = steps.map((step, at) => `${String(at + 1).padStart(digits)}. ${step}`);
  const why = wrapped(`${strategy}${rehearsal ? ', after a rehearsal' : ''}: ${because}`, width - INDENT);
  const front = proxy ? wrapped(proxyText(proxy), width - INDENT) : [];
  const without = notes.flatMap((note) => marked(note, width - INDENT, style));
  return [...[...why, ...front].map(style.dim), ...numbered, ...without];
}

function marked(text: string, width: number, style: Style): string[] {
  return wrapped(text, width - 2).map((line, at) => `${at === 0 ? style.yellow('!') : ' '} ${line}`);
}

// Beneath the line of the service.
function withBefore([head = '', ...rest]: readonly string[], { before = [] }: ServicePlan, { width }: Page): string[] {
  const lines = before.flatMap((one) => wrapped(`first ${one}`, width - INDENT));
  return [head, ...indented(lines, 2), ...rest];
}

function afterLines({ after = [], notDone = [], sameTag = [] }: ServicePlan, { style, width }: Page): string[] {
  const then = after.flatMap((one) => wrapped(`then ${one}`, width - INDENT));
  return indented([...then, ...[...notDone, ...sameTag].flatMap((one) => marked(one, width - INDENT, style))], 2);
}

function explainedLines({ explained }: ServicePlan, page: Page): string[] {
  if (!explained) return [];
  const { settings, dependsOn } = explained;
  const columns = [
    { title: 'SETTING', cell: ({ setting }: Explained) => setting },
    { title: 'VALUE', cell: ({ value }: Explained) => value || '-', cut: true },
    {
      title: 'FROM',
      cell: ({ source, where }: Explained) =>
        where === undefined ? source : source === 'label' ? `label ${where}` : where,
      paint: (text: string, { source }: Explained) => (source === 'default' ? page.style.dim(text) : text),
    },
  ];
  return [
    '',
    ...indented(table(settings, columns, { ...page, width: page.width - 2 }), 2),
    '',
    ...indented([...(dependsOn.length > 0 ? [`rolled after: ${dependsOn.join(', ')}`] : []), timeLine(explained)], 2),
  ];
}

function timeLine({ mayRoll, nextCheck }: ServiceExplained): string {
  const next = nextCheck === undefined ? 'never checked' : `checked next at ${minute(nextCheck)}`;
  if (mayRoll.now) return `may be rolled by itself: now; ${next}`;
  const from = mayRoll.until === undefined ? 'no' : `not before ${minute(mayRoll.until)}`;
  return `may be rolled by itself: ${from}: ${mayRoll.because}; ${next}`;
}

function minute(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')}Z`;
}

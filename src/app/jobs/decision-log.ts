import { reasonOf } from '../../core/report/decision-text.ts';
import type { Progress } from '../../core/report/progress.ts';
import { describeStep } from '../../core/rollout/step.ts';
import { sanitizeText } from '../../core/text/sanitize.ts';
import type { JobStep } from './job.ts';

/** The entry of a decision log for a progress event; undefined for an event that only moves a progress bar. */
export function stepOf(progress: Progress, at: string): JobStep | undefined {
  const entry = entryOf(progress);
  return entry && { at, ...entry, text: sanitizeText(entry.text) };
}

function entryOf(progress: Progress): Omit<JobStep, 'at'> | undefined {
  switch (progress.kind) {
    case 'step': {
      const { slot, step, seen, because } = progress;
      const reason = because === undefined ? reasonOf(step) : `the roll is undone, since ${because}`;
      return { kind: step.kind, slot, text: describeStep(step), ...(seen === undefined ? {} : { seen }), reason };
    }
    case 'pulled':
      return { kind: 'pull', text: `pulled ${progress.reference}`, ms: progress.ms };
    case 'built':
      return { kind: 'build', text: `built ${progress.what}`, ms: progress.ms };
    case 'build-failed':
      return { kind: 'build', text: `${progress.what}: ${progress.message}` };
    case 'probe':
      return { kind: 'probe', slot: progress.slot, text: `${progress.container}: ${progress.output}` };
    case 'evidence':
      return evidence(progress);
    case 'note':
      return { kind: 'note', text: progress.text };
    case 'asked':
    case 'resolving':
    case 'pulling':
    case 'building':
    case 'slot':
    case 'done':
    case 'debug':
    case 'logged':
      return undefined;
  }
}

function evidence({ slot, container, health, log }: Extract<Progress, { kind: 'evidence' }>): Omit<JobStep, 'at'> {
  const said = [...health, ...log].at(-1);
  return { kind: 'evidence', slot, text: `${container} failed${said === undefined ? '' : `: ${said}`}` };
}

import { ANSWERS } from './answers.ts';
import { FILES } from './files.ts';
import { HOOK_TARGETS } from './hooks.ts';
import { LABELS } from './labels.ts';
import { OUTPUTS } from './outputs.ts';
import type { Target } from './target.ts';
import { WORDS } from './words.ts';

/** Every decoder and encoder that meets texts of others. */
export const TARGETS: readonly Target[] = [...LABELS, ...WORDS, ...ANSWERS, ...FILES, ...OUTPUTS, ...HOOK_TARGETS];

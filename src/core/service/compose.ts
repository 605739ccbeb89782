import { COMPOSE_ENV_FILES, COMPOSE_FILES, COMPOSE_FOLDER, COMPOSE_PROJECT } from '../model/label-keys.ts';
import type { OwnLabels } from '../model/own-labels.ts';

/** A compose project, from the labels of its containers: paths of the machine that compose ran on. */
export interface ComposeProject {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly envFiles: readonly string[];
}

/** Compose's model of a project's files: merged, interpolated, with all defaults and absolute paths. */
export interface ComposeModel {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly secrets: Readonly<Record<string, unknown>>;
}

/** The project of a container, from its labels; undefined if compose did not make it. */
export function projectOf(labels: OwnLabels): ComposeProject | undefined {
  const { [COMPOSE_PROJECT]: name, [COMPOSE_FOLDER]: folder, [COMPOSE_FILES]: files } = labels;
  if (!name || !folder || !files) return undefined;
  return { name, folder, files: list(files), envFiles: list(labels[COMPOSE_ENV_FILES] ?? '') };
}

function list(text: string): string[] {
  return text.split(',').filter(Boolean);
}

import { type Change, type DevExec, type DevRule, type SyncedFile, syncs, targetOf } from '../../core/build/develop.ts';

/** The actions that some changes require in one service. */
export interface ChangeActions {
  readonly files: readonly SyncedFile[];
  readonly execs: readonly DevExec[];
  readonly signals: readonly string[];
  readonly restart: boolean;
}

export const NOTHING: ChangeActions = { files: [], execs: [], signals: [], restart: false };

/**
 * The actions that changes require by the rules of a service, whose trees are numbered from `first`; `rebuild` makes all others
 * needless, since the new container has every file.
 */
export function actionsOf(
  rules: readonly DevRule[],
  first: number,
  changes: readonly Change[],
): { readonly rebuild: boolean; readonly action: ChangeActions } {
  const touched = rules.flatMap((rule, at) => {
    const own = changes.filter(({ trees }) => trees.includes(first + at));
    return own.length > 0 ? [{ rule, own }] : [];
  });
  if (touched.some(({ rule }) => rule.action === 'rebuild')) return { rebuild: true, action: NOTHING };
  const files = touched.flatMap(({ rule, own }) => (syncs(rule) ? own.map((change) => synced(rule, change)) : []));
  return {
    rebuild: false,
    action: {
      files,
      execs: unique(touched.flatMap(({ rule }) => (rule.action === 'sync+exec' && rule.exec ? [rule.exec] : []))),
      signals: unique(touched.flatMap(({ rule }) => rule.signal ?? [])),
      restart: touched.some(({ rule }) => rule.action === 'restart' || rule.action === 'sync+restart'),
    },
  };
}

/** Merges several into one: each file in its last state, and every other action once. */
export function together(actions: readonly ChangeActions[]): ChangeActions {
  const files = new Map(actions.flatMap((action) => action.files).map((file) => [file.target, file]));
  return {
    files: [...files.values()],
    execs: unique(actions.flatMap((action) => action.execs)),
    signals: unique(actions.flatMap((action) => action.signals)),
    restart: actions.some((action) => action.restart),
  };
}

function synced(rule: DevRule, { path, removed }: Change): SyncedFile {
  return { path, target: targetOf(rule, path), removed };
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

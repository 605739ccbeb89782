import path from 'node:path';
import type { WatchedTree } from '../../core/build/develop.ts';
import { type Ignore, ignoreOf } from './ignore.ts';

/** A tree with compiled patterns. */
export interface Tree {
  readonly path: string;
  /** True: the path counts, as a file. */
  counts(file: string): boolean;
  /** True: no path at or below the folder can count. */
  closes(folder: string): boolean;
}

// Files of editors and version control, temporary or permanent; compose ignores nearly the same ones.
const NEVER = [
  '**/.git',
  '**/.#*',
  '**/*~',
  '**/*.sw[a-p]',
  '**/.*.sw[a-p]',
  '**/4913',
  '**/.DS_Store',
  '**/.idea',
  '**/___jb_*',
];

/** Compiles a tree. A file inside counts unless a pattern leaves it out; if `include` has patterns, only a file that matches one. */
export function treeOf({ path: root, ignore, include, outside }: WatchedTree): Tree {
  const own = ignoreOf([...NEVER, ...ignore]);
  const named = include.length > 0 ? ignoreOf(include) : undefined;
  const build = outsideOf(outside);
  return {
    path: root,
    counts: (file) => {
      const inTree = below(file, root);
      if (inTree === undefined || own.leavesOut(inTree)) return false;
      if (named && inTree !== '' && !named.leavesOut(inTree)) return false;
      return !build.leavesOut(file);
    },
    closes: (folder) => {
      const inTree = below(folder, root);
      if (inTree === undefined) return !isAbove(folder, root);
      return own.closes(inTree) || build.closes(folder);
    },
  };
}

// The build's patterns do not apply outside its context.
function outsideOf(outside: WatchedTree['outside']): Ignore {
  if (!outside) return { leavesOut: () => false, closes: () => false };
  const { leavesOut, closes } = ignoreOf(outside.ignored);
  const inContext = (file: string): string => below(file, outside.context) ?? '';
  return { leavesOut: (file) => leavesOut(inContext(file)), closes: (folder) => closes(inContext(folder)) };
}

// Relative, with `/`; empty for the folder itself, undefined for a path elsewhere.
function below(file: string, folder: string): string | undefined {
  const relative = path.relative(folder, file);
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) return undefined;
  return relative.split(path.sep).join('/');
}

function isAbove(folder: string, file: string): boolean {
  return below(file, folder) !== undefined;
}

// The moments of a roll, read from the lines of its progress: before and after each of its steps.
import type { StepKind } from '../../src/core/rollout/step.ts';

/**
 * The line of each kind of step (describeStep in src/core/rollout/step.ts). A new kind of step does not compile without a line here, and
 * the matrix is not complete before some scenario has met it.
 */
const LINES = {
  'create-rehearsal': /^create \S+, to prove the new image/,
  'create-stand-in': /^create \S+, which answers while/,
  cover: /^(keep|redirect) the ports of \S+ (with|to) the stand-in/,
  uncover: /^end the redirect of the ports of/,
  'drop-cover': /^remove the redirect rules/,
  'pass-rehearsal': /^remove \S+, the image is proven/,
  'point-tag': /^point the local tag/,
  create: /^create \S+ from the new image/,
  'copy-files': /^copy \S/,
  'recreate-old': /^create the old container again/,
  start: /^start \S+$/,
  open: /^allow clients to reach/,
  'await-healthy': /^wait until \S+ is healthy/,
  'await-engine': /^wait until the engine calls/,
  settle: /^watch \S+ for (the settle time|a moment)/,
  rename: /^rename \S+ to \S+$/,
  'move-dependents': /^re-create \S/,
  forward: /^redirect new connections from/,
  'end-forward': /^(let the successor answer|end the redirect of new connections)/,
  'keep-image': /^retain the old image as/,
  'hold-restart': /^suspend the restart policy/,
  'check-start': /^check that \S.* could start again/,
  'restore-restart': /^restore the restart policy/,
  route: /^(send the requests of|return) the route \S+ of \S+/,
  canary: /^watch \S+ with \d+% of the (requests|new connections)/,
  share: /^give \S+ (\d+%|none) of the new connections$/,
  'run-hooks': /^run the hooks of \S+: /,
  drain: /^wait until the open connections/,
  stop: /^stop \S+$/,
  remove: /^remove \S+$/,
  'remember-failure': /^record that the image failed/,
  'forget-failure': /^forget the earlier failure/,
  'back-up': /^back up the volumes? .* of \S+$/,
  'put-back': /^restore the volumes? .* from the backup/,
  'drop-backup': /^remove the volumes? .*, an old backup/,
  'drop-copies': /^remove the volumes? .*, of an incomplete or old backup/,
} satisfies Record<StepKind, RegExp>;

export const STEP_KINDS = Object.keys(LINES) as StepKind[];

export interface Moment {
  when: 'before' | 'after';
  kind: StepKind;
  /** The number of the step among its kind in the whole run. */
  nth: number;
}

export function momentText({ when, kind, nth }: Moment): string {
  return `${when} ${kind}#${nth}`;
}

/** Reads the progress of one run, line by line; undefined for other lines. */
export function momentReader(): (line: string) => Moment | undefined {
  const counts = new Map<string, number>();
  return (line) => {
    // `==> SLOT: …` as it begins, and with --verbose `    SLOT: …: 12 ms` once it is done.
    const [, begun, done] = /^(?:==> \S+: (.+)| {4}\S+: (.+): \d+ ms)$/.exec(line) ?? [];
    const kind = STEP_KINDS.find((known) => LINES[known].test(begun ?? done ?? ''));
    if (!kind) return undefined;
    const when = begun === undefined ? 'after' : 'before';
    const nth = (counts.get(`${when} ${kind}`) ?? 0) + 1;
    counts.set(`${when} ${kind}`, nth);
    return { when, kind, nth };
  };
}

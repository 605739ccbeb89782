// The moments of a roll, told by the lines in which swapctl says what it does: before and after each of its steps.
import type { StepKind } from '../../src/core/rollout/step.ts';

/**
 * What swapctl says of each kind of step (describeStep in src/core/rollout/step.ts). A new kind of step does not compile before it
 * has its line here, and the matrix is not complete before some way has met it.
 */
const LINES = {
  'create-rehearsal': /^create \S+, to prove the new image/,
  'create-stand-in': /^create \S+, which answers while/,
  cover: /^(keep|lead new connections to) the ports of \S+ (with|to) the stand-in/,
  uncover: /^lead new connections to the ports of \S+ to itself/,
  'drop-cover': /^take away the rules that led/,
  'pass-rehearsal': /^remove \S+, the image is proven/,
  'point-tag': /^point the local tag/,
  create: /^create \S+ from the new image/,
  'copy-files': /^copy (?!the volumes? )\S/,
  'recreate-old': /^create the old container again/,
  start: /^start \S+$/,
  open: /^let \S+ be reached from its networks/,
  'await-healthy': /^wait until \S+ is healthy/,
  'await-engine': /^wait until the engine calls/,
  settle: /^watch \S+ for (the settle time|a moment)/,
  rename: /^rename \S+ to \S+$/,
  'move-dependents': /^re-create \S/,
  forward: /^lead new connections to \S+ to (?!itself)\S+$/,
  'end-forward': /^(let the successor answer|lead new connections to \S+ to itself again)/,
  'keep-image': /^keep the old image as/,
  'hold-restart': /^see to it that \S+ stays stopped/,
  'check-start': /^check that \S.* could start again/,
  'restore-restart': /^give \S+ its restart policy back/,
  route: /^(send the requests of|give) the route \S+ of \S+/,
  canary: /^watch \S+ with \d+% of the requests/,
  'run-hooks': /^run the hooks of \S+: /,
  drain: /^let \S+ finish its open connections/,
  stop: /^stop \S+$/,
  remove: /^remove \S+$/,
  'remember-failure': /^remember that the image failed/,
  'forget-failure': /^forget the earlier failure/,
  'back-up': /^copy the volumes? .* of \S+$/,
  'put-back': /^put the volumes? .* back as copied/,
  'drop-backup': /^remove the volumes? .*, a copy that is kept no longer/,
  'drop-copies': /^remove the volumes? .*, of a copy that is not complete/,
} satisfies Record<StepKind, RegExp>;

export const STEP_KINDS = Object.keys(LINES) as StepKind[];

export interface Moment {
  when: 'before' | 'after';
  kind: StepKind;
  /** The so-manieth step of its kind in the whole run. */
  nth: number;
}

export function momentText({ when, kind, nth }: Moment): string {
  return `${when} ${kind}#${nth}`;
}

/** Reads the progress of one run, line by line; undefined where the line is about something else. */
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

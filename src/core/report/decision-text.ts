import type { Observed, Replica } from '../rollout/observed.ts';
import type { Decision } from '../rollout/plan.ts';
import { describeStep, type Step, type StepKind } from '../rollout/step.ts';

/** Describes a decision in one line: the observation, the step and the reason. */
export function decisionText(slot: string, seen: Observed, decision: Decision): string {
  return `${slot}: saw ${seenText(seen)}; ${decidedText(decision)}`;
}

/** Describes a step of a job elsewhere in the same form. */
export function loggedText({ slot, seen, text, reason }: Logged): string {
  const saw = seen === undefined ? '' : `saw ${seen}; `;
  return `${slot === undefined ? '' : `${slot}: `}${saw}step: ${text}${reason === undefined ? '' : `; reason: ${reason}`}`;
}

interface Logged {
  readonly slot?: string;
  readonly seen?: string;
  readonly text: string;
  readonly reason?: string;
}

function decidedText(decision: Decision): string {
  switch (decision.kind) {
    case 'converged':
      return 'no step: nothing is left to do';
    case 'refuse':
      return `no step: refused (${decision.error.code}): ${decision.error.message}`;
    case 'act': {
      const { step, undoing } = decision;
      const reason = undoing ? `the roll is undone, since ${undoing.message}` : reasonOf(step);
      return `step: ${describeStep(step)}; reason: ${reason}`;
    }
  }
}

function seenText(seen: Observed): string {
  const { incumbent, candidate, standIn, rehearsal, portRedirect, addressRedirects, failures, giveUp } = seen;
  const replicas = [
    replicaText('old', incumbent),
    candidate && replicaText('new', candidate),
    standIn && replicaText('stand-in', standIn),
    rehearsal && replicaText('rehearsal', rehearsal),
  ];
  const active = addressRedirects.filter(({ state }) => state === 'leads').length;
  const rest = [
    portRedirect === 'none' ? undefined : `port redirect ${portRedirect}`,
    active > 0 ? `${active} address redirect${active > 1 ? 's' : ''}` : undefined,
    failures.length > 0 ? `${failures.length} failed image${failures.length > 1 ? 's' : ''}` : undefined,
    giveUp && `given up (${giveUp.code})`,
  ];
  return [...replicas, ...rest].filter((part) => part !== undefined).join(', ');
}

function replicaText(role: string, replica: Replica | undefined): string {
  if (!replica) return `no ${role} container`;
  const { name, running, verdict, settled, drained, shut } = replica;
  const state = running ? verdict.kind : verdict.kind === 'unstarted' ? 'created' : 'stopped';
  const more = [settled && running && 'settled', drained && 'drained', shut && 'behind the gate'].filter(Boolean);
  return [`${role} container ${name} ${state}`, ...more].join(' ');
}

type Reason<K extends StepKind> = string | ((step: Extract<Step, { kind: K }>) => string);

// Complete by type: a new kind of step does not compile until it has an entry here.
const REASONS: { readonly [K in StepKind]: Reason<K> } = {
  'check-start': 'nothing stops before it is certain that it could start again',
  'create-rehearsal': 'the image is proven before the old container stops',
  'create-stand-in': 'the published ports need an answer while the container is replaced',
  cover: ({ lasting }) =>
    lasting ? 'the old container is about to stop' : 'the stand-in is healthy, and the old container has its ports',
  uncover: 'the container answers on its ports itself',
  'drop-cover': 'no stand-in needs the port redirect',
  'pass-rehearsal': 'the image was healthy for the settle time',
  'point-tag': 'the local tag means another image',
  create: 'there is no new container yet',
  'copy-files': 'the old container has files that its settings do not bring',
  'recreate-old': 'the old container is gone',
  start: 'it does not run yet',
  open: 'it is healthy, and the gate still keeps its networks from it',
  'await-healthy': 'it is not healthy yet',
  settle: 'it was not healthy for the settle time yet',
  'await-engine': ({ because }) => because,
  rename: 'the name of the service goes to the container that serves it',
  'move-dependents': 'they share with a container that was replaced',
  forward: 'clients that know its address need the container that serves now',
  'end-forward': 'its address needs no redirect any more',
  route: ({ wanted }) =>
    wanted.kind === 'baseline'
      ? 'the name resolves to the right container'
      : 'the proxy is to send requests there alone',
  canary: 'swapctl.canary asks for it',
  share: ({ percent }) =>
    percent === 0 ? 'the old container serves alone again' : 'it is healthy, and swapctl.canary asks for a share first',
  'run-hooks': 'the old container has stopped, and the hooks are due',
  'keep-image': 'a rollback needs the old image',
  'hold-restart': 'the engine would start it again',
  'restore-restart': 'it serves again',
  drain: 'requests may be under way in it',
  stop: 'another container serves in its place, or needs what it holds',
  remove: 'it is not needed any more',
  'remember-failure': 'the container of the new image failed',
  'forget-failure': 'a roll has succeeded since',
  'back-up': 'nobody writes to the volumes now',
  'put-back': 'the volumes belong to the other image',
  'drop-backup': 'no setting or roll needs these copies',
  'drop-copies': 'no complete backup names these copies',
};

/** The reason for a step of a roll that is not undone. */
export function reasonOf(step: Step): string {
  const reason = REASONS[step.kind] as Reason<StepKind>;
  return typeof reason === 'string' ? reason : reason(step);
}

import type { FailureCode } from '../health/blame.ts';
import type { Strategy } from '../model/strategy.ts';
import type { Wanted } from '../proxy/route.ts';
import type { VolumeCopy } from '../service/labels.ts';
import { formatDuration } from '../text/duration.ts';

/** When to check that a container could start again. */
export type StartCheckMoment = 'first' | 'last';

/** One engine call (or one wait), safe to repeat. `container` is an id; `name` is for messages. */
export type Step =
  /** `names`: the slot's container and those in its namespaces. `moment`: before the first change, or before the stop. */
  | { readonly kind: 'check-start'; readonly names: readonly string[]; readonly moment: StartCheckMoment }
  | { readonly kind: 'create-rehearsal'; readonly name: string }
  | { readonly kind: 'create-stand-in'; readonly name: string }
  | { readonly kind: 'cover'; readonly name: string; readonly standIn: string; readonly lasting: boolean }
  | { readonly kind: 'uncover'; readonly name: string }
  | { readonly kind: 'drop-cover'; readonly name: string }
  | { readonly kind: 'pass-rehearsal'; readonly container: string; readonly name: string }
  | { readonly kind: 'point-tag'; readonly reference: string; readonly image: string }
  | { readonly kind: 'create'; readonly name: string; readonly strategy: Strategy }
  | {
      readonly kind: 'copy-files';
      readonly container: string;
      readonly name: string;
      readonly paths: readonly string[];
    }
  | { readonly kind: 'recreate-old'; readonly name: string; readonly image: string }
  | { readonly kind: 'start'; readonly container: string; readonly name: string }
  | { readonly kind: 'open'; readonly container: string; readonly name: string }
  | { readonly kind: 'await-healthy'; readonly container: string; readonly name: string }
  /** `brief`: another container of the image has already passed the settle time. */
  | { readonly kind: 'settle'; readonly container: string; readonly name: string; readonly brief: boolean }
  | {
      readonly kind: 'await-engine';
      readonly container: string;
      readonly name: string;
      readonly because: string;
      readonly mostMs: number;
    }
  | { readonly kind: 'rename'; readonly container: string; readonly name: string; readonly to: string }
  | { readonly kind: 'move-dependents'; readonly names: readonly string[]; readonly from: string; readonly to: string }
  | {
      readonly kind: 'forward';
      readonly container: string;
      readonly name: string;
      readonly to: string;
      readonly toName: string;
    }
  | { readonly kind: 'end-forward'; readonly from: string; readonly name: string; readonly linger: boolean }
  /** `proxy`: as the user writes it; `to`: names of the slot's containers that get the requests. */
  | {
      readonly kind: 'route';
      readonly name: string;
      readonly proxy: string;
      readonly route: string;
      readonly to: readonly string[];
      readonly wanted: Wanted;
    }
  | {
      readonly kind: 'canary';
      readonly container: string;
      readonly name: string;
      readonly percent: number;
      readonly of: 'requests' | 'new connections';
      readonly ms: number;
    }
  /** By the kernel; `from` (an id) gets the other connections. */
  | {
      readonly kind: 'share';
      readonly container: string;
      readonly name: string;
      readonly from: string;
      readonly percent: number;
    }
  | { readonly kind: 'run-hooks'; readonly name: string; readonly hooks: readonly string[] }
  | { readonly kind: 'keep-image'; readonly image: string; readonly reference: string }
  | { readonly kind: 'hold-restart'; readonly container: string; readonly name: string }
  | { readonly kind: 'restore-restart'; readonly container: string; readonly name: string }
  | { readonly kind: 'drain'; readonly container: string; readonly name: string }
  | { readonly kind: 'stop'; readonly container: string; readonly name: string }
  | { readonly kind: 'remove'; readonly container: string; readonly name: string }
  | {
      readonly kind: 'remember-failure';
      readonly container: string;
      readonly name: string;
      /** The roll that failed, not the one that finds the failure. */
      readonly roll: string;
      /** Decides if the image is rejected or tried again (core/health/blame.ts). */
      readonly code: FailureCode;
      readonly reason: string;
    }
  /** `name`: of the volume that records it. */
  | { readonly kind: 'forget-failure'; readonly name: string }
  | {
      readonly kind: 'back-up';
      readonly name: string;
      readonly volumes: readonly string[];
      /** The roll that makes the backup. */
      readonly roll: string;
    }
  /** `backup` is the id of the inert container that marks the backup, `name` its name. */
  | {
      readonly kind: 'put-back';
      readonly backup: string;
      readonly name: string;
      readonly copies: readonly Pick<VolumeCopy, 'volume' | 'copy'>[];
    }
  | {
      readonly kind: 'drop-backup';
      readonly container: string;
      readonly name: string;
      readonly copies: readonly string[];
    }
  | { readonly kind: 'drop-copies'; readonly copies: readonly string[] };

export type StepKind = Step['kind'];

export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;

/** Describes a step in one line. */
export function describeStep(step: Step): string {
  return (TEXTS[step.kind] as (one: Step) => string)(step);
}

// Complete by type: a new kind of step does not compile until it has an entry here.
const TEXTS: { readonly [K in StepKind]: (step: StepOf<K>) => string } = {
  'check-start': ({ names }) => `check that ${names.join(', ')} could start again`,
  'create-rehearsal': ({ name }) => `create ${name}, to prove the new image without the ports and addresses`,
  'create-stand-in': ({ name }) => `create ${name}, which answers while the container is replaced`,
  'pass-rehearsal': ({ name }) => `remove ${name}, the image is proven`,
  'point-tag': ({ reference, image }) => `point the local tag ${reference} at ${short(image)}`,
  create: ({ name }) => `create ${name} from the new image`,
  'copy-files': ({ name, paths }) => `copy ${paths.join(', ')} into ${name}`,
  'recreate-old': ({ name }) => `create the old container again, as ${name}`,
  start: ({ name }) => `start ${name}`,
  open: ({ name }) => `allow clients to reach ${name}`,
  'await-healthy': ({ name }) => `wait until ${name} is healthy`,
  settle: ({ name, brief }) => `watch ${name} for ${brief ? 'a moment, as its image has settled' : 'the settle time'}`,
  'await-engine': ({ name, because, mostMs }) =>
    `wait until the engine calls ${name} healthy, too: ${because} (up to ${formatDuration(mostMs)})`,
  rename: ({ name, to }) => `rename ${name} to ${to}`,
  'move-dependents': ({ names }) =>
    `re-create ${names.join(', ')}, which live${names.length === 1 ? 's' : ''} in its namespaces`,
  cover: ({ name, lasting }) =>
    lasting ? `keep the ports of ${name} with the stand-in` : `redirect the ports of ${name} to the stand-in`,
  'drop-cover': ({ name }) => `remove the redirect rules of the ports of ${name}`,
  uncover: ({ name }) => `end the redirect of the ports of ${name}`,
  forward: ({ name, toName }) => `redirect new connections from ${name} to ${toName}`,
  'end-forward': ({ name, linger }) =>
    linger
      ? `let the successor answer at the address of ${name} for a moment`
      : `end the redirect of new connections from ${name}`,
  route: describeRoute,
  canary: ({ name, percent, of, ms }) => `watch ${name} with ${percent}% of the ${of} for ${formatDuration(ms)}`,
  share: ({ name, percent }) => `give ${name} ${percent === 0 ? 'none' : `${percent}%`} of the new connections`,
  'run-hooks': ({ name, hooks }) => `run the hooks of ${name}: ${hooks.join('; ')}`,
  'keep-image': ({ reference }) => `retain the old image as ${reference}`,
  'hold-restart': ({ name }) =>
    `suspend the restart policy of ${name}, so that it stays stopped when the engine restarts`,
  'restore-restart': ({ name }) => `restore the restart policy of ${name}`,
  drain: ({ name }) => `wait until the open connections of ${name} end`,
  stop: ({ name }) => `stop ${name}`,
  remove: ({ name }) => `remove ${name}`,
  'remember-failure': ({ code, reason }) =>
    `${code === 'not-healthy' ? 'record that the image failed' : 'note for the next try'}: ${reason}`,
  'forget-failure': ({ name }) => `forget the earlier failure (volume ${name})`,
  'back-up': ({ name, volumes: copied }) => `back up the ${volumes(copied)} of ${name}`,
  'put-back': ({ copies }) => `restore the ${volumes(copies.map(({ volume }) => volume))} from the backup`,
  'drop-backup': ({ name, copies }) =>
    copies.length > 0 ? `remove the ${volumes(copies)}, an old backup (${name})` : `remove ${name}`,
  'drop-copies': ({ copies }) => `remove the ${volumes(copies)}, of an incomplete or old backup`,
};

function describeRoute({ proxy, route, to, wanted }: StepOf<'route'>): string {
  const where = `the route ${route} of ${proxy}`;
  if (wanted.kind === 'baseline') return `return ${where} to its own configuration`;
  if (wanted.kind === 'held') return `hold the requests of ${where}, at most for ${formatDuration(wanted.longestMs)}`;
  return `send the requests of ${where} to ${to.length > 0 ? to.join(', ') : 'the other replicas'}`;
}

function volumes(names: readonly string[]): string {
  return `volume${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}

function short(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

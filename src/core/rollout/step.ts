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

/** Describes a step in one line. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'check-start':
      return `check that ${step.names.join(', ')} could start again`;
    case 'create-rehearsal':
      return `create ${step.name}, to prove the new image without the ports and addresses`;
    case 'create-stand-in':
      return `create ${step.name}, which answers while the container is replaced`;
    case 'pass-rehearsal':
      return `remove ${step.name}, the image is proven`;
    case 'point-tag':
      return `point the local tag ${step.reference} at ${short(step.image)}`;
    case 'create':
      return `create ${step.name} from the new image`;
    case 'copy-files':
      return `copy ${step.paths.join(', ')} into ${step.name}`;
    case 'recreate-old':
      return `create the old container again, as ${step.name}`;
    case 'start':
      return `start ${step.name}`;
    case 'open':
      return `allow clients to reach ${step.name}`;
    case 'await-healthy':
      return `wait until ${step.name} is healthy`;
    case 'settle':
      return `watch ${step.name} for ${step.brief ? 'a moment, as its image has settled' : 'the settle time'}`;
    case 'await-engine':
      return `wait until the engine calls ${step.name} healthy, too: ${step.because} (up to ${formatDuration(step.mostMs)})`;
    case 'rename':
      return `rename ${step.name} to ${step.to}`;
    case 'move-dependents':
      return `re-create ${step.names.join(', ')}, which live${step.names.length === 1 ? 's' : ''} in its namespaces`;
    case 'run-hooks':
      return `run the hooks of ${step.name}: ${step.hooks.join('; ')}`;
    case 'keep-image':
      return `retain the old image as ${step.reference}`;
    case 'hold-restart':
      return `suspend the restart policy of ${step.name}, so that it stays stopped when the engine restarts`;
    case 'restore-restart':
      return `restore the restart policy of ${step.name}`;
    case 'drain':
      return `wait until the open connections of ${step.name} end`;
    case 'stop':
    case 'remove':
      return `${step.kind} ${step.name}`;
    case 'remember-failure':
      return `${step.code === 'not-healthy' ? 'record that the image failed' : 'note for the next try'}: ${step.reason}`;
    case 'forget-failure':
      return `forget the earlier failure (volume ${step.name})`;
    default:
      return isCopying(step) ? describeCopying(step) : describeLeading(step);
  }
}

type LeadingStep = Extract<
  Step,
  { kind: 'cover' | 'uncover' | 'drop-cover' | 'forward' | 'end-forward' | 'route' | 'canary' | 'share' }
>;

function describeLeading(step: LeadingStep): string {
  switch (step.kind) {
    case 'cover':
      return step.lasting
        ? `keep the ports of ${step.name} with the stand-in`
        : `redirect the ports of ${step.name} to the stand-in`;
    case 'drop-cover':
      return `remove the redirect rules of the ports of ${step.name}`;
    case 'uncover':
      return `end the redirect of the ports of ${step.name}`;
    case 'forward':
      return `redirect new connections from ${step.name} to ${step.toName}`;
    case 'end-forward':
      return step.linger
        ? `let the successor answer at the address of ${step.name} for a moment`
        : `end the redirect of new connections from ${step.name}`;
    case 'route':
      return describeRoute(step);
    case 'canary':
      return `watch ${step.name} with ${step.percent}% of the ${step.of} for ${formatDuration(step.ms)}`;
    case 'share':
      return `give ${step.name} ${step.percent === 0 ? 'none' : `${step.percent}%`} of the new connections`;
  }
}

function describeRoute({ proxy, route, to, wanted }: Extract<Step, { kind: 'route' }>): string {
  const where = `the route ${route} of ${proxy}`;
  if (wanted.kind === 'baseline') return `return ${where} to its own configuration`;
  if (wanted.kind === 'held') return `hold the requests of ${where}, at most for ${formatDuration(wanted.longestMs)}`;
  return `send the requests of ${where} to ${to.length > 0 ? to.join(', ') : 'the other replicas'}`;
}

type CopyingStep = Extract<Step, { kind: 'back-up' | 'put-back' | 'drop-backup' | 'drop-copies' }>;

function describeCopying(step: CopyingStep): string {
  switch (step.kind) {
    case 'back-up':
      return `back up the ${volumes(step.volumes)} of ${step.name}`;
    case 'put-back':
      return `restore the ${volumes(step.copies.map(({ volume }) => volume))} from the backup`;
    case 'drop-backup':
      return step.copies.length > 0
        ? `remove the ${volumes(step.copies)}, an old backup (${step.name})`
        : `remove ${step.name}`;
    case 'drop-copies':
      return `remove the ${volumes(step.copies)}, of an incomplete or old backup`;
  }
}

function isCopying(step: CopyingStep | LeadingStep): step is CopyingStep {
  return /back|^drop-copies$/.test(step.kind);
}

function volumes(names: readonly string[]): string {
  return `volume${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}

function short(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

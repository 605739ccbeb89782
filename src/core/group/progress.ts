import type { Progress } from '../report/progress.ts';

/** The progress of one host of several, with the name of the host in all messages. */
export function onHost(host: string, progress: Progress): Progress {
  switch (progress.kind) {
    case 'resolving':
    case 'pulling':
    case 'pulled':
      return { ...progress, reference: `${progress.reference} on ${host}` };
    case 'building':
    case 'built':
    case 'build-failed':
      return { ...progress, what: `${progress.what} on ${host}` };
    case 'asked':
      return progress;
    case 'note':
    case 'debug':
    case 'logged':
      return { ...progress, text: `${host}: ${progress.text}` };
    case 'call':
      return { ...progress, what: `${host}: ${progress.what}` };
    case 'step':
    case 'done': {
      const { step } = progress;
      const names = step.kind === 'move-dependents' ? { names: step.names.map((name) => `${host}/${name}`) } : {};
      return { ...progress, slot: `${host}/${progress.slot}`, step: { ...step, ...names } };
    }
    default:
      return { ...progress, slot: `${host}/${progress.slot}` };
  }
}

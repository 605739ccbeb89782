// Labels of a container whose image brings none.

import { type Labels, type OwnLabels, ownLabels } from '../../src/core/model/own-labels.ts';
import { decodeState, type StateLabels } from '../../src/core/service/labels.ts';
import { explainPolicy, readPolicy } from '../../src/core/settings/read.ts';

type Rest<F extends (...args: never[]) => unknown> = Parameters<F> extends [unknown, ...infer R] ? R : never;

export function own(labels: Labels): OwnLabels {
  return ownLabels({ name: '', imageId: '', labels }, {});
}

export function decoded(labels: Labels): StateLabels | undefined {
  return decodeState(own(labels));
}

export function policyOf(labels: Labels, ...rest: Rest<typeof readPolicy>): ReturnType<typeof readPolicy> {
  return readPolicy(own(labels), ...rest);
}

export function explainedOf(labels: Labels, ...rest: Rest<typeof explainPolicy>): ReturnType<typeof explainPolicy> {
  return explainPolicy(own(labels), ...rest);
}

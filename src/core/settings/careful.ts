import type { BackupPolicy, Policy } from './policy.ts';

type Orders = { readonly [K in keyof Policy]?: (value: Policy[K], than: Policy[K]) => boolean };

/** By field: true if one value makes swapctl at least as careful as another. Values of other fields have no order. */
const ORDERS: Orders = {
  strategy: (value, than) => value === than || value === 'stop-first' || (value === 'auto' && than === 'start-first'),
  volumes: (value, than) => value === than || value === 'exclusive',
  rehearsal: (value, than) => value || !than,
  gate: (value, than) => value || !than,
  settleMs: atLeast,
  drainMs: atLeast,
  lingerMs: atLeast,
  drainIdle: (value, than) => !value || than,
  drainClose: (value, than) => !value || than,
  healthTimeoutMs: (value = 0, than = 0) => value >= than,
  lostPorts: (value, than) => value === than || value === 'fail' || than === 'off',
  keep: atLeast,
  backup: copiesAll,
  backupKeep: atLeast,
  enable: (value, than) => value === false || value === than || than === true,
  monitorOnly: (value, than) => value || !than,
  minAgeMs: atLeast,
  minIntervalMs: atLeast,
};

/** True: the value of a field is at least as careful as another; undefined if they have no order. */
export function isNoLessCareful<K extends keyof Policy>(
  field: K,
  value: Policy[K],
  than: Policy[K],
): boolean | undefined {
  return ORDERS[field]?.(value, than);
}

function atLeast(value: number, than: number): boolean {
  return value >= than;
}

function copiesAll(value: BackupPolicy, than: BackupPolicy): boolean {
  if (than.kind === 'none' || value.kind === 'all') return true;
  return value.kind === 'some' && than.kind === 'some' && than.names.every((name) => value.names.includes(name));
}

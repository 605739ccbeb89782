import { type ErrorCode, isErrorCode } from '../model/error.ts';
import { STATE } from '../model/label-keys.ts';
import type { FailureNote, HistoryEntry } from '../service/labels.ts';
import type { SwarmConfig, SwarmService } from './model.ts';

/** The label of all config objects that swapctl makes. */
export const ROLE_LABEL = `${STATE}role`;
const SERVICE_LABEL = `${STATE}service`;
/** The process that took over a lock; the lock's data names the one that made it. */
export const HOLDER_LABEL = `${STATE}holder`;
const HEARTBEAT_LABEL = `${STATE}beat`;
const HISTORY_LABEL = `${STATE}history`;
const TRIES_LABEL = `${STATE}tries`;
/** With this label, `docker stack rm` removes a config together with the stack. */
const STACK_LABEL = 'com.docker.stack.namespace';

const ROLES = ['swarm-lock', 'swarm-history', 'swarm-failed'] as const;
type ConfigRole = (typeof ROLES)[number];

// Config names are limited to 64 characters and service names to 63, so the id (25 characters) stands for the service.
const PREFIXES: Readonly<Record<ConfigRole, string>> = {
  'swarm-lock': 'swapctl.lock',
  'swarm-history': 'swapctl.state',
  'swarm-failed': 'swapctl.failed',
};
const DIGEST_CHARS = 12;

/** The roll under way, in the lock of a service: enough for another process to finish or undo it. */
export interface LockNote {
  readonly service: string;
  readonly roll: string;
  readonly holder: string;
  readonly from: string;
  readonly to: string;
  readonly event: 'rolled' | 'rolled-back';
}

export interface SwarmLock {
  readonly config: SwarmConfig;
  readonly note: LockNote;
  readonly heartbeat: number;
}

/** An image that failed in a service. */
export interface SwarmFailure {
  readonly config: SwarmConfig;
  readonly image: string;
  readonly digest: string;
  readonly at: string;
  readonly roll: string;
  readonly note: FailureNote;
}

/** The records of swapctl about a service. */
export interface SwarmMemory {
  readonly lock: SwarmLock | undefined;
  readonly history: { readonly config: SwarmConfig; readonly entries: readonly HistoryEntry[] } | undefined;
  readonly failures: readonly SwarmFailure[];
}

type New = Pick<SwarmConfig, 'name' | 'labels' | 'data'>;
type Subject = Pick<SwarmService, 'id' | 'name' | 'labels'>;

export function lockConfig(service: Subject, note: LockNote): New {
  return made(service, 'swarm-lock', '', { [HEARTBEAT_LABEL]: '0' }, note);
}

export function holderOf({ config, note }: SwarmLock): string {
  return config.labels[HOLDER_LABEL] ?? note.holder;
}

export function heartbeatLabels({ config, heartbeat }: SwarmLock): SwarmConfig['labels'] {
  return { ...config.labels, [HEARTBEAT_LABEL]: String(heartbeat + 1) };
}

const MOST_ENTRIES = 10;

export function historyConfig(service: Subject, entries: readonly HistoryEntry[]): New {
  const history = JSON.stringify(entries.slice(0, MOST_ENTRIES));
  return made(service, 'swarm-history', '', { [HISTORY_LABEL]: history }, { service: service.name });
}

export function failureConfig(
  service: Subject,
  failure: Pick<SwarmFailure, 'image' | 'digest' | 'at' | 'roll' | 'note'>,
): New {
  const { tries = 1 } = failure.note;
  return made(service, 'swarm-failed', failure.digest, { [TRIES_LABEL]: String(tries) }, failure);
}

function made(service: Subject, role: ConfigRole, digest: string, labels: SwarmConfig['labels'], data: object): New {
  const stack = service.labels[STACK_LABEL];
  const short = digest.replace(/^sha256:/, '').slice(0, DIGEST_CHARS);
  return {
    name: [PREFIXES[role], service.id, ...(short === '' ? [] : [short])].join('.'),
    labels: {
      [ROLE_LABEL]: role,
      [SERVICE_LABEL]: service.id,
      ...(stack === undefined ? {} : { [STACK_LABEL]: stack }),
      ...labels,
    },
    data: JSON.stringify(data),
  };
}

/** The contents of config objects about a service; ignores those whose name or data swapctl could not have written. */
export function memoryOf(service: string, configs: readonly SwarmConfig[]): SwarmMemory {
  const own = configs.filter((config) => serviceOf(config) === service);
  const history = own.find((config) => roleOf(config) === 'swarm-history');
  return {
    lock: own.flatMap(lockIn)[0],
    history: history && { config: history, entries: entriesIn(history) },
    failures: own.flatMap(failureIn),
  };
}

/** The id of the service that a config object is about; undefined for those that swapctl did not make. */
export function serviceOf(config: SwarmConfig): string | undefined {
  const role = roleOf(config);
  const service = config.labels[SERVICE_LABEL];
  return role && service && config.name.startsWith(`${PREFIXES[role]}.${service}`) ? service : undefined;
}

function roleOf({ labels }: SwarmConfig): ConfigRole | undefined {
  return ROLES.find((role) => role === labels[ROLE_LABEL]);
}

function lockIn(config: SwarmConfig): SwarmLock[] {
  const note = roleOf(config) === 'swarm-lock' ? dataOf(config) : undefined;
  if (!note || !hasTexts(note, ['service', 'roll', 'holder', 'from', 'to', 'event'])) return [];
  return [{ config, note: note as unknown as LockNote, heartbeat: Number(config.labels[HEARTBEAT_LABEL]) || 0 }];
}

function entriesIn({ labels }: SwarmConfig): HistoryEntry[] {
  const entries = parsed(labels[HISTORY_LABEL] ?? '');
  if (!Array.isArray(entries)) return [];
  return entries.filter((one) => isRecord(one) && hasTexts(one, ['at', 'follows', 'id', 'event'])) as HistoryEntry[];
}

function failureIn(config: SwarmConfig): SwarmFailure[] {
  const data = roleOf(config) === 'swarm-failed' ? dataOf(config) : undefined;
  const note = data?.note;
  if (
    !data ||
    !isRecord(note) ||
    !hasTexts(data, ['image', 'digest', 'at', 'roll']) ||
    !hasTexts(note, ['code', 'reason'])
  )
    return [];
  const { image, digest, at, roll } = data as Record<string, string>;
  const code: ErrorCode = isErrorCode(String(note.code)) ? (note.code as ErrorCode) : 'not-healthy';
  const { reason } = note as Record<string, string>;
  const tries = Number(config.labels[TRIES_LABEL]) || 1;
  const words = { health: texts(note.health), log: texts(note.log) };
  return [
    {
      config,
      image: image ?? '',
      digest: digest ?? '',
      at: at ?? '',
      roll: roll ?? '',
      note: { code, reason: reason ?? '', tries, ...words },
    },
  ];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function dataOf({ data }: SwarmConfig): Record<string, unknown> | undefined {
  const value = parsed(data);
  return isRecord(value) ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasTexts(value: Record<string, unknown>, keys: readonly string[]): boolean {
  return keys.every((key) => typeof value[key] === 'string');
}

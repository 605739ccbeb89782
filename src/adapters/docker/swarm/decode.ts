import * as z from 'zod';
import { EngineError } from '../../../core/model/engine-error.ts';
import { ownLabels } from '../../../core/model/own-labels.ts';
import {
  type SwarmConfig,
  type SwarmNode,
  type SwarmService,
  type SwarmTask,
  TASK_STATES,
  type UpdateConfig,
} from '../../../core/swarm/model.ts';

const NS_PER_MS = 1e6;
// The defaults of SwarmKit (api/defaults/service.go).
const MONITOR_NS = 5e9;
const STOP_GRACE_NS = 10e9;

const TEXT = z.string().nullish();
const NUMBER = z.number().nullish();
const LABELS = z.record(z.string(), z.string()).nullish();
const META = { ID: z.string().min(1), Version: z.object({ Index: z.number() }), CreatedAt: TEXT, UpdatedAt: TEXT };

const Health = z.object({
  Test: z.array(z.string()).nullish(),
  Interval: NUMBER,
  Timeout: NUMBER,
  StartPeriod: NUMBER,
  StartInterval: NUMBER,
  Retries: NUMBER,
});

const ContainerSpec = z.object({ Image: TEXT, Healthcheck: Health.nullish(), StopGracePeriod: NUMBER });

const Spec = z.object({
  Name: z.string(),
  Labels: LABELS,
  TaskTemplate: z.object({ ContainerSpec: ContainerSpec.nullish() }),
  Mode: z.object({
    Replicated: z.object({ Replicas: NUMBER }).nullish(),
    Global: z.object({}).nullish(),
    ReplicatedJob: z.object({}).nullish(),
    GlobalJob: z.object({}).nullish(),
  }),
  UpdateConfig: z
    .object({
      Parallelism: NUMBER,
      Delay: NUMBER,
      FailureAction: z.enum(['pause', 'continue', 'rollback']).nullish(),
      Monitor: NUMBER,
      MaxFailureRatio: NUMBER,
      Order: z.enum(['start-first', 'stop-first']).nullish(),
    })
    .nullish(),
  EndpointSpec: z
    .object({ Ports: z.array(z.object({ PublishMode: TEXT, PublishedPort: NUMBER })).nullish() })
    .nullish(),
});

const Service = z.object({
  ...META,
  Spec,
  PreviousSpec: z.object({ TaskTemplate: z.object({ ContainerSpec: ContainerSpec.nullish() }) }).nullish(),
  UpdateStatus: z
    .object({
      State: z
        .enum(['updating', 'paused', 'completed', 'rollback_started', 'rollback_paused', 'rollback_completed'])
        .or(z.literal(''))
        .nullish(),
      StartedAt: TEXT,
      Message: TEXT,
    })
    .nullish(),
});

const Task = z.object({
  ...META,
  ServiceID: TEXT,
  Slot: NUMBER,
  NodeID: TEXT,
  Spec: z.object({ ContainerSpec: ContainerSpec.nullish() }),
  DesiredState: z.enum(TASK_STATES),
  Status: z.object({
    Timestamp: TEXT,
    State: z.enum(TASK_STATES),
    Err: TEXT,
    ContainerStatus: z.object({ ContainerID: TEXT, ExitCode: NUMBER }).nullish(),
  }),
});

const Node = z.object({
  ...META,
  Spec: z.object({ Availability: z.enum(['active', 'pause', 'drain']).nullish() }),
  Description: z.object({ Hostname: TEXT }).nullish(),
  Status: z.object({ State: TEXT }),
});

const Config = z.object({ ...META, Spec: z.object({ Name: z.string(), Labels: LABELS, Data: TEXT }) });

export function decodeService(answer: unknown): SwarmService {
  const {
    ID,
    Version,
    CreatedAt,
    UpdatedAt,
    Spec: spec,
    PreviousSpec,
    UpdateStatus,
  } = parsed(Service, answer, 'Service');
  const container = spec.TaskTemplate.ContainerSpec ?? {};
  const state = UpdateStatus?.State;
  return {
    id: ID,
    name: spec.Name,
    version: Version.Index,
    // Service labels have no image behind them, so all of them are the user's own.
    labels: ownLabels({ name: spec.Name, imageId: '', labels: spec.Labels ?? {} }, {}),
    image: container.Image ?? '',
    previousImage: PreviousSpec?.TaskTemplate.ContainerSpec?.Image ?? undefined,
    createdAt: time(CreatedAt) ?? 0,
    updatedAt: time(UpdatedAt) ?? 0,
    mode: spec.Mode.Global ? 'global' : spec.Mode.ReplicatedJob || spec.Mode.GlobalJob ? 'job' : 'replicated',
    replicas: spec.Mode.Replicated ? (spec.Mode.Replicated.Replicas ?? 1) : undefined,
    updateConfig: updateConfigOf(spec.UpdateConfig),
    update: state
      ? { state, startedAt: time(UpdateStatus?.StartedAt), message: UpdateStatus?.Message ?? '' }
      : undefined,
    health: healthOf(container.Healthcheck),
    stopGraceMs: (container.StopGracePeriod ?? STOP_GRACE_NS) / NS_PER_MS,
    hostPorts: (spec.EndpointSpec?.Ports ?? []).flatMap(({ PublishMode, PublishedPort }) =>
      PublishMode === 'host' && PublishedPort ? [PublishedPort] : [],
    ),
  };
}

function updateConfigOf(config: z.infer<typeof Spec>['UpdateConfig']): UpdateConfig {
  return {
    order: config?.Order ?? 'stop-first',
    parallelism: config ? (config.Parallelism ?? 0) : 1,
    delayMs: (config?.Delay ?? 0) / NS_PER_MS,
    monitorMs: (config?.Monitor || MONITOR_NS) / NS_PER_MS,
    failureAction: config?.FailureAction ?? 'pause',
    maxFailureRatio: config?.MaxFailureRatio ?? 0,
  };
}

function healthOf(health: z.infer<typeof Health> | null | undefined): SwarmService['health'] {
  if (!health) return undefined;
  const said = Object.entries(health).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(said) as SwarmService['health'];
}

export function decodeTask(answer: unknown): SwarmTask {
  const { ID, CreatedAt, ServiceID, Slot, NodeID, Spec: spec, DesiredState, Status } = parsed(Task, answer, 'Task');
  return {
    id: ID,
    service: ServiceID ?? '',
    slot: Slot ?? 0,
    node: NodeID || undefined,
    image: spec.ContainerSpec?.Image ?? '',
    state: Status.State,
    desired: DesiredState,
    at: time(Status.Timestamp) ?? 0,
    createdAt: time(CreatedAt) ?? 0,
    error: Status.Err ?? '',
    exitCode: Status.ContainerStatus?.ExitCode ?? undefined,
    container: Status.ContainerStatus?.ContainerID || undefined,
  };
}

export function decodeNode(answer: unknown): SwarmNode {
  const { ID, Spec: spec, Description, Status } = parsed(Node, answer, 'Node');
  return {
    id: ID,
    name: Description?.Hostname || ID.slice(0, 12),
    ready: Status.State === 'ready',
    availability: spec.Availability ?? 'active',
  };
}

export function decodeConfig(answer: unknown): SwarmConfig {
  const { ID, Version, CreatedAt, Spec: spec } = parsed(Config, answer, 'Config');
  return {
    id: ID,
    name: spec.Name,
    version: Version.Index,
    createdAt: time(CreatedAt) ?? 0,
    labels: spec.Labels ?? {},
    data: Buffer.from(spec.Data ?? '', 'base64').toString(),
  };
}

function parsed<T>(shape: z.ZodType<T>, answer: unknown, what: string): T {
  const { data, error } = shape.safeParse(answer);
  if (!error) return data;
  const path = [what, ...(error.issues[0]?.path ?? [])].map(String).join('.');
  throw new EngineError(0, `its answer can't be understood: ${path} is not what the Engine API says`);
}

function time(text: string | null | undefined): number | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : at;
}

import * as z from 'zod';
import { EngineError } from '../../../core/model/engine-error.ts';

const TEXT = z.string().nullish();
const TEXTS = z.array(z.string()).nullish();
const NUMBER = z.number().nullish();
// z.record ignores the key __proto__, which a label may have.
const LABELS = z.custom<Record<string, string>>(isTextByKey).nullish();
const SET = z.record(z.string(), z.unknown()).nullish();
const RECORDS = z.array(z.looseObject({})).nullish();

const Health = z.looseObject({
  Test: TEXTS,
  Interval: NUMBER,
  Timeout: NUMBER,
  StartPeriod: NUMBER,
  StartInterval: NUMBER,
  Retries: NUMBER,
});

const Config = z.looseObject({
  Hostname: TEXT,
  User: TEXT,
  Env: TEXTS,
  Cmd: TEXTS,
  Entrypoint: TEXTS,
  ExposedPorts: SET,
  Volumes: SET,
  Healthcheck: Health.nullish(),
  Image: TEXT,
  Labels: LABELS,
  MacAddress: TEXT,
  Shell: TEXTS,
  StopSignal: TEXT,
  StopTimeout: NUMBER,
  WorkingDir: TEXT,
});

const Binding = z.looseObject({ HostIp: TEXT, HostPort: TEXT });

const Host = z.looseObject({
  AutoRemove: z.boolean().nullish(),
  Binds: TEXTS,
  DeviceRequests: RECORDS,
  Devices: z.array(z.looseObject({ PathOnHost: TEXT })).nullish(),
  IpcMode: TEXT,
  Links: TEXTS,
  Mounts: z.array(z.looseObject({ Type: z.string(), Source: TEXT, Target: z.string() })).nullish(),
  NetworkMode: TEXT,
  PidMode: TEXT,
  PortBindings: z.record(z.string(), z.array(Binding).nullable()).nullish(),
  RestartPolicy: z.looseObject({ Name: z.string(), MaximumRetryCount: NUMBER }).nullish(),
  UTSMode: TEXT,
  VolumesFrom: TEXTS,
});

const Endpoint = z.looseObject({
  IPAMConfig: z.looseObject({ IPv4Address: TEXT, IPv6Address: TEXT, LinkLocalIPs: TEXTS }).nullish(),
  Links: TEXTS,
  Aliases: TEXTS,
  MacAddress: TEXT,
  DriverOpts: LABELS,
  IPAddress: TEXT,
  GlobalIPv6Address: TEXT,
  NetworkID: TEXT,
});

const Info = z.looseObject({
  Name: TEXT,
  ID: TEXT,
  DockerRootDir: TEXT,
  SystemTime: TEXT,
  OSType: TEXT,
  Architecture: TEXT,
  OperatingSystem: TEXT,
  SecurityOptions: TEXTS,
  DriverStatus: z.array(z.array(z.string())).nullish(),
  Swarm: z.looseObject({ LocalNodeState: TEXT, ControlAvailable: z.boolean().nullish() }).nullish(),
  RegistryConfig: z
    .looseObject({
      Mirrors: TEXTS,
      InsecureRegistryCIDRs: TEXTS,
      IndexConfigs: z.record(z.string(), z.looseObject({ Secure: z.boolean().nullish() }).nullable()).nullish(),
    })
    .nullish(),
});

const SHAPES = {
  Info,
  Volumes: z.looseObject({ Volumes: RECORDS }),
  Config,
  HostConfig: Host,
  Endpoint,
  Labels: LABELS,
  'list of all': z.array(z.unknown()),
};

/**
 * The same part of an answer, after a check that every field that swapctl reads has the type of the Engine API; fields may be
 * absent or null. Raises EngineError, naming the field: swapctl must not re-create a container that it does not understand.
 */
export function shaped<T>(value: T, shape: keyof typeof SHAPES): T {
  const { error } = SHAPES[shape].safeParse(value);
  if (!error) return value;
  const path = [shape, ...(error.issues[0]?.path ?? [])].map(String).join('.');
  throw new EngineError(0, `its answer can't be understood: ${path} is not what the Engine API says`);
}

function isTextByKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((one) => typeof one === 'string');
}

/** The id that every object of the engine has. Raises EngineError for an answer without one. */
export function identified(id: string): string {
  if (id !== '') return id;
  throw new EngineError(0, "its answer can't be understood: it has no id");
}

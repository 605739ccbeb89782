/** A metric that swapctl exports. Names and units follow Prometheus: base units, `_total` for counters. */
export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Of a histogram: upper bounds, ascending, without infinity. */
  readonly buckets?: readonly number[];
}

const ROLL_SECONDS = [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
const PHASE_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600];
const GAP_SECONDS = [0, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** All metrics, by name. No label holds a digest, a container id or a path with values in it, so that series stay few. */
export const FAMILIES = {
  swapctl_build_info: gauge('Always 1; the version of swapctl and of Node.', 'version', 'node'),
  swapctl_engine_up: gauge('1 if the engine answered last time, else 0.'),
  swapctl_watch_heartbeat_timestamp_seconds: gauge('Time of the last sign of life of the daemon.'),
  swapctl_update_last_run_timestamp_seconds: gauge('End of the last run of updates.'),
  swapctl_rolls_total: counter('Rolls and rollbacks that ended.', 'service', 'strategy', 'outcome', 'trigger'),
  swapctl_roll_duration_seconds: histogram(
    'Time from the start to the end of a roll.',
    ROLL_SECONDS,
    'strategy',
    'outcome',
  ),
  swapctl_roll_phase_duration_seconds: histogram('Time in one phase of a roll.', PHASE_SECONDS, 'phase'),
  swapctl_roll_gap_seconds: histogram('Longest time in a roll in which nobody answered.', GAP_SECONDS, 'strategy'),
  swapctl_roll_in_progress: gauge('1 while the service is being rolled, else 0.', 'service'),
  swapctl_roll_last_success_timestamp_seconds: gauge('End of the last successful roll.', 'service'),
  swapctl_roll_last_failure_timestamp_seconds: gauge('End of the last failed roll.', 'service'),
  swapctl_roll_attention: gauge('1 if the last roll of the service left work for a person, else 0.', 'service'),
  swapctl_connections_left_total: counter('Connections that were still busy when the drain time was over.', 'service'),
  swapctl_service_info: gauge(
    'Always 1; image (without digest) and strategy of the last roll.',
    'service',
    'image',
    'strategy',
  ),
  swapctl_service_update_state: gauge(
    '1 for the state of the service in the last check, 0 for the others.',
    'service',
    'state',
  ),
  swapctl_service_update_state_since_timestamp_seconds: gauge(
    'Time since which the service is in its state.',
    'service',
  ),
  swapctl_checks_total: counter('Services that were checked, by the host of the registry.', 'registry', 'outcome'),
  swapctl_check_duration_seconds: histogram(
    'Time until a registry answered a question.',
    HTTP_SECONDS,
    'registry',
    'outcome',
  ),
  swapctl_registry_rate_limit_remaining: gauge('Pulls that the registry still permits, as it said last.', 'registry'),
  swapctl_http_requests_total: counter('HTTP requests, by the pattern of the route.', 'method', 'route', 'status'),
  swapctl_http_request_duration_seconds: histogram('Time to answer an HTTP request.', HTTP_SECONDS, 'method', 'route'),
  swapctl_grpc_calls_total: counter('gRPC calls that ended.', 'method', 'status'),
  swapctl_grpc_call_duration_seconds: histogram(
    'Time from the start to the end of a gRPC call.',
    HTTP_SECONDS,
    'method',
  ),
  swapctl_hooks_total: counter('Webhook calls.', 'hook', 'outcome'),
  swapctl_auth_failures_total: counter('Refused callers.', 'reason'),
  swapctl_sse_clients: gauge('Open event streams, also of gRPC.'),
  process_cpu_seconds_total: counter('Processor time of this program.'),
  process_resident_memory_bytes: gauge('Resident memory of this program.'),
  process_start_time_seconds: gauge('Start of this program.'),
  process_open_fds: gauge('Open file descriptors of this program.'),
  nodejs_eventloop_lag_seconds: gauge('Delay of the event loop at the scrape.'),
} as const satisfies Readonly<Record<string, Family>>;

export type MetricName = keyof typeof FAMILIES;

/** The names of metrics of one type. */
export type NameOf<T extends Family['type']> = {
  [K in MetricName]: (typeof FAMILIES)[K]['type'] extends T ? K : never;
}[MetricName];

/** Exactly the labels of a metric. */
export type LabelsOf<K extends MetricName> = { readonly [L in (typeof FAMILIES)[K]['labels'][number]]: string };

function counter<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: 'counter', help, labels } as const;
}

function gauge<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: 'gauge', help, labels } as const;
}

function histogram<const L extends readonly string[]>(help: string, buckets: readonly number[], ...labels: L) {
  return { type: 'histogram', help, buckets, labels } as const;
}

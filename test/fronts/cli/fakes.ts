// An application with the given answers, and a terminal that records its output.
import assert from 'node:assert/strict';
import type { App, HintedService, RollRequest, UpdateRequest } from '../../../src/app/app.ts';
import type { GroupApp } from '../../../src/app/group/group.ts';
import type { ServiceReport } from '../../../src/core/report/report.ts';
import type {
  Finding,
  RecoveredItem,
  ReplicaStatus,
  ServiceHistory,
  ServicePlan,
} from '../../../src/core/report/status.ts';
import type { Delivery } from '../../../src/core/report/summary.ts';
import type { ConfigDesk } from '../../../src/core/settings/config.ts';
import type { Checked } from '../../../src/core/update/newer.ts';
import type { InstallDesk } from '../../../src/core/update/units.ts';
import type { UpdateReport } from '../../../src/core/update/update.ts';
import type { CliContext } from '../../../src/fronts/cli/context.ts';
import { runCli } from '../../../src/fronts/cli/program.ts';
import { openTokenDesk } from '../../../src/fronts/server/access/desk.ts';
import { tryHook } from '../../../src/fronts/server/hooks/trial.ts';
import type { Report } from '../../../src/fronts/terminal/terminal.ts';
import { snippetDesk } from '../../../src/wiring/proxies.ts';

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
  /** The options with which the application was opened, if it was. */
  opened: { host?: string; context?: string; config?: string }[];
  closed: number;
  /** The calls of the use cases. */
  calls: { name: string; selectors: readonly string[]; request?: RollRequest & UpdateRequest }[];
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it expects to be there
  json(): any;
}

export interface Given {
  roll?: ServiceReport[];
  plan?: ServicePlan[];
  rollback?: ServiceReport;
  history?: ServiceHistory;
  status?: ReplicaStatus[];
  check?: Checked[];
  update?: UpdateReport;
  recover?: RecoveredItem[];
  doctor?: Finding[];
  names?: string[];
  tell?: Delivery[];
  hinted?: HintedService[];
  /** The configuration in the folder and environment, instead of none. */
  config?: (file?: string) => ConfigDesk;
  /** The hosts of --on. */
  group?: (on: string) => GroupApp;
  /** The environment of install. */
  install?: (options: Parameters<CliContext['openInstall']>[0]) => InstallDesk;
  /** Raised instead of an answer. */
  raise?: unknown;
  /** Raised by opening the engine. */
  refuse?: unknown;
  /** A real application, instead of the given answers. */
  open?: CliContext['openApp'];
  /** Runs before the answer. */
  meanwhile?: (report: Report) => void | Promise<void>;
  /** The time at which a message to a hook is tried. */
  now?: number;
  env?: Record<string, string>;
  stdoutIsTty?: boolean;
  stderrIsTty?: boolean;
  columns?: number;
  signal?: AbortSignal;
}

/** Runs a command line against a fake application. */
export async function cli(argv: string[], given: Given = {}): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const outcome: Omit<Outcome, 'status' | 'stdout' | 'stderr' | 'json'> = { opened: [], closed: 0, calls: [] };
  const context: CliContext = {
    version: '1.2.3',
    signal: given.signal ?? new AbortController().signal,
    terminal: {
      stdout: (text) => {
        stdout += text;
      },
      stderr: {
        write: (text) => {
          stderr += text;
        },
        isTTY: given.stderrIsTty ?? false,
        columns: given.columns ?? 100,
      },
      env: given.env ?? {},
      stdoutIsTty: given.stdoutIsTty ?? false,
      now: Date.now,
    },
    sleep: async () => assert.fail('nobody is to sleep'),
    folder: () => process.cwd(),
    onAsked: () => {},
    tidy: () => {},
    openConfig: async ({ config }) => given.config?.(config) ?? assert.fail('the test gave no configuration'),
    openInstall: async (options) => given.install?.(options) ?? assert.fail('the test gave nothing to install with'),
    openSnippets: async () => snippetDesk,
    tryHook: (hook, message) => tryHook(hook, message, given.now ?? Date.now()),
    openTokens: async () => openTokenDesk(Date.now),
    openGroup: async ({ on }) => given.group?.(on) ?? assert.fail('the test gave no group'),
    openApp: async (options) => {
      const { report, trace: _, ...where } = options;
      outcome.opened.push(where);
      if (given.open) return given.open(options);
      if (given.refuse) throw given.refuse;
      return {
        app: fakeApp(given, report, outcome.calls),
        close: () => {
          outcome.closed += 1;
        },
      };
    },
  };
  const status = await runCli(argv, context);
  return { ...outcome, status, stdout, stderr, json: () => JSON.parse(stdout) };
}

/** An application with the given answers; `calls` gets its requests. */
export function fakeApp(given: Given, report: Report, calls: Outcome['calls']): App {
  const answer = async <T>(
    name: string,
    value: T | undefined,
    selectors: readonly string[],
    request?: RollRequest & UpdateRequest,
  ): Promise<T> => {
    calls.push({ name, selectors, ...(request ? { request } : {}) });
    await given.meanwhile?.(report);
    if (given.raise) throw given.raise;
    if (value === undefined) throw new Error(`the test gave no answer for ${name}`);
    return value;
  };
  return {
    roll: (selectors, request) => answer('roll', given.roll, selectors, request),
    plan: (selectors, request) => answer('plan', given.plan, selectors, request),
    rollback: (selector, request) => answer('rollback', given.rollback, [selector], request),
    history: (selector) => answer('history', given.history, [selector]),
    status: (selectors) => answer('status', given.status, selectors),
    check: (selectors) => answer('check', given.check, selectors),
    update: (selectors, request) => answer('update', given.update, selectors, request),
    recoverOptedIn: () => assert.fail('nothing is to be watched'),
    scheduledChecks: () => assert.fail('nothing is to be watched'),
    arrived: () => assert.fail('nothing is to be watched'),
    hinted: (_, { pushes }) =>
      answer(
        'hinted',
        given.hinted,
        pushes.map(({ repository }) => repository),
      ),
    hooks: () => assert.fail('nothing is to be received'),
    nextCheck: () => assert.fail('nothing is to be watched'),
    events: () => assert.fail('nothing is to be watched'),
    reload: () => assert.fail('nothing is to be reloaded'),
    recover: (selectors) => answer('recover', given.recover, selectors),
    doctor: () => answer('doctor', given.doctor, []),
    find: async (selector) => selector,
    get held() {
      return assert.fail('no group is to be rolled');
    },
    pastRolls: async () => [],
    rollsAtOnce: () => 1,
    names: () => answer('names', given.names, []),
    get dev() {
      return assert.fail('nothing is to be developed');
    },
    notify: (run, { asked }) =>
      answer('tell', given.tell ?? [], [
        ...run.services.map((one) => `${one.service} ${one.outcome}`),
        `asked: ${asked}`,
      ]),
  };
}

export const OLD = { container: 'aaaaaaaaaaaa', image: 'app:1', digest: `sha256:ab12${'0'.repeat(60)}` };
export const NEW = { container: 'bbbbbbbbbbbb', image: 'app:2', digest: `sha256:cd34${'0'.repeat(60)}` };

export const ROLLED: ServiceReport = {
  service: 'web',
  outcome: 'rolled',
  strategy: 'start-first',
  because: 'it holds nothing that two containers could not have at once; swapctl.strategy=stop-first changes it',
  from: OLD,
  to: NEW,
  timings: { pull: 1200, start: 300, healthy: 1900, switch: 20, drain: 0, stop: 300, total: 4200 },
};

export const UNCHANGED: ServiceReport = {
  service: 'db',
  outcome: 'unchanged',
  from: OLD,
  to: OLD,
  timings: { total: 12 },
};

export const FAILED: ServiceReport = {
  service: 'web',
  outcome: 'failed',
  strategy: 'start-first',
  from: OLD,
  to: OLD,
  timings: { start: 200, healthy: 30_000, total: 31_000 },
  error: {
    code: 'not-healthy',
    message: 'web.swapctl-next was not healthy within 30 s',
    hint: 'mend the image, or use --health-timeout',
  },
};

export const PLAN: ServicePlan = {
  service: 'web',
  image: 'app:2',
  digest: NEW.digest,
  slots: [
    {
      slot: 'web',
      strategy: 'start-first',
      rehearsal: false,
      because: 'it holds nothing that two containers could not have at once; swapctl.strategy=stop-first changes it',
      verdict: 'roll',
      steps: [
        'create web.swapctl-next from the new image',
        'start web.swapctl-next',
        'wait until web.swapctl-next is healthy',
      ],
    },
  ],
};

export const REPLICA: ReplicaStatus = {
  service: 'web',
  container: 'web',
  id: 'aaaaaaaaaaaa',
  image: 'ghcr.io/example/app:1',
  digest: OLD.digest,
  startedAt: '2025-01-01T00:00:00.000Z',
  ageMs: 3 * 3_600_000,
  health: 'healthy',
  phase: 'serving',
  strategy: 'start-first',
  lastRoll: '2025-01-01T00:00:00.000Z',
  lastRollAgeMs: 2 * 86_400_000,
  failedImages: 0,
};

export const HISTORY: ServiceHistory = {
  service: 'web',
  entries: [
    {
      at: '2025-01-03T10:20:30.000Z',
      follows: 'app:2',
      id: NEW.digest,
      digest: NEW.digest,
      event: 'rolled',
      current: true,
      status: 'running',
      available: true,
    },
    {
      at: '2025-01-02T10:20:30.000Z',
      follows: 'app:1',
      id: OLD.digest,
      event: 'started',
      current: false,
      available: true,
    },
  ],
  backups: [],
  failures: [
    {
      at: '2025-01-04T10:20:30.000Z',
      image: 'app:3',
      digest: `sha256:ef56${'0'.repeat(60)}`,
      code: 'not-healthy',
      reason: 'web.swapctl-next ended with exit code 1',
      health: ['exit 1: connection refused'],
      log: ['Error: no config', 'bye'],
      volume: 'web.swapctl-failed-0123456789ab',
    },
  ],
};

export const RECOVERED: RecoveredItem[] = [
  { service: 'web', slot: 'web', found: 'a new container that had taken over', outcome: 'finished' },
  { service: 'shop/api', slot: 'shop-api-1', found: 'a new container that was not healthy yet', outcome: 'undone' },
];

export const FINDINGS: Finding[] = [
  { check: 'engine', state: 'ok', found: 'Docker 28.0.1 at unix:///var/run/docker.sock' },
  {
    check: 'traffic',
    state: 'limited',
    found: 'open connections can not be counted',
    advice: 'run swapctl on the machine of the engine',
  },
];

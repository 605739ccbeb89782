import assert from 'node:assert/strict';
import type { Verdict } from '../../src/core/health/health.ts';
import type { Container, ContainerSummary, Image, ListedContainer } from '../../src/core/model/container.ts';
import { SwapError } from '../../src/core/model/error.ts';
import type { Successor } from '../../src/core/recreate/request.ts';
import { subtractImage } from '../../src/core/recreate/user-set.ts';
import type { Desired, Failure, Observed, Replica } from '../../src/core/rollout/observed.ts';
import { slotNames } from '../../src/core/service/names.ts';
import type { Policy } from '../../src/core/settings/policy.ts';
import { own } from './own.ts';

export { own };

/** Names and ids that all tests of the core share. */
export const NAMES = slotNames('web');
export const OLD_IMAGE = 'sha256:old';
export const NEW_IMAGE = 'sha256:new';
export const ROLL = 'roll-1';

export const UNSTARTED: Verdict = { kind: 'unstarted' };
export const WAITING: Verdict = { kind: 'waiting', until: 60_000 };
export const HEALTHY: Verdict = { kind: 'healthy', since: 1000 };
export const UNHEALTHY: Verdict = { kind: 'failed', reason: 'its health check says unhealthy', blame: 'image' };
export const PORT_TAKEN: Verdict = { kind: 'failed', reason: "it can't be started: port is allocated", blame: 'host' };

/** A container that serves, not made by swapctl. */
export function replica(change: Partial<Replica> = {}): Replica {
  return {
    id: 'old',
    name: NAMES.slotName,
    imageId: OLD_IMAGE,
    current: false,
    running: true,
    startedAt: 1,
    starts: 0,
    complete: false,
    verdict: HEALTHY,
    settled: true,
    noticed: 'none',
    verdictWithinMs: 32_000,
    drained: false,
    shut: false,
    missingFiles: [],
    autoRemove: false,
    roll: undefined,
    replaces: undefined,
    strategy: undefined,
    follows: 'app:1',
    tagBefore: undefined,
    saves: [],
    fillFrom: undefined,
    imageBefore: undefined,
    restart: { Name: 'no' },
    held: undefined,
    ...change,
  };
}

/** A container that this roll made to take the place of `replica()`, created and not yet started. */
export function candidate(change: Partial<Replica> = {}): Replica {
  return replica({
    id: 'new',
    name: NAMES.next,
    imageId: NEW_IMAGE,
    current: true,
    running: false,
    startedAt: 0,
    complete: true,
    verdict: UNSTARTED,
    settled: false,
    roll: ROLL,
    replaces: 'old',
    strategy: 'start-first',
    tagBefore: OLD_IMAGE,
    imageBefore: OLD_IMAGE,
    ...change,
  });
}

/** A healthy running candidate. */
export function healthyCandidate(change: Partial<Replica> = {}): Replica {
  return candidate({ running: true, startedAt: 3, verdict: HEALTHY, ...change });
}

/** A slot without a roll; the tag already names the new image. */
export function observed(change: Partial<Observed> = {}): Observed {
  return {
    names: NAMES,
    incumbent: replica(),
    candidate: undefined,
    rehearsal: undefined,
    rehearsed: false,
    startChecks: [],
    standIn: undefined,
    portRedirect: 'none',
    redirectsAddresses: false,
    addressRedirects: [],
    gates: false,
    failures: [],
    dependents: [],
    backups: [],
    halfCopied: undefined,
    looseCopies: [],
    restored: [],
    taggedImage: NEW_IMAGE,
    incumbentKept: false,
    vanished: 0,
    removedByUser: 0,
    hooks: { due: [], failed: undefined },
    watched: [],
    giveUp: undefined,
    ...change,
  };
}

export function desired(change: Partial<Desired> = {}): Desired {
  return {
    image: { follows: 'app:1', id: NEW_IMAGE, digest: 'sha256:digest-of-new' },
    roll: ROLL,
    force: false,
    choice: { strategy: 'start-first', rehearse: false, because: 'a test says so' },
    keepReference: 'swapctl-rollback/web:old',
    backup: { volumes: [], keep: 1, fillFrom: undefined },
    checksStart: false,
    back: false,
    tagBefore: undefined,
    ...change,
  };
}

/** The desired state of a stop-first roll. */
export function stopFirst(change: Partial<Desired> = {}): Desired {
  return desired({ choice: { strategy: 'stop-first', rehearse: false, because: 'a test says so' }, ...change });
}

/** The desired state of a handover. */
export function handover(change: Partial<Desired> = {}): Desired {
  return desired({ choice: { strategy: 'handover', rehearse: true, because: 'a test says so' }, ...change });
}

export function failure(change: Partial<Failure> = {}): Failure {
  return {
    name: 'web.swapctl-failed-new',
    image: NEW_IMAGE,
    digest: undefined,
    roll: 'an-earlier-roll',
    code: 'not-healthy',
    reason: 'it exited with status 1',
    at: '2026-01-01T00:00:00.000Z',
    tries: 1,
    ...change,
  };
}

/** A running container as the engine inspects it. */
export function container(change: Partial<Container> = {}): Container {
  return {
    id: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
    name: 'web',
    imageId: OLD_IMAGE,
    manifestDigest: undefined,
    createdAt: 0,
    status: 'running',
    pid: 1,
    exitCode: 0,
    error: '',
    oomKilled: false,
    startedAt: 0,
    restartCount: 0,
    health: undefined,
    config: { Image: 'app:1', Env: [], Labels: {} },
    host: { NetworkMode: 'default' },
    networks: {},
    mounts: [],
    published: [],
    configuredMacs: {},
    ...change,
  };
}

export function image(change: Partial<Image> = {}): Image {
  return {
    id: OLD_IMAGE,
    tags: ['app:1'],
    digests: [],
    manifestDigest: undefined,
    config: {},
    os: 'linux',
    architecture: 'amd64',
    createdAt: undefined,
    ...change,
  };
}

export function summary({ labels = {}, ...change }: Partial<ListedContainer> = {}): ContainerSummary {
  return {
    id: 'a1b2c3',
    name: 'web',
    status: 'running',
    image: 'app:1',
    imageId: OLD_IMAGE,
    labels: own(labels),
    addresses: [],
    networks: [],
    readsEngine: false,
    networkOf: undefined,
    ...change,
  };
}

/** A container of a compose service. */
export function composed(
  project: string,
  service: string,
  number: number,
  change: Partial<ListedContainer> = {},
): ContainerSummary {
  const labels = {
    'com.docker.compose.project': project,
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
    'com.docker.compose.oneoff': 'False',
  };
  const name = `${project}-${service}-${number}`;
  return summary({ id: `id of ${name}`, name, labels, ...change });
}

export function policy(change: Partial<Policy> = {}): Policy {
  return {
    strategy: 'auto',
    volumes: 'exclusive',
    rehearsal: true,
    gate: true,
    settleMs: 5000,
    drainMs: 10_000,
    drainIdle: true,
    drainClose: false,
    proxy: undefined,
    proxyRoute: undefined,
    proxyPort: undefined,
    proxyAllow: undefined,
    proxyHoldMs: 0,
    canary: undefined,
    lingerMs: 10_000,
    onSwitch: [],
    onSwitchFailure: 'report',
    hooksFrom: [],
    healthTimeoutMs: undefined,
    probe: undefined,
    engineVerdict: 'auto',
    lostPorts: 'fail',
    keep: 1,
    backup: { kind: 'none' },
    backupKeep: 1,
    eraser: undefined,
    track: { kind: 'digest' },
    enable: undefined,
    monitorOnly: false,
    schedule: { kind: 'every', ms: 900_000, jitterMs: 120_000 },
    windows: [],
    minAgeMs: 0,
    minIntervalMs: 0,
    backoff: { firstMs: 300_000, longestMs: 86_400_000 },
    devRules: undefined,
    git: undefined,
    dependsOn: [],
    ...change,
  };
}

/** The SwapError that the work raises. */
export function raised(work: () => unknown): SwapError {
  try {
    work();
  } catch (error) {
    if (error instanceof SwapError) return error;
    throw error;
  }
  return assert.fail('nothing was raised');
}

/** The settings of the next container of a service whose user set everything. */
export function successor(of: Container, change: Partial<Successor> = {}): Successor {
  return {
    name: NAMES.next,
    follows: 'app:2',
    userSet: subtractImage(of.config, {}),
    state: { role: 'replica', service: 'web', slot: 'web', roll: 'r1' },
    composeImage: undefined,
    composeHash: undefined,
    alias: undefined,
    successors: new Map(),
    inheritedTargets: new Set(),
    ...change,
  };
}

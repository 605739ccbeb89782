// Services of one compose project on an engine in memory, around the rolled one.
import assert from 'node:assert/strict';
import type { ServiceReport } from '../../src/core/report/report.ts';
import type { ServicePlan } from '../../src/core/report/status.ts';
import { SETUPS, type Setup } from '../matrix/setups.ts';
import { command, type Stage } from '../matrix/stage.ts';
import { IDLE, type App as Program } from '../memory/apps.ts';
import { create } from '../memory/containers.ts';
import { build } from '../memory/images.ts';
import { start } from '../memory/lifecycle.ts';
import type { Process } from '../memory/process.ts';

const COMPOSE = 'com.docker.compose.';
export const RESTARTED = 'web:service_healthy:true';
export const COMPOSED: Setup = { ...SETUPS.compose, hooked: false };
const CHECK = { Test: ['CMD', 'healthcheck'], Interval: 1000e6, Retries: 2 };

interface Given {
  readonly dependsOn?: string;
  readonly network?: string;
  readonly program?: Program;
  readonly checked?: boolean;
  readonly autoRemove?: boolean;
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** True: the container has a health check of its own that no image passes. */
  readonly refuses?: boolean;
  readonly command?: string[];
}

/** Another running service of the same project. */
export function add({ machine }: Stage, service: string, given: Given = {}): void {
  const {
    dependsOn = '',
    network,
    program = IDLE,
    checked = false,
    autoRemove = false,
    image = `${service}:1`,
  } = given;
  if (given.image === undefined)
    build(machine, image, { app: program, ...(checked && { config: { Healthcheck: CHECK } }) });
  const labels = {
    [`${COMPOSE}project`]: 'shop',
    [`${COMPOSE}service`]: service,
    [`${COMPOSE}container-number`]: '1',
    [`${COMPOSE}oneoff`]: 'False',
    [`${COMPOSE}depends_on`]: dependsOn,
    ...given.labels,
  };
  const host = { NetworkMode: network ?? 'net', AutoRemove: autoRemove };
  const networks = network === undefined ? { net: { Aliases: [service] } } : {};
  const check = given.refuses && { Healthcheck: { ...CHECK, Test: ['CMD', 'false'] } };
  const config = { Image: image, Labels: labels, ...(given.command && { Cmd: given.command }), ...check };
  start(machine, create(machine, { name: nameOf(service), config, host, networks }));
}

export const nameOf = (service: string): string => `shop-${service}-1`;
export const idOf = ({ machine }: Stage, service: string): string => machine.names.get(nameOf(service))?.id ?? '';

export async function rolled(stage: Stage, process: Process = stage.open()): Promise<ServiceReport> {
  const report = await command(stage, process);
  return report === 'died' ? assert.fail('it died') : report;
}

export async function planOf(stage: Stage): Promise<ServicePlan> {
  const process = stage.open();
  const request = { signal: new AbortController().signal, overrides: {}, pull: 'never' } as const;
  const end = await stage.machine.clock.run(process.run((app) => app.plan([stage.service], request)));
  return end === 'died' ? assert.fail('it died') : (end.value[0] ?? assert.fail('no plan'));
}

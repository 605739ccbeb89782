// The use cases in this process, over a real engine: for tests that look at what a roll does and not at what it prints.
import os from 'node:os';
import { type App, createApp, type RollRequest } from '../../src/app/app.ts';
import type { Progress } from '../../src/core/report/progress.ts';
import type { ServiceReport } from '../../src/core/report/report.ts';
import { openPorts } from '../../src/wiring/ports.ts';
import type { EngineUnderTest } from './engine.ts';

export interface TestApp {
  app: App;
  /** Everything that was reported since the app was opened. */
  progress: Progress[];
  /** Rolls one service and fails the test, with all that was reported, unless it was rolled. */
  roll(service: string, request?: Partial<RollRequest>): Promise<ServiceReport>;
  close(): void;
}

/** No look at a registry, no time to settle: what a test doesn't say otherwise. */
const QUICK = { pull: 'never', overrides: { settle: '0s' } } as const;

export async function appOn(engine: Pick<EngineUnderTest, 'dockerHost' | 'env'>): Promise<TestApp> {
  const progress: Progress[] = [];
  const report = (one: Progress): void => void progress.push(one);
  const world = { env: engine.env, home: os.homedir(), folder: process.cwd() };
  const ports = await openPorts({ ...world, host: engine.dockerHost, report });
  const app = createApp(ports);
  return {
    app,
    progress,
    async roll(service, request = {}) {
      const from = progress.length;
      const signal = new AbortController().signal;
      const [report] = await app.roll([service], { signal, ...QUICK, ...request });
      if (report?.outcome === 'rolled') return report;
      const said = progress.slice(from).map((one) => JSON.stringify(one));
      throw new Error(`${service} was not rolled: ${JSON.stringify(report?.error ?? report)}\n${said.join('\n')}`);
    },
    close: () => {
      ports.engine.close();
      ports.registry.close();
    },
  };
}

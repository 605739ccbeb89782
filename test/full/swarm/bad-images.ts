// Bad images in a Swarm: swapctl's output and status, beside `docker service update` in the same case.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { swapctl } from '../../lab/cli.ts';
import type { OtherEngine } from '../../lab/engines.ts';
import type { AppImageOptions } from '../../lab/images.ts';
import { type SwarmLab, swarmLab } from '../../lab/swarm.ts';

const GOOD = { from: 'httpd', health: { intervalMs: 500 } } as const;
const BASE = 'swapctl-test/base:1';
const UNHEALTHY = { test: 'echo no database; false', intervalMs: 500, retries: 2 };
// It ends by itself on its stop signal.
const patient = (status: number): string[] => ['sh', '-c', `trap 'exit ${status}' TERM; while :; do sleep 0.1; done`];

interface Case {
  readonly image: AppImageOptions;
  readonly service?: readonly string[];
  readonly roll?: readonly string[];
  readonly code: 'not-healthy' | 'cannot-start' | 'stuck';
  readonly says: RegExp;
  /** True: the image counts as rejected. */
  readonly rejected: boolean;
  /** The status of `docker service update` within its limit, which ends it with 124; undefined: it depends on the moment. */
  readonly docker: number | undefined;
}

const ENDS = { base: BASE, cmd: ['sh', '-c', 'echo cannot read the settings; exit 3'] };

const CASES: Readonly<Record<string, Case>> = {
  'ends at once': { image: ENDS, code: 'not-healthy', says: /non-zero exit \(3\)/, rejected: true, docker: 1 },
  'ends at once, and Swarm rolls back': {
    image: ENDS,
    service: ['--update-failure-action', 'rollback'],
    code: 'not-healthy',
    says: /non-zero exit \(3\)/,
    rejected: true,
    docker: 0,
  },
  'ends at once, and Swarm goes on': {
    image: ENDS,
    service: ['--update-failure-action', 'continue'],
    code: 'not-healthy',
    says: /non-zero exit \(3\)/,
    rejected: true,
    docker: undefined,
  },
  'is unhealthy, and ends well when it is asked to': {
    image: { base: BASE, cmd: patient(0), health: UNHEALTHY },
    code: 'not-healthy',
    says: /exit status 0/,
    rejected: true,
    docker: 1,
  },
  'is unhealthy, and ends badly': {
    image: { base: BASE, cmd: patient(4), health: UNHEALTHY },
    code: 'not-healthy',
    says: /unhealthy container/,
    rejected: true,
    docker: 1,
  },
  'has no such program': {
    image: { base: BASE, cmd: ['/no/such/program'] },
    code: 'not-healthy',
    says: /no such file/,
    rejected: true,
    docker: 1,
  },
  'dies after the monitor period': {
    image: { base: BASE, cmd: ['sh', '-c', 'sleep 8; echo out of cache; exit 5'] },
    service: ['--update-monitor', '1s'],
    roll: ['--settle', '12s'],
    code: 'not-healthy',
    says: /non-zero exit \(5\)/,
    rejected: true,
    docker: 0,
  },
  'is never healthy': {
    image: { base: BASE, cmd: ['sleep', '1000'], health: { ...UNHEALTHY, startPeriodMs: 3_600_000 } },
    roll: ['--health-timeout', '1s', '--settle', '1s'],
    service: ['--update-monitor', '1s', '--stop-grace-period', '1s'],
    code: 'stuck',
    says: /starting/,
    rejected: false,
    docker: 124,
  },
};

// Most of the time is spent waiting for Swarm.
export function badImages(manager: () => OtherEngine): void {
  suite('bad images', { concurrency: 4 }, () => {
    for (const [name, one] of Object.entries(CASES)) {
      test(`an image that ${name} is not kept`, async (t) => {
        const lab = await swarmLab(t, manager());
        const { env, docker, reference, running } = lab;
        await lab.push('1', GOOD, 'stable');
        const options = ['--replicas', '2', '--update-order', 'start-first', ...(one.service ?? [])];
        const [web, twin] = await Promise.all(['web', 'twin'].map((suffix) => lab.service(suffix, 'stable', options)));
        assert.ok(web && twin);
        await lab.push('bad', one.image, 'stable');

        const asDocker = docker(
          ['service', 'update', '--image', reference('stable'), twin],
          one.docker === 124 ? 30 : 120,
        );
        const { code, stdout, stderr } = await swapctl(['roll', web, '--json', ...(one.roll ?? ['--settle', '1s'])], {
          env,
        });
        const report = JSON.parse(stdout);
        t.diagnostic(`swapctl roll: exit ${code}, ${report.error?.code}: ${report.error?.message}`);
        assert.deepEqual([code, report.outcome, report.error?.code], [1, 'failed', one.code], stderr);
        assert.match(report.error.message, one.says);
        assert.deepEqual(await running(web), [reference('stable'), reference('stable')]);
        await assertBack(lab, web, report.from.digest);

        const said = await asDocker;
        t.diagnostic(`docker service update: exit ${said.code}, ${lastWords(said.text)}`);
        if (one.docker !== undefined) assert.equal(said.code, one.docker, said.text);

        const { failures } = (await swapctl(['history', web, '--json'], { env })).json();
        assert.equal(failures.length, 1);
        const again = await swapctl(['check', web, '--json'], { env });
        assert.equal(again.json()[0].outcome, one.rejected ? 'held' : 'available');
      });
    }
  });
}

/** Every wanted task runs the old digest, and so does the spec. */
async function assertBack({ world }: SwarmLab, service: string, digest: string): Promise<void> {
  const inspected = await world.docker.getService(service).inspect();
  assert.match(inspected.Spec.TaskTemplate.ContainerSpec.Image, new RegExp(digest));
  const tasks = await world.docker.listTasks({
    filters: JSON.stringify({ service: [service], 'desired-state': ['running'] }),
  });
  for (const task of tasks as { Spec: { ContainerSpec: { Image: string } } }[])
    assert.match(task.Spec.ContainerSpec.Image, new RegExp(digest));
}

function lastWords(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !/^\d+\/\d+:|^overall/.test(line)).at(-1) ?? 'nothing';
}

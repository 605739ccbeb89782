// The services that compose restarts after it has replaced another one, by its labels.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ContainerSummary } from '../../../src/core/model/container.ts';
import { composeDependencies, restartedAfter } from '../../../src/core/service/compose-depends.ts';
import { own } from '../own.ts';

const COMPOSE = 'com.docker.compose.';

function container(name: string, dependsOn: string, more: Partial<ContainerSummary> = {}): ContainerSummary {
  const [project = '', service = '', number = ''] = name.split('-');
  const labels = own({
    [`${COMPOSE}project`]: project,
    [`${COMPOSE}service`]: service,
    [`${COMPOSE}container-number`]: number,
    [`${COMPOSE}depends_on`]: dependsOn,
  });
  return { id: name, name, status: 'running', labels, networks: [], ...more } as ContainerSummary;
}

function restarted(...all: ContainerSummary[]): Record<string, string[]> {
  const found = restartedAfter('shop/db', all);
  return Object.fromEntries(found.map(({ key, containers }) => [key, containers.map(({ name }) => name)]));
}

suite('the label of depends_on', () => {
  const table: [string, ReturnType<typeof composeDependencies>][] = [
    ['', []],
    ['db', [{ service: 'db', condition: '', restart: false }]],
    ['db:service_healthy:true', [{ service: 'db', condition: 'service_healthy', restart: true }]],
    [
      'db:service_started:false,migrate:service_completed_successfully:false',
      [
        { service: 'db', condition: 'service_started', restart: false },
        { service: 'migrate', condition: 'service_completed_successfully', restart: false },
      ],
    ],
  ];
  for (const [label, expected] of table)
    test(`"${label}"`, () => assert.deepEqual(composeDependencies({ [`${COMPOSE}depends_on`]: label }), expected));
});

suite('what is restarted after a replacement', () => {
  test('is each running replica of a direct dependent with restart: true', () => {
    const all = [
      container('shop-api-1', 'db:service_started:true'),
      container('shop-api-2', 'db:service_started:true'),
      container('shop-mail-1', 'db:service_started:false'),
      container('shop-web-1', 'api:service_started:true'),
    ];
    assert.deepEqual(restarted(...all), { 'shop/api': ['shop-api-1', 'shop-api-2'] });
  });

  test('comes in the order of their own dependencies', () => {
    const all = [
      container('shop-web-1', 'api:service_started:false,db:service_started:true'),
      container('shop-api-1', 'db:service_healthy:true'),
    ];
    assert.deepEqual(Object.keys(restarted(...all)), ['shop/api', 'shop/web']);
  });

  test('is nothing of another project, nothing that is down, and no job', () => {
    const job = container('shop-job-1', 'db:service_started:true');
    const all = [
      container('other-api-1', 'db:service_started:true'),
      container('shop-api-1', 'db:service_started:true', { status: 'exited' }),
      { ...job, labels: own({ ...job.labels, [`${COMPOSE}oneoff`]: 'True' }) },
    ];
    assert.deepEqual(restarted(...all), {});
  });

  test('is never the service itself, and labels in a circle do no harm', () => {
    const all = [
      container('shop-db-1', 'db:service_started:true'),
      container('shop-api-1', 'db:service_started:true,web:service_started:true'),
      container('shop-web-1', 'db:service_started:true,api:service_started:true'),
    ];
    assert.deepEqual(Object.keys(restarted(...all)), ['shop/api', 'shop/web']);
  });

  test('needs labels of compose on the container itself', () => {
    const stranger = container('shop-api-1', 'db:service_started:true');
    const { [`${COMPOSE}container-number`]: _, ...labels } = stranger.labels;
    assert.deepEqual(restarted({ ...stranger, labels: own(labels) }), {});
  });
});

// Containers of other programs: each kind is recognized by the labels of its program, and by nothing less.
import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import type { ContainerSummary, ListedContainer } from '../../../src/core/model/container.ts';
import { whyManaged } from '../../../src/core/service/managed.ts';
import { whyNotRollable } from '../../../src/core/service/service.ts';
import { summary } from '../builders.ts';

const label = (key: string, value = 'x'): Partial<ListedContainer> => ({ name: 'web', labels: { [key]: value } });
const pod = (infra: boolean): Partial<ListedContainer> => ({ name: 'web', pod: { name: 'shop', infra } });
const JOB_NETWORK = `github_network_${'0123456789abcdef'.repeat(2)}`;

const OWNED: readonly [what: string, container: Partial<ListedContainer>, message: RegExp, hint: RegExp][] = [
  ['Swarm', label('com.docker.swarm.task.id'), /^web is a task of a Swarm service/, /swapctl roll SERVICE/],
  ['Kubernetes', label('io.kubernetes.pod.uid'), /^web is part of a Kubernetes pod/, /kubectl set image/],
  ['Nomad', label('com.hashicorp.nomad.alloc_id'), /^web is an allocation of Nomad/, /nomad job run/],
  ['ECS', label('com.amazonaws.ecs.task-arn'), /^web is part of an ECS task/, /aws ecs update-service/],
  [
    'a unit of systemd',
    label('PODMAN_SYSTEMD_UNIT', 'web.service'),
    /^web is run by the systemd unit web\.service/,
    /systemctl restart web\.service/,
  ],
  [
    'Home Assistant',
    label('supervisor_managed', ''),
    /^web is managed by the Home Assistant Supervisor/,
    /Home Assistant/,
  ],
  ['balena', label('io.balena.supervised', ''), /^web is managed by the balena Supervisor/, /balena push/],
  ['Cloudron', label('isCloudronManaged', 'true'), /^web is managed by Cloudron/, /Cloudron/],
  ['Dokku', label('com.dokku.app-name'), /^web is managed by Dokku/, /dokku git:from-image/],
  [
    'Wings',
    { name: 'web', labels: { Service: 'Pterodactyl', ContainerType: 'server_process' } },
    /^web is a game server of Wings/,
    /panel/,
  ],
  ['kind', label('io.x-k8s.kind.cluster'), /^web is a node of a kind cluster/, /kind create cluster/],
  ['k3d', label('k3d.cluster'), /^web is a node of a k3d cluster/, /k3d cluster create/],
  [
    'minikube',
    label('created_by.minikube.sigs.k8s.io', 'true'),
    /^web is a node of a minikube cluster/,
    /minikube start/,
  ],
  [
    'buildx',
    { name: 'buildx_buildkit_fast0' },
    /^buildx_buildkit_fast0 is a builder of docker buildx/,
    /docker buildx rm/,
  ],
  [
    'GitHub Actions',
    { name: 'web', networks: [JOB_NETWORK] },
    /^web is at work for a job of GitHub Actions/,
    /workflow/,
  ],
  [
    'GitLab CI',
    label('com.gitlab.gitlab-runner.managed', 'true'),
    /^web is at work for a job of GitLab CI/,
    /\.gitlab-ci\.yml/,
  ],
  [
    'Gitea Actions',
    { name: 'GITEA-ACTIONS-TASK-7_WORKFLOW-a_JOB-b' },
    /is at work for a job of Gitea Actions/,
    /workflow/,
  ],
  [
    'Forgejo Actions',
    { name: 'FORGEJO-ACTIONS-TASK-7_WORKFLOW-a_JOB-b' },
    /is at work for a job of Forgejo Actions/,
    /workflow/,
  ],
  ['Drone', label('io.drone.stage.number', '1'), /^web is at work for a job of Drone/, /\.drone\.yml/],
  ['Testcontainers', label('org.testcontainers', 'true'), /^web is at work for a test run \(Testcontainers\)/, /test/],
  ['dev containers', label('devcontainer.local_folder', '/src'), /^web is a dev container/, /editor/],
  ['distrobox', label('manager', 'distrobox'), /^web is a distrobox/, /distrobox upgrade/],
  [
    'docker compose run',
    label('com.docker.compose.oneoff', 'True'),
    /^web is a job of docker compose run/,
    /wait until it has ended/,
  ],
  ['a Podman pod', pod(false), /^web is in the Podman pod shop/, /podman kube play --replace/],
  [
    'its infra container',
    pod(true),
    /^web is the infra container of the Podman pod shop/,
    /podman kube play --replace/,
  ],
];

suite('another program owns', () => {
  for (const [what, container, message, hint] of OWNED)
    test(`what ${what} starts, so it is not rolled, whatever it is doing`, () => {
      for (const status of ['running', 'exited', 'paused'] as const) {
        const why = whyNotRollable(summary({ ...container, status }));
        assert.match(why?.message ?? '', message);
        assert.match(why?.hint ?? '', hint);
      }
    });
});

suite('nobody else owns', () => {
  const free: readonly [what: string, container: Partial<ListedContainer>][] = [
    ['a container with no label', {}],
    ['a container of docker compose up', label('com.docker.compose.oneoff', 'False')],
    ['a container that only has a label called manager', label('manager', 'alice')],
    ['a container that only has a label called Service', label('Service', 'web')],
    ['a container in a network that a user named like those of GitHub', { networks: ['github_network_exporter'] }],
    ['a buildkitd that a user runs', { name: 'buildkitd' }],
    ['a test container of swapctl', label('org.testcontainers', 'false')],
    ['the GitLab runner itself', { name: 'gitlab-runner' }],
  ];
  for (const [what, container] of free)
    test(what, () => {
      assert.equal(whyManaged(summary(container) as ContainerSummary), undefined);
    });
});

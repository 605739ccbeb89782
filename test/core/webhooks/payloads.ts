// One message of each sender, with the fields of its documentation and with values of our own.
import type { PushedRepository } from '../../../src/core/webhooks/hint.ts';
import type { HookKind } from '../../../src/core/webhooks/kinds.ts';

export const DIGEST = `sha256:${'5e'.repeat(32)}`;

export interface Sample {
  readonly kind: HookKind;
  readonly name: string;
  /** Headers beside the credential. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly pushed: readonly PushedRepository[];
}

const GITHUB_PACKAGE = {
  id: 7,
  name: 'shop',
  namespace: 'Acme',
  description: '',
  ecosystem: 'CONTAINER',
  package_type: 'CONTAINER',
  html_url: 'https://github.com/Acme/shop/packages/7',
  created_at: '2026-03-01T10:00:00Z',
  updated_at: '2026-03-02T10:00:00Z',
  owner: { login: 'Acme', id: 1, type: 'Organization' },
  package_version: {
    id: 9,
    version: DIGEST,
    name: DIGEST,
    summary: '',
    package_files: [],
    package_url: 'ghcr.io/Acme/shop:1.5',
    container_metadata: {
      tag: { name: '1.5', digest: DIGEST },
      labels: { source: 'https://github.com/Acme/shop' },
      manifest: { digest: DIGEST, media_type: 'application/vnd.oci.image.index.v1+json', size: 1604, layers: [] },
    },
  },
  registry: { name: 'GitHub Container Registry', type: 'CONTAINER', url: 'https://ghcr.io/Acme', vendor: 'GitHub Inc' },
};
const SENDER = { login: 'ada', id: 2, type: 'User' };

const GITLAB_PROJECT = {
  id: 3,
  name: 'shop',
  web_url: 'https://gitlab.com/acme/tools/shop',
  namespace: 'tools',
  path_with_namespace: 'acme/tools/shop',
  default_branch: 'main',
};

const HARBOR_DATA = {
  resources: [{ digest: DIGEST, tag: '1.5', resource_url: 'harbor.example.org/web/shop:1.5' }],
  repository: {
    date_created: 1_770_000_000,
    name: 'shop',
    namespace: 'web',
    repo_full_name: 'web/shop',
    repo_type: 'private',
  },
};

const ACR_PUSH = {
  id: '0f3d0f8e-5a35-4e5b-9d39-1d6c1f3c2a11',
  timestamp: '2026-03-02T10:00:00.5Z',
  action: 'push',
  target: {
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    size: 524,
    digest: DIGEST,
    length: 524,
    repository: 'web/shop',
    tag: '1.5',
  },
  request: {
    id: '3cbb6949-7549-4fa1-86cd-a6d5451dffc7',
    host: 'acme.azurecr.io',
    method: 'PUT',
    useragent: 'docker/27.1 go/go1.22',
  },
};
const ACR_PUSHED: PushedRepository = { repository: 'acme.azurecr.io/web/shop', tags: ['1.5'], digest: DIGEST };

const GITEA_PACKAGE = {
  action: 'created',
  repository: null,
  package: {
    id: 5,
    owner: { id: 1, login: 'Acme', full_name: '' },
    repository: null,
    creator: { id: 2, login: 'ada' },
    type: 'container',
    name: 'shop',
    version: '1.5',
    html_url: 'https://git.example.org/Acme/-/packages/container/shop/1.5',
    created_at: '2026-03-02T10:00:00Z',
  },
  organization: null,
  sender: { id: 2, login: 'ada' },
};
const GITEA_PUSHED: PushedRepository = { repository: 'git.example.org/acme/shop', tags: ['1.5'] };

function notification(target: Readonly<Record<string, unknown>>, action = 'push'): unknown {
  return {
    id: 'e8b1e1a0-1111-4222-8333-944455556666',
    timestamp: '2026-03-02T10:00:00.1Z',
    action,
    target: { size: 708, length: 708, repository: 'web/shop', digest: DIGEST, ...target },
    request: {
      id: 'r1',
      addr: '10.0.0.9:52100',
      host: 'registry.example.org:5000',
      method: 'PUT',
      useragent: 'docker',
    },
    actor: { name: 'ci' },
    source: { addr: 'registry-1:5000', instanceID: 'i1' },
  };
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export const SAMPLES: readonly Sample[] = [
  {
    kind: 'docker-hub',
    name: 'a push',
    body: {
      callback_url: 'https://registry.hub.docker.com/u/acme/shop/hook/123/',
      push_data: { pushed_at: 1_770_000_000, pusher: 'ada', tag: '1.5' },
      repository: {
        is_official: false,
        is_private: true,
        name: 'shop',
        namespace: 'acme',
        owner: 'acme',
        repo_name: 'acme/shop',
        repo_url: 'https://registry.hub.docker.com/u/acme/shop/',
        star_count: 0,
        status: 'Active',
      },
    },
    pushed: [{ repository: 'docker.io/acme/shop', tags: ['1.5'] }],
  },
  {
    kind: 'github',
    name: 'registry_package',
    headers: { 'x-github-event': 'registry_package', 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' },
    body: {
      action: 'published',
      registry_package: GITHUB_PACKAGE,
      repository: { full_name: 'Acme/shop' },
      sender: SENDER,
    },
    pushed: [{ repository: 'ghcr.io/acme/shop', tags: ['1.5'], digest: DIGEST }],
  },
  {
    kind: 'github',
    name: 'package',
    headers: { 'x-github-event': 'package' },
    body: { action: 'updated', package: { ...GITHUB_PACKAGE, package_type: 'container' }, sender: SENDER },
    pushed: [{ repository: 'ghcr.io/acme/shop', tags: ['1.5'], digest: DIGEST }],
  },
  {
    kind: 'gitlab',
    name: 'a pipeline',
    headers: { 'x-gitlab-event': 'Pipeline Hook' },
    body: {
      object_kind: 'pipeline',
      object_attributes: { id: 31, ref: 'main', tag: false, sha: 'bcbb5ec3', status: 'success', duration: 63 },
      user: { id: 2, username: 'ada' },
      project: GITLAB_PROJECT,
      builds: [],
    },
    pushed: [
      {
        repository: 'registry.gitlab.com/acme/tools/shop',
        also: ['gitlab.com:5050/acme/tools/shop', 'gitlab.com/acme/tools/shop'],
        tags: [],
        below: true,
      },
    ],
  },
  {
    kind: 'gitlab',
    name: 'a deployment',
    headers: { 'x-gitlab-event': 'Deployment Hook' },
    body: { object_kind: 'deployment', status: 'success', environment: 'live', project: GITLAB_PROJECT },
    pushed: [
      {
        repository: 'registry.gitlab.com/acme/tools/shop',
        also: ['gitlab.com:5050/acme/tools/shop', 'gitlab.com/acme/tools/shop'],
        tags: [],
        below: true,
      },
    ],
  },
  {
    kind: 'harbor',
    name: 'its own format',
    body: { type: 'PUSH_ARTIFACT', occur_at: 1_770_000_000, operator: 'ci', event_data: HARBOR_DATA },
    pushed: [{ repository: 'harbor.example.org/web/shop', tags: ['1.5'], digest: DIGEST }],
  },
  {
    kind: 'harbor',
    name: 'CloudEvents',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: {
      specversion: '1.0',
      id: '66dab8dc-7c4f-4a3c-9a1f-1b6f0c3a3b7a',
      requestid: 'a1',
      source: '/projects/1/webhook/policies/3',
      type: 'harbor.artifact.pushed',
      datacontenttype: 'application/json',
      time: '2026-03-02T10:00:00Z',
      operator: 'ci',
      data: HARBOR_DATA,
    },
    pushed: [{ repository: 'harbor.example.org/web/shop', tags: ['1.5'], digest: DIGEST }],
  },
  {
    kind: 'quay',
    name: 'a push',
    body: {
      name: 'shop',
      repository: 'acme/shop',
      namespace: 'acme',
      docker_url: 'quay.io/acme/shop',
      homepage: 'https://quay.io/repository/acme/shop',
      updated_tags: ['1.5', 'latest'],
    },
    pushed: [{ repository: 'quay.io/acme/shop', tags: ['1.5', 'latest'] }],
  },
  {
    kind: 'gitea',
    name: 'a package',
    headers: { 'x-gitea-event': 'package', 'x-gitea-delivery': 'f6266f16-1bf3-46a5-9ea4-602e06ead473' },
    body: GITEA_PACKAGE,
    pushed: [GITEA_PUSHED],
  },
  {
    kind: 'forgejo',
    name: 'a package',
    headers: { 'x-forgejo-event': 'package', 'x-gitea-event': 'package' },
    body: GITEA_PACKAGE,
    pushed: [GITEA_PUSHED],
  },
  { kind: 'acr', name: 'a push', body: ACR_PUSH, pushed: [ACR_PUSHED] },
  {
    kind: 'acr-event-grid',
    name: 'its own schema',
    headers: { 'aeg-event-type': 'Notification' },
    body: [
      {
        id: '831e1650-001e-001b-66ab-eeb76e069631',
        topic: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acme',
        subject: 'web/shop:1.5',
        eventType: 'Microsoft.ContainerRegistry.ImagePushed',
        eventTime: '2026-03-02T10:00:00Z',
        data: ACR_PUSH,
        dataVersion: '1.0',
        metadataVersion: '1',
      },
    ],
    pushed: [ACR_PUSHED],
  },
  {
    kind: 'acr-event-grid',
    name: 'CloudEvents',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: {
      specversion: '1.0',
      id: '831e1650-001e-001b-66ab-eeb76e069631',
      source: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acme',
      subject: 'web/shop:1.5',
      type: 'Microsoft.ContainerRegistry.ImagePushed',
      time: '2026-03-02T10:00:00Z',
      data: ACR_PUSH,
    },
    pushed: [ACR_PUSHED],
  },
  {
    kind: 'ecr',
    name: 'an image action',
    body: {
      version: '0',
      id: '13cde686-328b-6117-af20-0e5566167482',
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      account: '123456789012',
      time: '2026-03-02T10:00:00Z',
      region: 'eu-central-1',
      resources: [],
      detail: {
        result: 'SUCCESS',
        'repository-name': 'web/shop',
        'image-digest': DIGEST,
        'action-type': 'PUSH',
        'image-tag': '1.5',
      },
    },
    pushed: [
      {
        repository: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/web/shop',
        also: ['123456789012.dkr-ecr.eu-central-1.on.aws/web/shop'],
        tags: ['1.5'],
        digest: DIGEST,
      },
    ],
  },
  {
    kind: 'distribution',
    name: 'an envelope with layers, platforms and the tag',
    headers: { 'content-type': 'application/vnd.docker.distribution.events.v2+json' },
    body: {
      events: [
        notification({ mediaType: 'application/octet-stream' }),
        notification({ mediaType: MANIFEST }),
        notification({ mediaType: MANIFEST, tag: '1.5' }),
        notification({ mediaType: MANIFEST, tag: '1.4' }, 'pull'),
      ],
    },
    pushed: [{ repository: 'registry.example.org:5000/web/shop', tags: ['1.5'], digest: DIGEST }],
  },
  {
    kind: 'artifactory',
    name: 'a pushed tag',
    body: {
      domain: 'docker',
      event_type: 'pushed',
      data: {
        repo_key: 'docker-local',
        event_type: 'pushed',
        path: 'web/shop/1.5/list.manifest.json',
        name: 'list.manifest.json',
        sha256: '5e'.repeat(32),
        size: 1206,
        image_name: 'web/shop',
        tag: '1.5',
        platforms: [{ architecture: 'amd64', os: 'linux' }],
      },
      subscription_key: 'swapctl',
      jpd_origin: 'https://acme.jfrog.io',
      source: 'jfrog/ci',
    },
    pushed: [
      {
        repository: 'acme.jfrog.io/docker-local/web/shop',
        also: ['docker-local.acme.jfrog.io/web/shop', 'acme.jfrog.io/web/shop'],
        tags: ['1.5'],
        digest: DIGEST,
      },
    ],
  },
  {
    kind: 'standard',
    name: 'images of a pipeline',
    body: {
      type: 'image.pushed',
      timestamp: '2026-03-02T10:00:00Z',
      data: { images: ['ghcr.io/acme/shop:1.5', 'nginx:1.27', 'ghcr.io/acme/shop:latest', 'r.example/all'] },
    },
    pushed: [
      { repository: 'ghcr.io/acme/shop', tags: ['1.5', 'latest'] },
      { repository: 'docker.io/library/nginx', tags: ['1.27'] },
      { repository: 'r.example/all', tags: [] },
    ],
  },
];

/** The validation of a new subscription of Event Grid. */
export const EVENT_GRID_VALIDATION = [
  {
    id: '2d1781af-3a4c-4d7c-bd0c-e34b19da4e66',
    topic: '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acme',
    subject: '',
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    eventTime: '2026-03-02T10:00:00Z',
    data: {
      validationCode: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6',
      validationUrl: 'https://rp-eastus2.eventgrid.azure.net/eventsubscriptions/estest/validate?id=512d38b6',
    },
    metadataVersion: '1',
    dataVersion: '2',
  },
];

/** A message of the sender that is no push of a tag. */
export const OTHERS: readonly Omit<Sample, 'pushed'>[] = [
  { kind: 'github', name: 'ping', headers: { 'x-github-event': 'ping' }, body: { zen: 'Keep it logically awesome.' } },
  { kind: 'github', name: 'push of commits', headers: { 'x-github-event': 'push' }, body: { ref: 'refs/heads/main' } },
  {
    kind: 'github',
    name: 'another kind of package',
    headers: { 'x-github-event': 'package' },
    body: { action: 'published', package: { ...GITHUB_PACKAGE, package_type: 'npm' } },
  },
  { kind: 'gitlab', name: 'push of commits', body: { object_kind: 'push', project: GITLAB_PROJECT } },
  {
    kind: 'gitlab',
    name: 'a pipeline that failed',
    body: { object_kind: 'pipeline', object_attributes: { status: 'failed' }, project: GITLAB_PROJECT },
  },
  { kind: 'harbor', name: 'a pull', body: { type: 'PULL_ARTIFACT', event_data: HARBOR_DATA } },
  {
    kind: 'harbor',
    name: 'a push by digest, whose tag is the digest',
    body: {
      type: 'PUSH_ARTIFACT',
      event_data: {
        ...HARBOR_DATA,
        resources: [{ digest: DIGEST, tag: DIGEST, resource_url: `h.example/a@${DIGEST}` }],
      },
    },
  },
  { kind: 'quay', name: 'a build', body: { docker_url: 'quay.io/acme/shop', build_id: '1', trigger_kind: 'github' } },
  { kind: 'gitea', name: 'push of commits', headers: { 'x-gitea-event': 'push' }, body: { ref: 'refs/heads/main' } },
  {
    kind: 'gitea',
    name: 'a deleted package',
    headers: { 'x-gitea-event': 'package' },
    body: { ...GITEA_PACKAGE, action: 'deleted' },
  },
  {
    kind: 'forgejo',
    name: 'the image of one platform',
    headers: { 'x-forgejo-event': 'package' },
    body: { ...GITEA_PACKAGE, package: { ...GITEA_PACKAGE.package, version: DIGEST } },
  },
  { kind: 'acr', name: 'ping', body: { id: '1', action: 'ping' } },
  { kind: 'acr', name: 'a deleted image', body: { ...ACR_PUSH, action: 'delete' } },
  {
    kind: 'acr-event-grid',
    name: 'a deleted image',
    body: [{ eventType: 'Microsoft.ContainerRegistry.ImageDeleted', data: ACR_PUSH }],
  },
  {
    kind: 'ecr',
    name: 'a push that failed',
    body: {
      'detail-type': 'ECR Image Action',
      source: 'aws.ecr',
      detail: { 'action-type': 'PUSH', result: 'FAILURE', 'repository-name': 'web/shop' },
    },
  },
  { kind: 'ecr', name: 'a scan', body: { 'detail-type': 'ECR Image Scan', source: 'aws.ecr', detail: {} } },
  { kind: 'distribution', name: 'a pull', body: { events: [notification({ tag: '1.5' }, 'pull')] } },
  { kind: 'distribution', name: 'layers', body: { events: [notification({})] } },
  { kind: 'artifactory', name: 'a deleted tag', body: { domain: 'docker', event_type: 'deleted', data: {} } },
  { kind: 'artifactory', name: 'another domain', body: { domain: 'artifact', event_type: 'deployed', data: {} } },
  { kind: 'standard', name: 'another event', body: { type: 'invoice.paid', data: {} } },
];

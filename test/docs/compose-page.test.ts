// docs/reference/compose.md says of each field of the create call what the code does with it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test, { suite } from 'node:test';
import type {
  Container,
  ContainerConfig,
  CreateRequest,
  Endpoint,
  HostConfig,
} from '../../src/core/model/container.ts';
import { replicaRequest } from '../../src/core/recreate/request.ts';
import { container, successor } from '../core/builders.ts';
import { type Row, rowsOf } from './compose-page.ts';

const HEADINGS = ['Service keys', 'Config', 'HostConfig', 'NetworkingConfig', 'Query parameters'] as const;
const NETWORK = 'front';
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const withoutComments = (source: string): string => source.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');

/** Values that are not the default, where a text would be none that the code can read. */
const CONFIG: ContainerConfig = {
  AttachStdin: true,
  Cmd: ['serve'],
  Entrypoint: ['/app'],
  Env: ['A=1'],
  ExposedPorts: { '80/tcp': {} },
  Healthcheck: { Test: ['CMD', 'true'] },
  Labels: { 'org.example.user': '1' },
  OnBuild: ['RUN true'],
  Shell: ['/bin/sh'],
  StopTimeout: 3,
  Volumes: { '/data': {} },
};
const HOST: HostConfig = {
  Binds: ['/srv:/srv'],
  DeviceRequests: [{ Count: 2, DeviceIDs: [] }],
  Links: ['/db:/web/store'],
  Mounts: [{ Type: 'bind', Source: '/srv', Target: '/mounted' }],
  NetworkMode: NETWORK,
  PortBindings: { '80/tcp': [{ HostPort: '80' }] },
  RestartPolicy: { Name: 'always' },
  VolumesFrom: ['data:ro'],
};
const ENDPOINT: Endpoint = {
  Aliases: ['web'],
  DriverOpts: { a: 'b' },
  GwPriority: 7,
  IPAMConfig: { IPv4Address: '10.0.0.7' },
  Links: ['db:store'],
  MacAddress: '02:42:00:00:00:01',
};

function sampleOf(samples: Readonly<Record<string, unknown>>, name: string): unknown {
  return samples[name] ?? `a value of ${name}`;
}

/** What the create call for the next container of a service asks for, if this one was set up so. */
function asked(change: Partial<Container>): CreateRequest {
  const of = container({ host: { NetworkMode: NETWORK }, networks: { [NETWORK]: {} }, ...change });
  return replicaRequest(of, successor(of));
}

/** By heading: what the next container is asked to have of a field, and what the old one had. */
const REQUESTED: Record<string, (name: string) => { readonly before: unknown; readonly after: unknown }> = {
  Config: (name) => {
    const before = sampleOf(CONFIG, name);
    return { before, after: asked({ config: { [name]: before } }).config[name] };
  },
  HostConfig: (name) => {
    const before = sampleOf(HOST, name);
    return { before, after: asked({ host: { NetworkMode: NETWORK, [name]: before } }).host[name] };
  },
  NetworkingConfig: (name) => {
    const before = sampleOf(ENDPOINT, name);
    return { before, after: asked({ networks: { [NETWORK]: { [name]: before } } }).networks[NETWORK]?.[name] };
  },
};

function statusOf({ before, after }: { before: unknown; after: unknown }): RegExp {
  if (after === undefined) return /^(done|irrelevant)$/;
  return JSON.stringify(after) === JSON.stringify(before) ? /^kept$/ : /^done$/;
}

suite('the page on compose', () => {
  for (const heading of HEADINGS)
    test(`${heading}: each row has a known word, and a test that exists`, () => {
      const rows = rowsOf(heading);
      assert.ok(rows.length > 0);
      const wrong = rows.filter(({ status, test: file }) => {
        const isShown =
          file === undefined ? status === 'irrelevant' : existsSync(new URL(`../${file}`, import.meta.url));
        return status === undefined || !isShown;
      });
      assert.deepEqual(wrong, []);
    });

  for (const [heading, requested] of Object.entries(REQUESTED))
    test(`${heading}: each field is treated as its row says`, () => {
      const wrong = rowsOf(heading).filter(({ name, status = '' }) => !statusOf(requested(name)).test(status));
      assert.deepEqual(wrong, []);
    });

  test('a field that was kept on a real engine is set there', () => {
    const fields = read('test/engine/recreate/fields.ts') + read('test/engine/recreate/more-fields.ts');
    const claims = ['Config', 'HostConfig', 'NetworkingConfig'].flatMap(rowsOf).filter(isOfRecreation);
    const wrong = claims.filter(({ name, status }) => status === 'kept' && !new RegExp(`\\b${name}\\b`).test(fields));
    assert.deepEqual(wrong, []);
  });
});

function isOfRecreation({ test: file }: Row): boolean {
  return file === 'engine/recreate/recreate.test.ts';
}

/** The fields of an interface in a declaration file, by the lines that are indented as its own. */
function fieldsIn(source: string, name: string): string[] {
  const shape = new RegExp(`^( *)(?:export )?interface ${name} \\{\\n(.*?)\\n\\1\\}$`, 'ms');
  const [, , body = ''] = shape.exec(source) ?? [];
  const indent = /^ */.exec(body)?.[0] ?? '';
  return [...body.matchAll(new RegExp(`^${indent}([A-Za-z]+)\\??:`, 'gm'))].map(([, field = '']) => field);
}

suite('no field is missing', () => {
  const dockerode = read('node_modules/@types/dockerode/index.d.ts');
  const own = read('src/core/model/container.ts');
  const PARTS = /^(HostConfig|NetworkingConfig|name|platform|abortSignal)$/;
  const MISSPELT = /^GlobalIPV6PrefixLen$/;
  const table: [string, string[]][] = [
    ['Config', [...fieldsIn(dockerode, 'ContainerCreateOptions'), ...fieldsIn(own, 'ContainerConfig')]],
    ['HostConfig', [...fieldsIn(dockerode, 'HostConfig'), ...fieldsIn(own, 'HostConfig')]],
    ['NetworkingConfig', [...fieldsIn(dockerode, 'EndpointSettings'), ...fieldsIn(own, 'Endpoint')]],
  ];
  for (const [heading, fields] of table)
    test(`${heading}: of those that the client library and swapctl's own types know`, () => {
      assert.ok(fields.length > 10, 'the declarations were found');
      const names = rowsOf(heading).map(({ name }) => name);
      const missing = fields.filter((field) => !names.includes(field) && !PARTS.test(field) && !MISSPELT.test(field));
      assert.deepEqual(missing, []);
    });

  test('of those that src/core/recreate/ reads or writes', () => {
    const folder = 'src/core/recreate/';
    const files = readdirSync(new URL(`../../${folder}`, import.meta.url)).map((file) => read(`${folder}${file}`));
    const used = files.flatMap((source) =>
      [...withoutComments(source).matchAll(/\.([A-Z][A-Za-z0-9]+)\b/g)].map(([, name = '']) => name),
    );
    const names = HEADINGS.flatMap(rowsOf).map(({ name }) => name);
    // Parts of fields: of addresses, mounts, bindings and requests for devices.
    const parts = /^(IPv4Address|IPv6Address|LinkLocalIPs|Target|Type|Source|Test|BindOptions|VolumeOptions)$/;
    assert.deepEqual(
      [...new Set(used)].filter((name) => !names.includes(name) && !parts.test(name)),
      [],
    );
  });
});

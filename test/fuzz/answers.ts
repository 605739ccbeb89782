// What registries, engines, helpers and nft answer.
import assert from 'node:assert/strict';
import type Dockerode from 'dockerode';
import fc from 'fast-check';
import { jsonLines } from '../../src/adapters/docker/calls/ndjson.ts';
import { decodeTrace } from '../../src/adapters/docker/calls/trace.ts';
import { classicTranscript, traceTranscript } from '../../src/adapters/docker/calls/transcript.ts';
import { negotiate } from '../../src/adapters/docker/connect/negotiate.ts';
import { askHelper } from '../../src/adapters/docker/credentials/helper.ts';
import { engineFacts } from '../../src/adapters/docker/engine/facts.ts';
import { parseChallenges } from '../../src/adapters/registry/challenge.ts';
import type { Answer } from '../../src/adapters/registry/http/http.ts';
import { refusal } from '../../src/adapters/registry/http/problem.ts';
import { createdOf, parseManifest } from '../../src/adapters/registry/manifests.ts';
import { allTags } from '../../src/adapters/registry/tags.ts';
import { openTokens } from '../../src/adapters/registry/tokens.ts';
import {
  addressRedirectEnds,
  isLive,
  redirectedClients,
} from '../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import { portRedirectIn } from '../../src/adapters/traffic/nftables/rules.ts';
import { anyText } from '../lab/hostile.ts';
import { documents, jsonTexts, repeated, type Target, target, texts } from './target.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const INDEX = { manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'amd64', variant: 'v8' } }] };
const MANIFEST = {
  config: { digest: DIGEST },
  annotations: { 'org.opencontainers.image.created': '2026-01-01T00:00:00Z' },
};
const VERSION = { Version: '26.1.5', ApiVersion: '1.45', MinAPIVersion: '1.24', Os: 'linux', Arch: 'amd64' };
const INFO = {
  Name: 'vm',
  SystemTime: '2026-01-01T00:00:00Z',
  SecurityOptions: ['name=seccomp'],
  DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
  RegistryConfig: {
    Mirrors: ['https://m.example'],
    InsecureRegistryCIDRs: ['127.0.0.0/8'],
    IndexConfigs: { x: { Secure: false } },
  },
};
const TABLE = {
  nftables: [
    { set: { name: 'live_tcp', elem: [80, { elem: { val: { concat: ['10.0.0.1', 80] }, expires: 3 } }] } },
    { set: { name: 'clients', elem: [{ concat: ['10.0.0.1', 80] }] } },
  ],
};

const bodies = (...samples: readonly unknown[]): fc.Arbitrary<Buffer> =>
  fc.oneof(
    jsonTexts(...samples).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  );

const challenges = texts(
  ['Bearer', 'Basic', ' ', '=', ',', '"', '\\', 'realm', 'service', 'https://a.example/t', '__proto__', 'scope', '\t'],
  [
    'Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull"',
    'Basic realm="say \\"hi\\""',
  ],
);
const links = texts(
  [
    '<',
    '>',
    ';',
    ',',
    'rel',
    '=',
    '"next"',
    'next',
    '/v2/app/tags/list?last=b',
    'https://other.example/v2/',
    '..',
    ' ',
  ],
  ['</v2/app/tags/list?last=b&n=2>; rel="next"', '<https://r.example/v2/app/tags/list?n=1>; rel="next", <x>; rel=prev'],
);

const signal = new AbortController().signal;
const clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} };

function answer(body: Buffer, link = ''): Answer {
  const url = new URL('https://r.example/v2/app/tags/list');
  return { status: 200, url, headers: link === '' ? {} : { link }, body } as unknown as Answer;
}

async function* pieces(whole: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += 7) yield whole.subarray(at, at + 7);
}

export const ANSWERS: readonly Target[] = [
  target('manifests and configs', bodies(INDEX, MANIFEST, { created: '2026-01-01T00:00:00Z' }), (body) => {
    const created = createdOf(body);
    if (created !== undefined) assert.ok(Number.isFinite(created));
    const parsed = parseManifest(body, 'app');
    const all = parsed.kind === 'index' ? parsed.entries.map(({ digest }) => digest) : [parsed.configDigest];
    for (const digest of all) assert.match(digest, /^sha(256|512):[0-9a-f]+$/);
  }),
  target(
    'tag lists and Link headers',
    fc.tuple(bodies({ tags: ['1', '2'] }), links),
    async ([body, link]) => {
      const asked: string[] = [];
      const tags = await allTags('app', async (path) => {
        asked.push(path);
        return answer(body, link);
      });
      for (const tag of tags) assert.match(tag, /^[\w.-]{1,128}$/);
      for (const path of asked) assert.match(path, /^\/v2\/[!-~]*$/);
    },
    {
      work: (link) => allTags('app', async () => answer(Buffer.from('{}'), link)),
      texts: repeated('<', '<>', ';', '<a>;', ',', ' '),
    },
  ),
  target(
    'auth challenges',
    challenges,
    (text) => {
      for (const { scheme, params } of parseChallenges(text)) {
        assert.equal(scheme, scheme.toLowerCase());
        for (const value of Object.values(params)) assert.ok(text.length >= value.length);
      }
    },
    { work: parseChallenges, texts: repeated('"', '\\"', 'a', 'a=', ',', ' ', 'a="') },
  ),
  target(
    'tokens',
    fc.tuple(bodies({ token: 't', access_token: 't', expires_in: 60 }), challenges),
    async ([body, header]) => {
      const [challenge] = parseChallenges(header);
      if (!challenge) return;
      const sent: { url: URL; headers: object }[] = [];
      const tokens = openTokens(
        (async (request: { url: URL; headers: object }) => {
          sent.push(request);
          return answer(body);
        }) as never,
        clock,
      );
      const wish = {
        challenge,
        scope: 'repository:app:pull',
        login: undefined,
        registry: 'r.example',
        plain: false,
        signal,
      };
      assert.match(await tokens.token(wish), /^[!-~]+$/);
      for (const { url } of sent) assert.equal(url.protocol, 'https:');
    },
  ),
  target(
    'refusals of registries',
    fc.tuple(bodies({ errors: [{ code: 'DENIED', message: 'no' }] }), fc.nat(599)),
    ([body, status]) => {
      throw refusal('app', 'r.example', status, body);
    },
  ),
  target('versions and facts of engines', fc.tuple(documents(VERSION), documents(INFO)), async ([version, info]) => {
    const docker = { info: async () => info } as unknown as Dockerode;
    const facts = await engineFacts(docker, negotiate(version, 'here'), { kind: 'unix', path: '/x', origin: 'it' });
    for (const one of [...facts.registries.mirrors, ...facts.registries.insecure, facts.name])
      assert.equal(typeof one, 'string');
    assert.ok(Number.isFinite(facts.clockOffsetMs));
  }),
  target(
    'lines of JSON, cut anywhere',
    bodies({ stream: 'x\n', errorDetail: { message: 'no' } }, { id: 'a', status: 's' }),
    async (body) => {
      for await (const line of jsonLines(pieces(body))) Object.keys(line);
    },
    {
      work: async (text) => {
        for await (const _ of jsonLines(pieces(Buffer.from(text))));
      },
      texts: repeated('a', '\n', '{', '{}\n'),
    },
  ),
  target(
    'traces and transcripts of builds',
    fc.tuple(
      fc.uint8Array({ maxLength: 80 }),
      texts(['\n', '\r', 'Step 1/2 : RUN x', ' ---> ', '0123456789ab', '\x1b[0m']),
    ),
    ([bytes, text]) => {
      const said: string[] = [];
      const classic = classicTranscript((line) => void said.push(line));
      classic.take(text);
      classic.failure();
      const traced = traceTranscript((line) => void said.push(line));
      traced.take(decodeTrace(Buffer.from(bytes).toString('base64')));
      traced.failure();
    },
    { work: (text) => classicTranscript(() => {}).take(text), texts: repeated('\n', 'a', '\r', ' ---> ') },
  ),
  target(
    'credential helpers',
    fc.record({ code: fc.constantFrom(0, 1, null), stdout: jsonTexts({ Username: 'u', Secret: 's' }) }),
    async (ran) => {
      const login = await askHelper('x', 'x.example', async () => ran as never);
      if (login) for (const one of [login.username, login.secret]) assert.equal(typeof one, 'string');
    },
  ),
  target('tables as nft lists them', fc.tuple(documents(TABLE), anyText), ([table, name]) => {
    const listed = (typeof table === 'object' && table !== null ? table : {}) as object;
    portRedirectIn(listed);
    isLive(listed);
    for (const { address, port, to } of redirectedClients(listed))
      assert.ok(typeof address === 'string' && typeof port === 'number' && typeof to === 'string');
    addressRedirectEnds('01234567', name);
  }),
];

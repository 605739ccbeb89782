import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { SwapError } from '../../../src/core/model/error.ts';
import { openConfigDesk } from '../../../src/wiring/ports.ts';
import { SAMPLES } from '../../core/webhooks/payloads.ts';
import { cli, type Given, type Outcome } from './fakes.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const FILE = `hooks:
  ghcr: { kind: github, secret: ${SECRET} }
  hub: { kind: docker-hub, url-secret: ${SECRET} }
  ci: { kind: standard, secret: ${SECRET} }
`;
const HINTED = [
  {
    service: 'shop/web',
    tracks: 'ghcr.io/acme/shop:1.5',
    checked: true,
    because: 'it tracks a tag that was pushed',
  },
  {
    service: 'old',
    tracks: 'ghcr.io/acme/shop:1.4',
    checked: false,
    because: 'it does not track a tag that was pushed',
  },
];
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-test-hook-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const bodyOf = (kind: string): string => JSON.stringify(SAMPLES.find((sample) => sample.kind === kind)?.body);
const signature = (body: string): string =>
  `X-Hub-Signature-256: sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;

/** Runs `config test-hook` on a body. */
async function tried(hook: string, body: string, argv: string[] = [], given: Given = {}): Promise<Outcome> {
  const file = path.join(folder, 'payload.json');
  writeFileSync(file, body);
  writeFileSync(path.join(folder, 'swapctl.yml'), FILE);
  const config = (): ReturnType<NonNullable<Given['config']>> => openConfigDesk({ config: undefined, env: {}, folder });
  return cli(['config', 'test-hook', hook, '--file', file, ...argv], { config, hinted: HINTED, ...given });
}

const lines = (...all: string[]): string => `${all.join('\n')}\n`;

suite('config test-hook', () => {
  test('says what a push would do, and asks the engine who tracks it', async () => {
    const body = bodyOf('github');
    const headers = ['--header', 'X-GitHub-Event: registry_package', '--header', signature(body)];
    const { status, stdout, calls } = await tried('ghcr', body, headers);
    assert.equal(
      stdout,
      lines(
        'hook ghcr (github)',
        '✔ the credential is right',
        '✔ registry_package published',
        '  ghcr.io/acme/shop: 1.5 (sha256:5e5e5e5e5e5e)',
        '',
        'SERVICE   TRACKS                 RESULT',
        'shop/web  ghcr.io/acme/shop:1.5  would be checked: it tracks a tag that was pushed',
        'old       ghcr.io/acme/shop:1.4  not checked: it does not track a tag that was pushed',
      ),
    );
    assert.equal(status, 0);
    assert.deepEqual(calls, [{ name: 'hinted', selectors: ['ghcr.io/acme/shop'] }]);
  });

  test('--json has the same', async () => {
    const { status, json } = await tried('ghcr', bodyOf('github'), ['--json']);
    const { message, ...rest } = json();
    assert.equal(status, 0);
    assert.deepEqual(rest, {
      hook: 'ghcr',
      kind: 'github',
      credential: { outcome: 'unchecked', because: 'no headers were given' },
      services: HINTED,
    });
    assert.equal(message.repositories[0].repository, 'ghcr.io/acme/shop');
  });

  test('ends with 1 if the signature does not hold', async () => {
    const { status, stdout } = await tried('ghcr', bodyOf('github'), ['--header', signature('another body')]);
    assert.equal(status, 1);
    assert.match(stdout, /^✘ refused: the signature does not match: another secret, or a changed body$/m);
  });

  test('tells an old message of Standard Webhooks from a wrong signature', async () => {
    const body = '{"type":"image.pushed","data":{"image":"a.example/b:1"}}';
    const sum = createHmac('sha256', SECRET).update(`m1.1000000.${body}`).digest('base64');
    const headers = ['webhook-id: m1', 'webhook-timestamp: 1000000', `webhook-signature: v1,${sum}`];
    const argv = headers.flatMap((line) => ['--header', line]);
    const old = await tried('ci', body, argv, { now: 1_000_600_000 });
    assert.equal(old.status, 1);
    assert.match(old.stdout, /refused: its timestamp is 600 s old, and 300 s are allowed/);
    assert.equal((await tried('ci', body, argv, { now: 1_000_000_000 })).status, 0);
  });

  test('says why a message is ignored, and asks no engine', async () => {
    const { status, stdout, opened } = await tried('ghcr', '{"zen":"x"}', ['--header', 'X-GitHub-Event: ping']);
    assert.match(stdout, /^! accepted and ignored: GitHub tests the hook \(ping\)$/m);
    assert.deepEqual([status, opened], [1, []]);
  });

  test('ends with 1 for what is malformed', async () => {
    const { status, stdout } = await tried('hub', 'not JSON');
    assert.match(stdout, /^! the credential was not checked: it is in the URL, which a trial does not have$/m);
    assert.match(stdout, /^✘ malformed: its body is not JSON$/m);
    assert.equal(status, 1);
  });

  test('prints the rest if the engine is away, and ends with 5', async () => {
    const refuse = new SwapError('engine-unreachable', 'the engine does not answer');
    const { status, stdout } = await tried('hub', bodyOf('docker-hub'), [], { refuse });
    assert.equal(status, 5);
    assert.match(stdout, /^ {2}docker\.io\/acme\/shop: 1\.5$/m);
    assert.match(stdout, /^✘ the services are not known: the engine does not answer$/m);
  });

  test('says that no service tracks it', async () => {
    const { status, stdout } = await tried('hub', bodyOf('docker-hub'), [], { hinted: [] });
    assert.equal(status, 0);
    assert.match(stdout, /^no service on this engine tracks this repository$/m);
  });

  test('shows no secret', async () => {
    const wrong = await tried('ghcr', bodyOf('github'), ['--header', 'X-Hub-Signature-256: sha256=00']);
    const json = await tried('hub', bodyOf('docker-hub'), ['--json']);
    for (const { stdout, stderr } of [wrong, json]) assert.ok(!`${stdout}${stderr}`.includes(SECRET));
  });

  test('prints nothing that a terminal would obey', async () => {
    const { stdout } = await tried('ghcr', '{}', ['--header', 'X-GitHub-Event: \u001b[31m\u009b2Jevil']);
    assert.match(stdout, /evil/);
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});

suite('wrong usage', () => {
  const usage = async (argv: string[], message: RegExp): Promise<void> => {
    writeFileSync(path.join(folder, 'swapctl.yml'), FILE);
    const config = (): ReturnType<NonNullable<Given['config']>> =>
      openConfigDesk({ config: undefined, env: {}, folder });
    const { status, stderr } = await cli(['config', ...argv], { config });
    assert.match(stderr, message);
    assert.equal(status, 2);
  };

  test('no hook', () => usage(['test-hook'], /test-hook needs the name of a hook and --file\n.*swapctl config --help/));
  test('no file', () => usage(['test-hook', 'ghcr'], /needs the name of a hook and --file/));
  test('a hook that is not there', () =>
    usage(['test-hook', 'ghrc', '--file', 'x'], /there is no hook "ghrc" in swapctl\.yml\n {2}did you mean ghcr\?/));
  test('a file that is not there', () =>
    usage(['test-hook', 'ghcr', '--file', '/nope.json'], /\/nope\.json cannot be read: ENOENT/));
  test('a header that is none', async () => {
    const file = path.join(folder, 'p.json');
    writeFileSync(file, '{}');
    await usage(
      ['test-hook', 'ghcr', '--file', file, '--header', 'x'],
      /"x" is not a header\n {2}write it like --header/,
    );
  });
  test('a hook for another view', () => usage(['show', 'ghcr'], /config show takes no hook, --file or --header/));
});

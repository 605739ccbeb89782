// The curl commands of the pages about the server, run by bash against a server: on its unix socket, and on TCP with TLS.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { NO_CONFIG } from '../../src/core/settings/config.ts';
import { openTokenDesk } from '../../src/fronts/server/access/desk.ts';
import { certificate } from '../fronts/server/certificate.ts';
import { type Site, siteOf, tokenFile } from '../fronts/server/http/site.ts';
import { missingProgram } from '../lab/missing.ts';
import { SOUND } from '../memory/apps.ts';
import { build } from '../memory/images.ts';
import { commandsOf } from './shell-lines.ts';

const PAGES = ['guide/server/http.md', 'guide/server/webhooks.md', 'guide/server/metrics.md', 'guide/server/tokens.md'];
const COMMANDS = PAGES.flatMap((page) => commandsOf(page, 'curl'));
const SOCKET = '/run/swapctl/swapctl.sock';
const skip = missingProgram('curl', 'bash', 'openssl');

interface Ran {
  /** HTTP status, as curl says it. */
  readonly status: number;
  readonly said: string;
}

interface Lab {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
}

async function labOf(t: TestContext): Promise<Lab> {
  const { token, line } = openTokenDesk(() => 0).create({ name: 'ci', allow: ['roll:shop/*'], expires: undefined });
  const secret = randomBytes(20).toString('hex');
  const credential = { form: 'secret' as const, secret: { shown: '…', read: async () => secret } };
  const hooks = { ci: { kind: 'standard' as const, credential, registry: undefined } };
  const site = await siteOf(
    t,
    ['shop/web'],
    (folder) => ({
      listen: [
        { kind: 'unix', path: path.join(folder, 'api.sock') },
        { kind: 'tcp', host: '127.0.0.1', port: 0 },
      ],
      tls: { ...certificate(folder, '*.example.org'), ca: undefined },
      tokens: tokenFile(folder, [line]),
    }),
    { config: { ...NO_CONFIG, hooks } },
  );
  const { port } = new URL(site.server.addresses[1] ?? '');
  // Whatever host a page names, it is this server.
  const curlrc = [`cacert = "${path.join(site.folder, '*.example.org.crt')}"`, `connect-to = "::127.0.0.1:${port}"`];
  writeFileSync(path.join(site.folder, '.curlrc'), [...curlrc, 'write-out = "\\nstatus %{http_code}"', ''].join('\n'));
  build(site.world.machine, 'ghcr.io/me/shop:1.5', { app: SOUND });
  return { site, env: { ...process.env, CURL_HOME: site.folder, SWAPCTL_TOKEN: token, SECRET: secret } };
}

/** Runs a command as it stands on the page, but for the path of the socket; a stream ends with its first event. */
function run(command: string, { site, env }: Lab, isEnough: (said: string) => boolean = () => false): Promise<Ran> {
  const script = command.replaceAll(SOCKET, path.join(site.folder, 'api.sock'));
  // The clock of the server is not that of this machine.
  const now = Math.round(site.world.machine.clock.now() / 1000);
  const bash = spawn('bash', ['-euo', 'pipefail', '-c', `date() { echo ${now}; }\n${script}`], { env });
  let said = '';
  return new Promise((resolve, reject) => {
    for (const stream of [bash.stdout, bash.stderr])
      stream.setEncoding('utf8').on('data', (more) => {
        said += more;
        if (isEnough(said)) bash.kill();
      });
    bash.on('error', reject).on('close', () => {
      resolve({ status: Number(/^status (\d+)$/m.exec(said)?.[1]), said });
    });
  });
}

test('the pages show how to use every part of the API', () => {
  for (const part of [
    '/v1/rolls',
    '/v1/services',
    '/v1/checks',
    '/v1/events',
    '/metrics',
    '/hooks/',
    '--unix-socket',
    'https:',
  ])
    assert.ok(
      COMMANDS.some((command) => command.includes(part)),
      part,
    );
});

test('no curl command of the pages is left out', () => {
  const isShown = (line: string): boolean => /^(\s*\$ )?curl /.test(line);
  const shown = PAGES.flatMap((page) =>
    readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
      .split('\n')
      .filter(isShown),
  );
  assert.equal(COMMANDS.length, shown.length);
});

test('every curl command of the pages does what the page says', { skip }, async (t) => {
  const lab = await labOf(t);
  for (const command of COMMANDS) {
    if (command.includes(' -N ')) await tracked(command, lab);
    else {
      lab.site.world.newer();
      const { status, said } = await run(command, lab);
      assert.ok(status >= 200 && status < 300, `${command}\n${said}`);
      // Not every command waits for its job.
      await settled(lab.site);
    }
  }
  const { jobs } = await lab.site.server.book.list();
  const outcomes = jobs.map(({ kind, actor, outcome }) => `${kind} by ${actor}: ${outcome ?? 'under way'}`);
  for (const wanted of ['roll by socket: rolled', 'rollback by socket: rolled-back', 'check by socket: done'])
    assert.ok(outcomes.includes(wanted), outcomes.join('\n'));
  assert.ok(jobs.some(({ actor }) => actor === 'ci'));
});

async function settled({ server: { book } }: Site): Promise<void> {
  const { jobs } = await book.list();
  for (const { id } of jobs) await book.settled(id, new AbortController().signal);
}

async function tracked(command: string, lab: Lab): Promise<void> {
  let begun = false;
  const { said } = await run(command, lab, (text) => {
    if (!begun && text.includes('event: hello')) {
      begun = true;
      lab.site.world.newer();
      void lab.site.call('/v1/rolls', { method: 'POST', body: { service: 'shop/web' } });
    }
    return /^event: step\ndata: \{"job":".*\}\n\n/m.test(text);
  });
  assert.match(
    said,
    /^id: [0-9a-f]{8}:\d+\nevent: step\ndata: \{"job":"[0-9a-f]{12}","service":"shop\/web","step":\{/m,
  );
}

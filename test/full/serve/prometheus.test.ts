// A real Prometheus scrapes the server, as docs/guide/server/metrics.md configures it, and loads the alert rules.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openTokenDesk } from '../../../src/fronts/server/access/desk.ts';
import { certificate } from '../../fronts/server/certificate.ts';
import { type Site, siteOf, tokenFile } from '../../fronts/server/http/site.ts';
import { missingProgram } from '../../lab/missing.ts';
import { freePort } from '../../lab/port.ts';
import { eventually } from '../../lab/waiting.ts';

const RULES = fileURLToPath(new URL('../../../contrib/prometheus/swapctl.rules.yml', import.meta.url));

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Answer {
  readonly data: { readonly result: readonly Sample[] };
}

/** Starts Prometheus on the server; the result queries it. */
async function prometheus(t: TestContext, { folder, server }: Site, token: string) {
  const port = await freePort('127.0.0.1');
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    scrape_configs: [
      {
        job_name: 'swapctl',
        scheme: 'https',
        authorization: { credentials: token },
        tls_config: { ca_file: path.join(folder, 'server.crt') },
        static_configs: [{ targets: [new URL(server.addresses[0] ?? '').host] }],
      },
    ],
  };
  const own = mkdtempSync(path.join(os.tmpdir(), 'swapctl-prometheus-'));
  const file = path.join(own, 'prometheus.yml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${own}/tsdb`, `--web.listen-address=127.0.0.1:${port}`];
  const scraper = spawn('prometheus', [...args, '--log.level=warn'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  scraper.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = new Promise((resolve) => scraper.once('close', resolve));
  t.after(async () => {
    scraper.kill();
    await ended;
    rmSync(own, { recursive: true });
  });
  const ask = async (query: string): Promise<readonly Sample[]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query })}`).catch(
      () => undefined,
    );
    return answer?.ok ? ((await answer.json()) as Answer).data.result : [];
  };
  return { ask, said: () => said };
}

test('a real Prometheus scrapes the server with a token over TLS, and knows its rules', {
  skip: missingProgram('prometheus', 'openssl'),
}, async (t) => {
  const { token, line } = openTokenDesk(() => 0).create({ name: 'prometheus', allow: ['read'], expires: undefined });
  const site = await siteOf(t, ['shop/web'], (folder) => ({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    tls: { ...certificate(folder, 'server'), ca: undefined },
    tokens: tokenFile(folder, [line]),
  }));
  const { ask, said } = await prometheus(t, site, token);
  await eventually('the target is up', async () => (await ask('up{job="swapctl"} == 1'))[0]).catch((error) =>
    assert.fail(`${error}\n${said()}`),
  );
  site.world.newer();
  const { job } = await site.server.book.submit({ kind: 'roll', service: 'shop/web', actor: 'ci', request: {} });
  await site.server.book.settled(job.id, new AbortController().signal);
  const [rolled] = await eventually('the roll is scraped', async () => {
    const found = await ask('swapctl_rolls_total');
    return found.length > 0 && found;
  });
  assert.deepEqual([rolled?.metric.service, rolled?.metric.outcome, rolled?.value[1]], ['shop/web', 'rolled', '1']);
  assert.equal((await ask('swapctl_build_info'))[0]?.metric.version, '1.2.3');
  assert.ok((await ask('histogram_quantile(0.9, swapctl_roll_duration_seconds_bucket)')).length > 0);
  assert.ok((await ask('process_resident_memory_bytes{job="swapctl"}')).length > 0);
});

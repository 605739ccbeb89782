// schemathesis judges the API by its own OpenAPI document: `pip install schemathesis`, and have it in PATH.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { openTokenDesk } from '../../../src/fronts/server/access/desk.ts';
import { siteOf, tokenFile } from '../../fronts/server/http/site.ts';
import { missingProgram } from '../../lab/missing.ts';

// A stream of events ends with its job, or never.
const STREAMS = ['--exclude-operation-id', 'jobEvents', '--exclude-operation-id', 'events'];
// 422 and 428 depend on more than the schema: on an earlier request with the same Idempotency-Key, and on the key of a service.
const CONFIG = `[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 422, 428, 429, "5xx"]
`;
const EXAMPLES = process.env.SWAPCTL_TEST_EXAMPLES ?? '30';

test('the API does what its OpenAPI document says, whatever is asked of it', {
  skip: missingProgram('schemathesis'),
}, async (t) => {
  const { token, line } = openTokenDesk(() => 0).create({ name: 'judge', allow: ['admin'], expires: undefined });
  const site = await siteOf(t, ['shop/web', 'shop/db', 'other'], (folder) => ({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    tokens: tokenFile(folder, [line]),
  }));
  const [address = ''] = site.server.addresses;
  const config = path.join(site.folder, 'schemathesis.toml');
  writeFileSync(config, CONFIG);
  const judged = await run(site.folder, [
    ...['--config-file', config, 'run', `${address}/openapi.json`, '--header', `Authorization: Bearer ${token}`],
    ...['--checks', 'all', '--max-examples', EXAMPLES, '--continue-on-failure', '--no-color', ...STREAMS],
  ]);
  t.diagnostic(`test cases: ${/Test cases:\s+(.*)/.exec(judged.text)?.[1]}`);
  assert.equal(judged.status, 0, judged.text.slice(-20_000));
  assert.deepEqual(
    site.log.filter((text) => text.startsWith('error')),
    [],
  );
});

function run(cwd: string, args: readonly string[]): Promise<{ readonly status: number | null; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const judge = spawn('schemathesis', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [judge.stdout, judge.stderr])
      stream.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
    judge.on('error', reject).on('close', (status) => resolve({ status, text }));
  });
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { NO_SERVER, type ServerConfig } from '../../../src/core/access/server-config.ts';
import type { ConfigDesk } from '../../../src/core/settings/config.ts';
import { cli } from './fakes.ts';

const configured = (server: Partial<ServerConfig> = {}) => ({
  config: () => ({ server: async () => ({ ...NO_SERVER, ...server }) }) as unknown as ConfigDesk,
});

const REFUSED: readonly (readonly [string, string[], RegExp])[] = [
  ['an address that is none', ['--listen', 'tcp://x'], /is not an address to listen on\n {2}write it like unix:/],
  ['TCP that is open to all', ['--listen', 'tcp://127.0.0.1:0'], /needs server.tokens[\s\S]*swapctl token create NAME/],
  ['a certificate without its key', ['--tls-cert', 'x.pem'], /--tls-cert and --tls-key go together/],
  [
    'a token file that is none',
    ['--listen', 'tcp://127.0.0.1:0', '--tokens', '/none'],
    /token file \/none can't be read/,
  ],
];
for (const [name, args, said] of REFUSED)
  test(`serve does not start with ${name}`, async () => {
    const { status, stderr } = await cli(['serve', ...args], configured());
    assert.equal(status, 2, stderr);
    assert.match(stderr, said);
  });

test('serve says which of its TLS files can not be used', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-serve-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [tokens, cert] = [path.join(folder, 'tokens'), path.join(folder, 'cert.pem')];
  for (const file of [tokens, cert]) writeFileSync(file, '# nothing\n', { mode: 0o600 });
  const args = ['--listen', 'tcp://127.0.0.1:0', '--tokens', tokens, '--tls-cert', cert, '--tls-key', cert];
  const { status, stderr } = await cli(['serve', ...args], configured());
  assert.equal(status, 2);
  assert.match(stderr, /the TLS files of the server can't be used: .*\n {2}see .*cert\.pem/);
});

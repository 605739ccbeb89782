// The examples of docs/guide/server/grpc.md work: its calls of grpcurl, and its client in Node.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRegistry, type DescMethod, fromJson } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { file_swapctl_v1_roll_service } from '#proto/swapctl/v1/roll_service_pb';
import { file_swapctl_v1_service_service } from '#proto/swapctl/v1/service_service_pb';
import { overSocket } from '../fronts/server/grpc/clients.ts';
import { siteOf } from '../fronts/server/http/site.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(path.join(ROOT, 'docs/guide/server/grpc.md'), 'utf8');
const registry = createRegistry(file_swapctl_v1_roll_service, file_swapctl_v1_service_service);

/** What a line of grpcurl calls, and with which message. */
const CALLS = [...page.matchAll(/^ {4}\$ grpcurl (.*) (swapctl\.v1\.\w+)\/(\w+)$/gm)].map(
  ([, options = '', service = '', method = '']) => ({
    service,
    method,
    message: JSON.parse(/-d '([^']*)'/.exec(options)?.[1] ?? '{}'),
  }),
);

test('the page has calls of grpcurl', () => assert.ok(CALLS.length >= 4));

for (const { service, method, message } of CALLS)
  test(`grpcurl … ${service}/${method}: the server answers`, async (t) => {
    const site = await siteOf(t, ['shop/web']);
    const desc = registry.getService(service) ?? assert.fail(service);
    const called: DescMethod = desc.method[`${method[0]?.toLowerCase()}${method.slice(1)}`] ?? assert.fail(method);
    // biome-ignore lint/suspicious/noExplicitAny: the method is known by its name only
    const client = createClient(desc, overSocket(site)) as any;
    const answer = client[called.localName](fromJson(called.input, message));
    if (called.methodKind === 'unary') return void (await answer);
    let messages = 0;
    for await (const _ of answer) messages += 1;
    assert.ok(messages > 0);
  });

test('the client in Node prints the steps of a roll, and its result', async (t) => {
  const site = await siteOf(t, ['shop/web']);
  site.world.newer();
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  const own = code
    .replace('./gen/', pathToFileURL(path.join(ROOT, 'proto/gen/')).href)
    .replace('/run/swapctl/swapctl.sock', path.join(site.folder, 'api.sock'));
  assert.ok(own.includes(site.folder) && own.includes('proto/gen/'));
  const { status, text } = await node(own);
  assert.equal(status, 0, text);
  assert.match(text, /^create shop-web\.swapctl-next from the new image$/m);
  assert.match(text, /^now runs sha256:[0-9a-f]{64}$/m);
});

function node(code: string): Promise<{ status: number | null; text: string }> {
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '--eval', code], { cwd: ROOT });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more) => {
      text += more;
    });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, text })));
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { connect } from '../../../../src/adapters/docker/connect/connect.ts';
import { type SshEndpoint, sshArgs } from '../../../../src/adapters/docker/connect/ssh.ts';
import { SwapError } from '../../../../src/core/model/error.ts';
import { eventually, inTime, SAFETY_NET_MS } from '../../../lab/waiting.ts';
import { fakeEngine, scratch } from './fake-engine.ts';
import { fakeBox, noSshd, script } from './fake-ssh.ts';

const BOX: SshEndpoint = { kind: 'ssh', host: 'box', origin: 'DOCKER_HOST' };

async function refusal(sshProgram: string, endpoint = BOX): Promise<SwapError> {
  const error = await connect(endpoint, { sshProgram }).then(
    () => assert.fail('it connected'),
    (thrown) => thrown,
  );
  assert.ok(error instanceof SwapError, String(error));
  assert.equal(error.code, 'engine-unreachable');
  return error;
}

/** The number of processes with a text in their command line. */
function processesWith(text: string): number {
  const commands = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(pid));
  return commands.filter((command) => command.includes(text)).length;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const sshHasEnded = () => eventually('ssh has ended', async () => processesWith('ssh-good.conf') === 0);

test('ssh is told to ask nothing, and the host can not be taken for an option', () => {
  const args = sshArgs({ ...BOX, user: 'me', port: 22, socket: "/run/it's.sock" }, 1500);
  assert.deepEqual(args.slice(args.indexOf('-T')), [
    '-T',
    '-l',
    'me',
    '-p',
    '22',
    '--',
    'box',
    'docker',
    '--host',
    "'unix:///run/it'\\''s.sock'",
    'system',
    'dial-stdio',
  ]);
  assert.ok(args.includes('BatchMode=yes') && args.includes('ConnectTimeout=2'));
  assert.deepEqual(sshArgs(BOX, 1000).slice(-5), ['--', 'box', 'docker', 'system', 'dial-stdio']);
});

test('a missing ssh program is said to be missing', async () => {
  const error = await refusal('/nonexistent/ssh');
  assert.match(error.message, /is not installed/);
  assert.match(error.hint ?? '', /openssh-client/);
});

test('what ssh prints before it dies becomes the message, however it ends', async (t) => {
  const folder = scratch(t);
  const dying = (status: number, words: string) => script(join(folder, 'ssh'), `echo '${words}' >&2; exit ${status}`);
  assert.match(
    (await refusal(dying(255, 'ssh: Could not resolve hostname box'))).message,
    /^ssh to box failed: ssh: Could not resolve/,
  );
  assert.match((await refusal(dying(127, 'sh: docker: not found'))).message, /there is no docker command on box/);
  assert.match(
    (await refusal(dying(1, 'Is the docker daemon running?'))).message,
    /^docker on box failed: Is the docker daemon/,
  );
  assert.match((await refusal(dying(0, ''))).message, /broke the connection/);
});

test('a background process that holds stderr open does not hold up the message', async (t) => {
  const folder = scratch(t);
  const lingering = script(
    join(folder, 'ssh'),
    `sleep 100000 >/dev/null & echo $! > '${folder}/pid'; echo gone >&2; exit 255`,
  );
  const { message } = await inTime(refusal(lingering), 'the message');
  process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')));
  assert.match(message, /gone/);
});

test('through a real sshd', { skip: noSshd() }, async (t) => {
  const folder = scratch(t);
  const socket = join(folder, 'd.sock');
  const { seen } = await fakeEngine(t, { socket });
  const box = await fakeBox(t, folder, socket);
  const good = box.client('ssh-good');
  const opened = async (sub: TestContext, endpoint = BOX) => {
    const connection = await connect(endpoint, { sshProgram: good });
    sub.after(connection.close);
    return connection;
  };

  await t.test(
    'with a known key it works by the name in ~/.ssh/config, on one connection that is kept',
    async (sub) => {
      const { docker, version, close } = await opened(sub);
      assert.equal(version.apiVersion, '1.51');
      for (let i = 0; i < 3; i += 1) assert.equal(String(await docker.ping()), 'OK');
      assert.deepEqual(box.calls(), ['system dial-stdio']);
      assert.equal(seen.connections, 1);
      close();
      await sshHasEnded();
    },
  );

  await t.test('a hijacked exec carries bytes both ways and ends by half', async (sub) => {
    const { docker } = await opened(sub);
    const stream = await docker.getExec('abc').start({ hijack: true, stdin: true });
    stream.write('hi');
    assert.equal(String((await once(stream, 'data'))[0]), 'echo hi');
    stream.end();
    assert.equal(String((await once(stream, 'data'))[0]), 'bye');
    await once(stream, 'end');
    assert.equal(String(await docker.ping()), 'OK');
  });

  await t.test('twenty requests at once are not more than sshd admits', async (sub) => {
    const { docker } = await opened(sub);
    const answers = await Promise.all(Array.from({ length: 20 }, () => docker.ping()));
    assert.deepEqual(answers.map(String), Array(20).fill('OK'));
  });

  await t.test('a socket path in the address is handed to docker there', async (sub) => {
    await opened(sub, { ...BOX, socket: '/run/user/1/d.sock' });
    assert.equal(box.calls().at(-1), '--host unix:///run/user/1/d.sock system dial-stdio');
  });

  await t.test('an idle connection does not keep the process alive, nor ssh after it', async () => {
    const module = new URL('../../../../src/adapters/docker/connect/connect.ts', import.meta.url).href;
    const code = `
      import { connect } from ${JSON.stringify(module)};
      const { docker } = await connect(${JSON.stringify(BOX)}, { sshProgram: ${JSON.stringify(good)} });
      process.stdout.write(String(await docker.ping()));`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', code];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: SAFETY_NET_MS });
    assert.equal(stdout, 'OK');
    await sshHasEnded();
  });

  await t.test('an unknown host key is refused before anything runs there', async () => {
    const before = box.calls().length;
    const error = await refusal(box.client('ssh-unknown', { knownHosts: '' }));
    assert.match(error.message, /^ssh to box failed: .*Host key verification failed/);
    assert.match(error.hint ?? '', /compare the fingerprint/);
    assert.equal(box.calls().length, before);
  });

  await t.test('a changed host key is refused, and is not said to be merely unknown', async () => {
    const other = box.knownHosts(`${box.keygen('other-host')}.pub`);
    const error = await refusal(box.client('ssh-changed', { knownHosts: other }));
    assert.match(error.hint ?? '', /not the one you trust/);
  });

  await t.test('a key that the host does not accept is said to be missing', async () => {
    const error = await refusal(box.client('ssh-denied', { key: box.keygen('stranger') }));
    assert.match(error.message, /Permission denied \(publickey\)/);
    assert.match(error.hint ?? '', /ssh agent/);
  });

  await t.test('a host without docker, and one whose engine is down, are told apart', async () => {
    renameSync(box.docker, `${box.docker}.away`);
    assert.match((await refusal(good)).message, /there is no docker command on box/);
    script(box.docker, 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
    assert.match((await refusal(good)).message, /docker on box failed: .*Cannot connect to the Docker daemon/);
    rmSync(box.docker);
  });
});

test('keys and known hosts that are given count alone, and a host that is not in them is refused', () => {
  const trust = { identityFile: '/tmp/a folder/50%', knownHostsFile: '/tmp/known' };
  const args = sshArgs({ ...BOX, trust }, 1500);
  const options = args.filter((_, at) => args[at - 1] === '-o');
  for (const expected of [
    'IdentityFile="/tmp/a folder/50%%"',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'UserKnownHostsFile="/tmp/known"',
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
  ])
    assert.ok(options.includes(expected), expected);
  assert.ok(args.indexOf('IdentitiesOnly=yes') < args.indexOf('--'));
});

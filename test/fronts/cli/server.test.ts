// The commands that use a server, and the ways to name it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cli, type Given } from './fakes.ts';

const STATUS: Given = { status: [] };
const SOCKET = 'unix:///run/swapctl/swapctl.sock';

suite('a command through a server', () => {
  test('opens the server of --server, or of SWAPCTL_SERVER, with the token of SWAPCTL_TOKEN', async () => {
    const env = { SWAPCTL_SERVER: 'https://host:8443', SWAPCTL_TOKEN: 'swapctl_x' };
    const flag = await cli(['--server', SOCKET, 'status'], { ...STATUS, env });
    assert.deepEqual(flag.opened, [{ server: { address: SOCKET, token: 'swapctl_x' } }]);
    const variable = await cli(['status'], { ...STATUS, env });
    assert.deepEqual(variable.opened, [{ server: { address: 'https://host:8443', token: 'swapctl_x' } }]);
    assert.deepEqual((await cli(['status'], { ...STATUS, env: { SWAPCTL_SERVER: '' } })).opened, [{}]);
  });

  test('goes to an engine that the command line names, whatever the environment says', async () => {
    const { opened } = await cli(['--host', 'unix:///d.sock', 'status'], {
      ...STATUS,
      env: { SWAPCTL_SERVER: SOCKET },
    });
    assert.deepEqual(opened, [{ host: 'unix:///d.sock' }]);
    const both = await cli(['--server', SOCKET, '--host', 'unix:///d.sock', 'status'], STATUS);
    assert.equal(both.status, 2);
    assert.match(both.stderr, /'--server <url>' cannot be used with option '--host <url>'/);
  });

  test('is refused for --notify, and for what stays', async () => {
    const notify = await cli(['--server', SOCKET, 'roll', 'web', '--notify'], {});
    assert.equal(notify.status, 2);
    assert.match(notify.stderr, /--notify does not work through a server/);
    const dev = await cli(['--server', SOCKET, 'dev', 'web'], {});
    assert.equal(dev.status, 2);
    assert.match(dev.stderr, /this command does not work through a server\n {2}run it without --server/);
    assert.deepEqual([...notify.opened, ...dev.opened], []);
  });
});

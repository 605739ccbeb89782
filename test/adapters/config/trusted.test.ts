import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { findFile } from '../../../src/adapters/config/find.ts';
import { trustedUsers } from '../../../src/adapters/config/trusted.ts';
import { folderOf } from '../build/files.ts';

const isRoot = process.geteuid?.() === 0;
const TEXT = 'notifications: []\n';
const STRANGER = 54_321;

suite('a swapctl.yml that nobody named', {
  skip: isRoot ? false : 'files of other users can only be made by root',
}, () => {
  const find = (folder: string, env: Record<string, string> = {}, file?: string) => findFile({ file, env, folder });

  test('counts if only its owner and root can write to it', async (t) => {
    const folder = folderOf(t, { 'swapctl.yml': TEXT });
    assert.equal((await find(folder))?.text, TEXT);
    chmodSync(path.join(folder, 'swapctl.yml'), 0o664);
    assert.equal((await find(folder))?.text, TEXT, "root's group is root's");
  });

  const spoilt: Record<string, (folder: string, file: string) => void> = {
    'file belongs to another user': (_, file) => chownSync(file, STRANGER, 0),
    'folder belongs to another user': (folder) => chownSync(folder, STRANGER, 0),
    'file can be written to by everybody': (_, file) => chmodSync(file, 0o646),
    'folder can be written to by everybody, also where only owners remove files': (folder) => chmodSync(folder, 0o1777),
    'file can be written to by a group': (_, file) => {
      chownSync(file, 0, STRANGER);
      chmodSync(file, 0o664);
    },
    'file is a link to a file in the folder of another user': (folder, file) => {
      const other = path.join(folder, 'theirs');
      mkdirSync(other);
      writeFileSync(path.join(other, 'x.yml'), TEXT);
      chownSync(other, STRANGER, 0);
      rmSync(file);
      symlinkSync('theirs/x.yml', file);
    },
  };
  for (const [what, spoil] of Object.entries(spoilt))
    test(`does not count where the ${what}, and is taken if it is named`, async (t) => {
      const folder = folderOf(t, { 'swapctl.yml': TEXT });
      const file = path.join(folder, 'swapctl.yml');
      spoil(folder, file);
      await assert.rejects(find(folder), {
        code: 'config',
        message: /^swapctl\.yml in the current folder is not used: .*(belongs to another user|may write to)/,
        hint: /--config swapctl\.yml/,
      });
      assert.equal((await find(folder, {}, 'swapctl.yml'))?.text, TEXT);
      assert.equal((await find(folder, { SWAPCTL_CONFIG: file }))?.text, TEXT);
    });

  test('counts if it belongs to who became root by sudo, and not if sudo is only claimed', async (t) => {
    const folder = folderOf(t, { 'swapctl.yml': TEXT });
    for (const one of [folder, path.join(folder, 'swapctl.yml')]) chownSync(one, STRANGER, STRANGER);
    assert.equal((await find(folder, { SUDO_UID: `${STRANGER}` }))?.text, TEXT);
    await assert.rejects(find(folder, { SUDO_UID: '1' }), { code: 'config' });
    assert.deepEqual(trustedUsers({ SUDO_UID: `${STRANGER}` }, 1000), [0, 1000]);
  });

  test('is another one where there is none here', async (t) => {
    const folder = folderOf(t, {});
    chmodSync(folder, 0o1777);
    assert.equal((await find(folder))?.path, undefined);
  });
});

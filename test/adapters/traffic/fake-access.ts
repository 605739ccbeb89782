// The files and processes of a proxy, for tests of how its configuration is read.
import assert from 'node:assert/strict';
import path from 'node:path';
import type { ProxyAccess } from '../../../src/ports/proxy-access.ts';

export function fakeAccess({ title, files }: { title: string; files: Readonly<Record<string, string>> }): ProxyAccess {
  const none = async (): Promise<never> => assert.fail('the test reads only');
  return {
    run: none,
    write: none,
    remove: none,
    exchange: none,
    http: none,
    kill: none,
    read: async (file) => files[file],
    list: async (folder) => {
      const names = Object.keys(files).filter((file) => path.posix.dirname(file) === folder);
      return names.length > 0 ? names.map((file) => path.posix.basename(file)) : undefined;
    },
    processes: async () => [{ pid: 1, parent: 0, title }],
  };
}

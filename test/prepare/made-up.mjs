// Prepares a made-up entry in a process of its own: `whole`, one that `fails` half way, or one whose program `hangs`.
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../scripts/prepare/cache.mjs';
import { prepareEntries } from '../../scripts/prepare/entries.mjs';
import { exitWith, Failure } from '../../scripts/shell.mjs';

const MAKERS = {
  whole: async (folder) => {
    await half(folder);
    // Goes on when the test says so.
    for await (const _ of process.stdin) break;
    writeFileSync(path.join(folder, 'second'), '');
  },
  fails: async (folder) => {
    await half(folder);
    throw new Failure('the mirror went away');
  },
  hangs: async (folder, run) => {
    await half(folder);
    await run('sh', ['-c', `sleep 1000 & echo $! > '${path.join(cacheFolder(), 'pid')}'; echo running >&3; wait`], {
      stdio: ['ignore', 'pipe', 'pipe', 1],
    });
  },
};

async function half(folder) {
  writeFileSync(path.join(folder, 'first'), '');
  appendFileSync(path.join(cacheFolder(), 'makings'), 'made\n');
  process.stdout.write('half\n');
}

const make = ({ folder, run }) => MAKERS[process.argv[2]](folder, run);
const prepared = prepareEntries(['thing'], { thing: { path: '.', make } });
exitWith(prepared.then(() => 0).finally(() => process.stdin.destroy()));

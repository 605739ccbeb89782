// npm run proto [-- --check | --accept-breaking]: generates proto/gen/ and proto/baseline.binpb from proto/, or reports mistakes,
// breaking changes, and what is out of date. With --accept-breaking, the baseline changes although programs of users break.
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { dependencies, root } from './prepare/npm.mjs';
import { attempt, exitWith, Failure } from './shell.mjs';

const GEN = path.join(root, 'proto/gen');
// The description of the API as it was last committed. A checkout need not have the history or the tags.
const BASELINE = path.join(root, 'proto/baseline.binpb');

async function buf(...args) {
  const { code, output } = await attempt(path.join(root, 'node_modules/.bin/buf'), args, { cwd: root });
  if (code !== 0) throw new Failure(`buf ${args[0]} failed:\n${output.trimEnd()}`);
}

/** Writes the generated code, with the paths of proto/gen/, and the baseline into a folder. */
async function generated() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'swapctl-proto-'));
  const baseline = path.join(folder, 'baseline.binpb');
  await buf('generate', '-o', folder);
  await buf('build', '--exclude-source-info', '-o', baseline);
  return {
    folder: path.join(folder, 'proto/gen'),
    baseline,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function textsOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
  return new Map(names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

async function outdated() {
  const { folder, baseline, remove } = await generated();
  try {
    const [now, wanted] = [textsOf(GEN), textsOf(folder)];
    const files = [...new Set([...now.keys(), ...wanted.keys()])].filter((name) => now.get(name) !== wanted.get(name));
    return readFileSync(BASELINE).equals(readFileSync(baseline)) ? files : [...files, path.basename(BASELINE)];
  } finally {
    remove();
  }
}

async function unbroken() {
  await buf('breaking', '--against', BASELINE).catch((error) => {
    throw new Failure(`${error.message}\nif programs of users may break: npm run proto -- --accept-breaking`);
  });
  await unbrokenSinceRelease();
}

// Programs that were written for a release go on with the next one.
async function unbrokenSinceRelease() {
  const released = await attempt('git', ['describe', '--tags', '--abbrev=0', '--match', 'v*'], { cwd: root });
  if (released.code !== 0) return;
  const tag = released.output.trim();
  const had = await attempt('git', ['cat-file', '-e', `${tag}:proto/swapctl`], { cwd: root });
  if (had.code === 0) await buf('breaking', '--against', `.git#tag=${tag}`);
}

async function main() {
  const { values } = parseArgs({ options: { check: { type: 'boolean' }, 'accept-breaking': { type: 'boolean' } } });
  await dependencies();
  await buf('lint');
  if (!values['accept-breaking']) await unbroken();
  if (values.check) {
    const files = await outdated();
    if (files.length > 0) throw new Failure(`out of date: ${files.join(', ')}; run npm run proto`);
    return 0;
  }
  const { folder, baseline, remove } = await generated();
  copyFileSync(baseline, BASELINE);
  rmSync(GEN, { recursive: true, force: true });
  cpSync(folder, GEN, { recursive: true });
  remove();
  return 0;
}

exitWith(main());

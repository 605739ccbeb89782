// What a release consists of fits together, and stays small.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingBuild, missingProgram } from './lab/missing.ts';

const noNpm = missingProgram('npm');
const unbuilt = missingBuild();

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const manifest: Manifest = JSON.parse(read('package.json'));

interface Manifest {
  version: string;
  private?: boolean;
  scripts?: object;
  dependencies?: Record<string, string>;
  devDependencies?: object;
  publishConfig?: object;
}

const MOST_KB = 4_000;
const MOST_AT_START_KB = 150;
const MOST_FILES_AT_START = 24;

test('the newest version of the changelog is that of the package', () => {
  assert.equal(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1], manifest.version);
  assert.ok(read('package-lock.json').startsWith(`{\n  "name": "swapctl",\n  "version": "${manifest.version}"`));
  const [major, minor] = manifest.version.split('.');
  assert.match(read('compose.example.yml'), new RegExp(`image: ghcr\\.io/swapctl/swapctl:${major}\\.${minor}$`, 'm'));
});

test('the packed manifest brings no other package, and is published with provenance', { skip: unbuilt }, () => {
  const packed: Manifest = JSON.parse(read('package/package.json'));
  assert.deepEqual([packed.dependencies, packed.devDependencies, packed.scripts], [undefined, undefined, undefined]);
  assert.equal(packed.version, manifest.version);
  assert.equal(packed.private, undefined);
  assert.deepEqual(packed.publishConfig, { access: 'public', provenance: true });
  assert.match(read('.github/workflows/release.yml'), /npm run build\n +- run: npm publish \.\/package$/m);
});

test('the repository itself can be neither packed nor published', { skip: noNpm }, () => {
  assert.equal(manifest.private, true);
  const { status, stderr } = spawnSync('npm', ['pack', '--dry-run'], { cwd: ROOT, encoding: 'utf8' });
  assert.notEqual(status, 0);
  assert.match(stderr, /npm pack \.\/package/);
});

test('the dependencies are the packages that the program imports', () => {
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`src/${file}`));
  const imports = sources.flatMap((source) => [
    ...source.matchAll(/(?:\bfrom|\bimport\()\s*'((?:@[\w-]+\/)?[\w-]+)[^':]*'/g),
  ]);
  const names = new Set(imports.map(([, name = '']) => name));
  assert.deepEqual([...names].sort(), Object.keys(manifest.dependencies ?? {}).sort());
});

test('actions are pinned by commit, with the version beside it', () => {
  const workflows = readdirSync(path.join(ROOT, '.github/workflows')).map((file) => read(`.github/workflows/${file}`));
  const used = workflows.flatMap((text) => [...text.matchAll(/uses: (\S+.*)$/gm)].map(([, what]) => what ?? ''));
  assert.ok(used.length > 5);
  const loose = used.filter((what) => !what.startsWith('./') && !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what));
  assert.deepEqual(loose, []);
});

test(`all of it has at most ${MOST_KB} kB, and what every start reads ${MOST_AT_START_KB} kB in ${MOST_FILES_AT_START} files`, {
  skip: unbuilt,
}, (t) => {
  const all = readdirSync(path.join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(ROOT, 'dist', file))
    .filter((file) => file.endsWith('.js'));
  const atStart = [...closure(path.join(ROOT, 'dist/swapctl.js'))];
  t.diagnostic(`${kiloBytes(all)} kB, at start ${kiloBytes(atStart)} kB in ${atStart.length} files`);
  assert.ok(kiloBytes(all) <= MOST_KB, `${kiloBytes(all)} kB`);
  assert.ok(kiloBytes(atStart) <= MOST_AT_START_KB, `${kiloBytes(atStart)} kB at start`);
  assert.ok(atStart.length <= MOST_FILES_AT_START, atStart.join('\n'));
});

/** A file and all that it imports before it runs. */
function closure(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const imported = readFileSync(file, 'utf8').matchAll(
    /(?:^|[;\n}])\s*(?:import|export)(?:\{[^}]*\}from)?\s*"(\.[^"]+)"/g,
  );
  for (const [, target = ''] of imported) closure(path.join(path.dirname(file), target), found);
  return found;
}

function kiloBytes(files: readonly string[]): number {
  return Math.round(files.reduce((sum, file) => sum + statSync(file).size, 0) / 1024);
}

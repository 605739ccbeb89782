// The parts of a release fit together, and stay small.
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

const MOST_KB = 4_200;
const MOST_AT_START_KB = 160;
const MOST_FILES_AT_START = 30;

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
  assert.match(
    read('.github/workflows/release.yml'),
    /npm run build\n +- run: npm pack \.\/package --ignore-scripts && mv swapctl-\*\.tgz package\.tgz$/m,
  );
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

test('every package in the lock file has a digest, and comes from the registry', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }>;
  };
  const all = Object.entries(packages).filter(([name]) => name !== '');
  assert.ok(all.length > 100);
  assert.deepEqual(
    all.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '')),
    [],
  );
  assert.deepEqual(
    all.filter(([, { resolved, link }]) => link || (resolved && !resolved.startsWith('https://'))),
    [],
  );
});

const SIMPLE = ['MIT', 'MIT-0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0'];
const LICENCES = [...SIMPLE, '(Apache-2.0 AND BSD-3-Clause)'];

test('what is bundled may be, and its licences go along', { skip: unbuilt }, (t) => {
  const [head = '', ...texts] = read('dist/LICENSES.txt').split(`\n${'-'.repeat(80)}\n\n`);
  const packages = [head.replace(/^.*\n\n/, ''), ...texts].map((text) =>
    /^(\S+) (\S+) \((.+)\)\n\n([\s\S]*)$/.exec(text),
  );
  assert.ok(packages.length > 50);
  const licences = packages.map((found) => found?.[3] ?? 'none');
  t.diagnostic(`${packages.length} packages under ${[...new Set(licences)].sort().join(', ')}`);
  assert.deepEqual(
    licences.filter((licence) => !LICENCES.includes(licence)),
    [],
  );
  // A release must carry its terms.
  const silent = packages.filter((found) => (found?.[4] ?? '').trim() === '').map((found) => found?.[1]);
  assert.deepEqual(silent, WITHOUT_TEXT);
});

// They name their licence in package.json only.
const WITHOUT_TEXT = ['split-ca'];

test('no job that may publish or push runs code of packages, and none runs their install scripts', () => {
  for (const file of readdirSync(path.join(ROOT, '.github/workflows'))) {
    const text = read(`.github/workflows/${file}`);
    assert.deepEqual(
      [...text.matchAll(/npm (ci|install)\b(?!.*--ignore-scripts).*/g)].map(([line]) => line),
      [],
    );
    const jobs = text
      .slice(text.indexOf('\njobs:'))
      .split(/\n {2}(?=[\w-]+:\n)/)
      .slice(1);
    assert.ok(jobs.length > 0);
    for (const job of jobs.filter((one) => /: write\b/.test(one)))
      assert.doesNotMatch(job, /npm (ci|install|run|exec|test)\b|\bnpx\b|cache: npm/);
  }
});

test('the image that is released is built on a digest', () => {
  const release = read('.github/workflows/release.yml');
  assert.match(release, /build-args: BASE=\$\{\{ vars\.BASE_IMAGE \}\}/);
  assert.match(release, /\*@sha256:\*\) ;;\n\s+\*\) .*exit 1/);
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

/** A file with everything that it imports before it runs. */
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

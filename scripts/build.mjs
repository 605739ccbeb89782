// Bundles src/main.ts and src/action.ts, with all packages that they use, into dist/, and writes package/ from it.
// By hand: `npm run build`.
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { atNeed, PART_FILES } from './at-need.mjs';
import { writePackage } from './package.mjs';
import { dependencies, root } from './prepare/npm.mjs';
import { exitWith, Failure, say } from './shell.mjs';

const DIST = path.join(root, 'dist');
// dockerode reads it from beside its own file, and that is a chunk.
const PROTO = 'dist/chunks/proto';
const LICENSES = 'dist/LICENSES.txt';

// Everything is bundled: an install brings one package instead of a hundred, the action runs from its repository's tree with
// nothing to install, and what people run is what was tested. Our own dynamic imports become chunks, so that a command loads
// only what it uses.
export async function build() {
  const { build: bundle } = await import('esbuild');
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: { swapctl: 'src/main.ts', action: 'src/action.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Less to read at every start; names stay, for the stacks in reports of bugs.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // Packages in CommonJS ask for node's own modules with require(), and for their folder.
    banner: { js: BANNER },
    define: { SWAPCTL_VERSION: JSON.stringify(manifest.version) },
    plugins: [atNeed],
    metafile: true,
    logLevel: 'silent',
  }).catch((error) => {
    throw new Failure(`the build failed: ${error.message}`);
  });
  const parts = await buildParts(bundle);
  const inputs = { ...result.metafile.inputs, ...parts.inputs };
  const outputs = { ...result.metafile.outputs, ...parts.outputs };
  cpSync(path.join(root, 'node_modules/dockerode/lib/proto'), path.join(root, PROTO), { recursive: true });
  writeFileSync(path.join(root, LICENSES), licensesOf(packagesOf(Object.keys(inputs))));
  removeStale((file) => file in outputs || file === LICENSES || file.startsWith(`${PROTO}/`));
  chmodSync(path.join(DIST, 'swapctl.js'), 0o755);
  writePackage();
  return { inputs, outputs };
}

const BANNER = `#!/usr/bin/env node
import { createRequire } from 'node:module';
import { fileURLToPath as __path } from 'node:url';
const require = createRequire(import.meta.url);
const __dirname = __path(new URL('.', import.meta.url));`;

/** What is loaded at need, each in a file of its own. */
async function buildParts(bundle) {
  const { metafile } = await bundle({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      Object.entries(PART_FILES).map(([file, source]) => [path.join('chunks', path.parse(file).name), source]),
    ),
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
  });
  return metafile;
}

/** The folders of the packages that files belong to. */
function packagesOf(files) {
  const folders = files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].sort();
}

// All of them let their text go along and ask for no more. Another is looked at by a person before it stands here.
const MAY_BE_BUNDLED = [
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
  '(Apache-2.0 AND BSD-3-Clause)',
];

// These packages come without a file of their licence: its text is that of another package, and notices stand in their sources.
const APACHE = 'node_modules/dockerode/LICENSE';
const ELSEWHERE = {
  '@bufbuild/protobuf': [APACHE, 'node_modules/@bufbuild/protobuf/dist/esm/wire/varint.js'],
  '@connectrpc/connect': [APACHE, 'node_modules/@connectrpc/connect/dist/esm/code.js'],
  '@connectrpc/connect-node': [APACHE],
};

/** The licences of what is bundled, which most of them want to go along; a package with none, or with another, is refused. */
function licensesOf(folders) {
  const one = (folder) => {
    const { name, version, license } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
    if (!license) throw new Failure(`${name} names no licence, so it can't be bundled`);
    if (!MAY_BE_BUNDLED.includes(license))
      throw new Failure(
        `${name} has the licence ${license}, which is not among those in scripts/build.mjs that may be bundled`,
      );
    const file = readdirSync(path.join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text =
      file && existsSync(path.join(root, folder, file))
        ? readFileSync(path.join(root, folder, file), 'utf8')
        : (ELSEWHERE[name] ?? []).map(noticeOf).join('\n\n');
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  };
  return `swapctl contains these packages.\n\n${folders.map(one).join(`\n${'-'.repeat(80)}\n\n`)}`;
}

/** The text of a licence, or the comment at the top of a source. */
function noticeOf(file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  if (!file.endsWith('.js')) return text.trimEnd();
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n');
}

/** Old chunks go after the new ones are there, so that a swapctl that is just running finds its own till then. */
function removeStale(isCurrent) {
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !isCurrent(path.relative(root, file))) rmSync(file);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  exitWith(
    (async () => {
      await dependencies();
      const { outputs } = await build();
      const size = Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);
      say(`dist: ${Object.keys(outputs).length} files, ${Math.round(size / 1024)} kB`);
    })(),
  );
}

// Bundles src/main.ts into dist/swapctl.js. By hand: `npm run build`.
import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dependencies, root } from './prepare.mjs';
import { exitWith, Failure, say } from './shell.mjs';

const DIST = path.join(root, 'dist');

// Bundled, because every command needs it: one file to read instead of a package to look up. All other packages stay
// outside, and our own dynamic imports become chunks, so that a command loads only what it uses.
// So is semver, which is many small files.
const BUNDLED = ['commander', 'semver'];

export async function build() {
  const { build: bundle } = await import('esbuild');
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: { swapctl: 'src/main.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: Object.keys(manifest.dependencies).filter((name) => !BUNDLED.includes(name)),
    // commander is CommonJS inside, and asks for node's own modules with require().
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
    define: { SWAPCTL_VERSION: JSON.stringify(manifest.version) },
    metafile: true,
    logLevel: 'silent',
  }).catch((error) => {
    throw new Failure(`the build failed: ${error.message}`);
  });
  refuseStrangers(Object.keys(result.metafile.inputs));
  removeStale(new Set(Object.keys(result.metafile.outputs)));
  chmodSync(path.join(DIST, 'swapctl.js'), 0o755);
  return result.metafile;
}

/** A package that isn't in package.json's dependencies would be bundled without a word. */
function refuseStrangers(inputs) {
  const strangers = inputs.filter(
    (file) => file.startsWith('node_modules/') && !BUNDLED.some((name) => file.startsWith(`node_modules/${name}/`)),
  );
  if (strangers.length > 0) throw new Failure(`not in "dependencies", but imported: ${strangers.join(', ')}`);
}

/** Old chunks go after the new ones are there, so that a swapctl that is just running finds its own till then. */
function removeStale(outputs) {
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && !outputs.has(path.relative(root, file))) rmSync(file);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  exitWith(
    (async () => {
      await dependencies();
      const { outputs } = await build();
      const size = Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);
      say(`dist/swapctl.js: ${Object.keys(outputs).length} files, ${Math.round(size / 1024)} kB`);
    })(),
  );
}

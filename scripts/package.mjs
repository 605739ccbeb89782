// Writes package/, the folder that npm publishes and the image copies: dist/ with a manifest that names no dependencies, because
// the bundle contains them.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './prepare/npm.mjs';

const PACKAGE = path.join(root, 'package');
const FILES = ['dist', 'README.md', 'LICENSE', 'CHANGELOG.md', 'compose.example.yml'];
const FIELDS = ['name', 'version', 'description', 'license', 'repository', 'type', 'bin', 'engines'];
const PUBLISHING = { access: 'public', provenance: true };

export function writePackage() {
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE);
  for (const file of FILES) cpSync(path.join(root, file), path.join(PACKAGE, file), { recursive: true });
  writeFileSync(path.join(PACKAGE, 'package.json'), `${JSON.stringify(packedManifest(), null, 2)}\n`);
}

function packedManifest() {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return { ...Object.fromEntries(FIELDS.map((field) => [field, manifest[field]])), publishConfig: PUBLISHING };
}
